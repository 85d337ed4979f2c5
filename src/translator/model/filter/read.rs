//! Filters and what routes say about them, from the wire.

use amesh_xds::schema::{Action, Class};
use amesh_xds::wire::envoy::config::route::v3::FilterConfig;
use amesh_xds::wire::envoy::extensions::common::matching::v3 as wire_wrapped;
use amesh_xds::wire::envoy::extensions::filters::http::api_key_auth::v3 as wire_key;
use amesh_xds::wire::envoy::extensions::filters::http::buffer::v3 as wire_buffer;
use amesh_xds::wire::envoy::extensions::filters::http::compressor::v3 as wire_compressor;
use amesh_xds::wire::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use amesh_xds::wire::envoy::extensions::filters::http::csrf::v3::CsrfPolicy;
use amesh_xds::wire::envoy::extensions::filters::http::ext_authz::v3::ExtAuthzPerRoute;
use amesh_xds::wire::envoy::extensions::filters::http::fault::v3::HttpFault;
use amesh_xds::wire::envoy::extensions::filters::http::header_mutation::v3 as wire_mutation;
use amesh_xds::wire::envoy::extensions::filters::http::health_check::v3 as health_check;
use amesh_xds::wire::envoy::extensions::filters::http::jwt_authn::v3 as wire_jwt;
use amesh_xds::wire::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use amesh_xds::wire::envoy::extensions::filters::http::rbac::v3 as wire_rbac;
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use amesh_xds::wire::google::protobuf::Any;
use bytes::Bytes;
use prost::Message as _;

use super::{
    Config, FilterError, HttpFilter, Override, Wrapped, access_tree, api_key, compressor, cors, csrf, fault, jwt,
    limit, mutation, rbac, small, wrapped,
};
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::findings::{Classified, classify, scan, shown};
use crate::model::rules::{filled, set};
use crate::report::{Place, Report};

const INSTALLED: &str = "http_filter";
const PER_ROUTE: &str = "per_route_config";
const WRAPPER: &str = "envoy.config.route.v3.FilterConfig";
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const CORS: &str = "envoy.extensions.filters.http.cors.v3.Cors";
const CORS_POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";
const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
const RBAC_PER_ROUTE: &str = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
const CSRF: &str = "envoy.extensions.filters.http.csrf.v3.CsrfPolicy";
const HEALTH_CHECK: &str = "envoy.extensions.filters.http.health_check.v3.HealthCheck";
const BUFFER: &str = "envoy.extensions.filters.http.buffer.v3.Buffer";
const BUFFER_PER_ROUTE: &str = "envoy.extensions.filters.http.buffer.v3.BufferPerRoute";
const LIMIT: &str = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
const MUTATION: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
const MUTATION_PER_ROUTE: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute";
const COMPRESSOR: &str = "envoy.extensions.filters.http.compressor.v3.Compressor";
const COMPRESSOR_PER_ROUTE: &str = "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute";
const WRAPPED: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const WRAPPED_PER_ROUTE: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute";
const API_KEY: &str = "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth";
const API_KEY_PER_ROUTE: &str = "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute";
const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
const EXT_AUTHZ_PER_ROUTE: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const JWT: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const JWT_PER_ROUTE: &str = "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig";
const FAULT: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";

/// The filters of a connection manager that has been scanned. `fetched`: it has some that are not in the message.
pub(crate) fn installed(
    filters: &[wire::HttpFilter],
    fetched: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Vec<HttpFilter>, (usize, FilterError)> {
    let mut list = Vec::with_capacity(filters.len());
    for (index, filter) in filters.iter().enumerate() {
        let place = place.item("http_filters", index);
        let one = match &filter.config_type {
            Some(ConfigType::TypedConfig(any)) => {
                one(filter, any, index.saturating_add(1) == filters.len(), &place, report)
            }
            None if fetched => continue,
            None if filter.is_optional => {
                report.add(Code::ExtensionIgnored, place, "the filter has no configuration, and is optional");
                continue;
            }
            None => Err(FilterError::UnknownType(String::new())),
        };
        list.extend(one.map_err(|error| (index, error))?);
    }
    Ok(list)
}

fn one(
    filter: &wire::HttpFilter,
    any: &Any,
    is_last: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<HttpFilter>, FilterError> {
    let found = classify(INSTALLED, any);
    filled(&filter.name, "name")?;
    // A dynamic module may end the filters as the router does.
    let may_end = found.name == ROUTER || found.name.contains(".dynamic_modules.");
    if (is_last && !may_end) || (!is_last && found.name == ROUTER) {
        return Err(FilterError::Router);
    }
    if is_last && filter.disabled {
        return Err(FilterError::RouterDisabled);
    }
    let Some(config) = configuration(&found, &any.value, filter.is_optional, place, report)? else { return Ok(None) };
    let config = match config {
        // Routes may say that they do not want it.
        Config::Unusable(why) if found.name == EXT_AUTHZ => Config::ExtAuthz(Some(why)),
        other => other,
    };
    if let (Config::Unusable(why) | Config::ExtAuthz(Some(why)), false) = (&config, filter.disabled) {
        say_unusable(&found, why, place, report);
    }
    // A router that cannot be translated denies everything.
    let is_kept = found.name != ROUTER || matches!(config, Config::Unusable(_));
    Ok(is_kept.then(|| HttpFilter { name: filter.name.clone(), enabled: !filter.disabled, config }))
}

/// What a route, virtual host or route configuration says about a filter; `None` where it is left out.
pub(crate) fn per_route(any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Option<Override>, FilterError> {
    let found = classify(PER_ROUTE, any);
    if found.name != WRAPPER || found.is_struct {
        return own(&found, any, false, place, report);
    }
    let _ = scan(WRAPPER, &any.value, place, report)?;
    let wrapper = FilterConfig::decode(any.value.clone())?;
    match &wrapper.config {
        _ if wrapper.disabled => Ok(Some(Override::Disabled)),
        None => Err(FilterError::EmptyWrapper),
        Some(any) if any.type_url.is_empty() => Ok(Some(Override::Enabled)),
        Some(any) => {
            let found = classify(PER_ROUTE, any);
            // A wrapper inside a wrapper is no configuration of any filter.
            if found.name == WRAPPER && !wrapper.is_optional {
                return Err(FilterError::UnknownType(shown(&found.name)));
            }
            own(&found, any, wrapper.is_optional, place, report)
        }
    }
}

fn own(
    found: &Classified<'_>,
    any: &Any,
    is_optional: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Override>, FilterError> {
    if matches!(&*found.name, ROUTER | HEALTH_CHECK | BUFFER | COMPRESSOR) {
        return Err(FilterError::NotPerRoute(shown(&found.name)));
    }
    if found.name == WRAPPER {
        return Ok(None);
    }
    if found.name == LIMIT && !found.is_struct {
        // What there is to say about it is said below.
        let _ = limit::convert(LocalRateLimit::decode(any.value.clone())?, true, place, &mut Report::default())?;
    }
    let config = configuration(found, &any.value, is_optional, place, report)?;
    if let Some(Config::Unusable(why)) = &config {
        say_unusable(found, why, place, report);
    }
    Ok(config.map(Override::Config))
}

/// Says why a filter denies the requests that it is on for. What stands in a filter that is read has been said.
fn say_unusable(found: &Classified<'_>, why: &str, place: &Place<'_>, report: &mut Report) {
    let is_read = matches!(found.class, Some(Class::Translated | Class::Approximated(_)));
    if !is_read || found.is_struct {
        report.add(Code::ExtensionDenied, place, why.to_owned());
    }
}

/// What the ledger and the message say; `None` where the filter is left out.
fn configuration(
    found: &Classified<'_>,
    bytes: &Bytes,
    is_optional: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Config>, FilterError> {
    let name = shown(&found.name);
    Ok(Some(match found.class {
        // Envoy has more filters than the ledger.
        None if found.name.starts_with("envoy.") => Config::Unusable(format!("{name}: the filter is not known")),
        None if is_optional => {
            report.add(Code::ExtensionIgnored, place, format!("{name}: the filter is not known, and optional"));
            return Ok(None);
        }
        None => return Err(FilterError::UnknownType(name)),
        Some(Class::NoEffect | Class::Unlisted) => Config::Nothing,
        Some(Class::Refused(Action::Ignore, note) | Class::NotYet(Action::Ignore, note)) => {
            report.add(Code::ExtensionIgnored, place, format!("{name}: {note}"));
            Config::Nothing
        }
        Some(Class::Refused(Action::Deny, note) | Class::NotYet(Action::Deny, note)) => {
            Config::Unusable(format!("{name}: {note}"))
        }
        Some(Class::Translated | Class::Approximated(_)) if found.is_struct => {
            Config::Unusable(format!("{name}: configuration in the form of a TypedStruct is not read"))
        }
        Some(Class::Translated | Class::Approximated(_)) => read(&found.name, bytes, place, report)?,
    }))
}

/// Reads a filter that is translated.
fn read(name: &str, bytes: &Bytes, place: &Place<'_>, report: &mut Report) -> Result<Config, FilterError> {
    let scanned = scan(name, bytes, place, report)?;
    if name == EXT_AUTHZ_PER_ROUTE {
        return Ok(Config::ExtAuthz(small::ext_authz(ExtAuthzPerRoute::decode(bytes.clone())?, scanned)?));
    }
    // What is read of it says something else where something in it is not read.
    if scanned.0 {
        return Ok(Config::Unusable(format!("{name}: some of it cannot be translated")));
    }
    let config = match name {
        FAULT => {
            let fault = fault::convert(HttpFault::decode(bytes.clone())?, place, report)?;
            fault.map(|fault| Config::Fault(Box::new(fault)))
        }
        CORS => Some(Config::Cors(Box::default())),
        CORS_POLICY => {
            let policy = cors::convert(CorsPolicy::decode(bytes.clone())?, place, report)?;
            Some(Config::Cors(Box::new(policy)))
        }
        RBAC => rbac(wire_rbac::Rbac::decode(bytes.clone())?, place, report)?,
        RBAC_PER_ROUTE => match wire_rbac::RbacPerRoute::decode(bytes.clone())?.rbac {
            Some(own) => rbac(own, &place.field("rbac"), report)?,
            None => Some(Config::Off),
        },
        CSRF => {
            let csrf = csrf::convert(CsrfPolicy::decode(bytes.clone())?, place, report)?;
            Some(Config::Csrf(Box::new(csrf)))
        }
        HEALTH_CHECK => {
            let check = health_check::HealthCheck::decode(bytes.clone())?;
            let passes = check.pass_through_mode == Some(true);
            let check = small::health_check(check, place, report)?;
            if passes { Some(Config::Nothing) } else { check.map(|check| Config::HealthCheck(Box::new(check))) }
        }
        LIMIT => match limit::convert(LocalRateLimit::decode(bytes.clone())?, false, place, report)? {
            None => Some(Config::Off),
            Some(Ok(limit)) => Some(Config::Limit(Box::new(limit))),
            Some(Err(limit::Untold(why))) => Some(Config::Unusable(format!("{name}: {why}"))),
        },
        MUTATION => {
            let own = wire_mutation::HeaderMutation::decode(bytes.clone())?;
            let mutation = mutation::convert(own.mutations, own.most_specific_header_mutations_wins, place, report)?;
            mutation.map(|mutation| Config::Mutation(Box::new(mutation)))
        }
        MUTATION_PER_ROUTE => {
            let own = wire_mutation::HeaderMutationPerRoute::decode(bytes.clone())?;
            let mutation = mutation::convert(own.mutations, false, place, report)?;
            mutation.map(|mutation| Config::Mutation(Box::new(mutation)))
        }
        BUFFER => Some(Config::Buffer(small::buffer(wire_buffer::Buffer::decode(bytes.clone())?)?)),
        BUFFER_PER_ROUTE => {
            let limit = small::buffer_per_route(wire_buffer::BufferPerRoute::decode(bytes.clone())?)?;
            Some(limit.map_or(Config::Off, Config::Buffer))
        }
        COMPRESSOR => {
            let filter = wire_compressor::Compressor::decode(bytes.clone())?;
            Some(compressor::convert(filter, place, report)?.into())
        }
        COMPRESSOR_PER_ROUTE => {
            let own = wire_compressor::CompressorPerRoute::decode(bytes.clone())?;
            let own = compressor::per_route(own, place, report)?;
            Some(own.map_or(Config::Off, Config::CompressorRoute))
        }
        WRAPPED => wrapped(wire_wrapped::ExtensionWithMatcher::decode(bytes.clone())?, place, report)?,
        WRAPPED_PER_ROUTE => {
            let own = wire_wrapped::ExtensionWithMatcherPerRoute::decode(bytes.clone())?;
            let passes = wrapped::passes(&own.xds_matcher.unwrap_or_default(), place, report)?;
            passes.map(|passes| Config::PassedBy(Box::new(passes)))
        }
        JWT => {
            let jwt = jwt::convert(wire_jwt::JwtAuthentication::decode(bytes.clone())?, place, report)?;
            jwt.map(|jwt| Config::Jwt(Box::new(jwt)))
        }
        JWT_PER_ROUTE => {
            let own = wire_jwt::PerRouteConfig::decode(bytes.clone())?;
            Some(Config::JwtRoute(jwt::per_route(own)?))
        }
        API_KEY => {
            let keys = api_key::convert(wire_key::ApiKeyAuth::decode(bytes.clone())?)?;
            Some(Config::ApiKey(Box::new(keys)))
        }
        API_KEY_PER_ROUTE => {
            let own = api_key::per_route(wire_key::ApiKeyAuthPerRoute::decode(bytes.clone())?)?;
            Some(Config::ApiKey(Box::new(own)))
        }
        _ => Some(Config::Nothing),
    };
    Ok(config.unwrap_or_else(|| Config::Unusable(format!("{name}: some of it cannot be translated"))))
}

fn rbac(own: wire_rbac::Rbac, place: &Place<'_>, report: &mut Report) -> Result<Option<Config>, FilterError> {
    let rbac = match (own.matcher, own.rules) {
        (None, None) => return Ok(Some(Config::Off)),
        (None, Some(rules)) => rbac::convert(rules, place, report)?,
        (Some(matcher), rules) => {
            // Beside a tree the rules have to be good, and that is all.
            rules.map(|rules| rbac::convert(rules, place, &mut Report::default())).transpose()?;
            access_tree::convert(&matcher, place, report).map_err(|error| FilterError::Tree("matcher", error))?
        }
    };
    Ok(rbac.map(|rbac| Config::Rbac(Box::new(rbac))))
}

/// Without a tree all requests pass the filter by.
fn wrapped(
    own: wire_wrapped::ExtensionWithMatcher,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Config>, FilterError> {
    let extension = set(own.extension_config, "extension_config")?;
    filled(&extension.name, "extension_config.name")?;
    let any = set(extension.typed_config, "extension_config.typed_config")?;
    let found = classify(INSTALLED, &any);
    let inner_place = place.field("extension_config");
    if matches!(&*found.name, WRAPPED | ROUTER) {
        return Ok(Some(Config::Unusable(format!("{}: it is not told for which requests it is", shown(&found.name)))));
    }
    let inner = configuration(&found, &any.value, false, &inner_place, report)?.unwrap_or(Config::Nothing);
    let inner = wrapped::refuse(inner);
    if let (Config::Unusable(why), Some(_)) = (&inner, &own.xds_matcher) {
        say_unusable(&found, why, &inner_place, report);
    }
    let passes = match &own.xds_matcher {
        None => Some(Condition::All(Vec::new())),
        Some(matcher) => wrapped::passes(matcher, place, report)?,
    };
    Ok(passes.map(|passes| Config::Wrapped(Box::new(Wrapped { passes, inner }))))
}
