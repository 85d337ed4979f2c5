//! From the wire to [`VirtualHost`] and [`Route`].

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::virtual_host::TlsRequirementType;
use bytes::Bytes;
use prost::Message as _;

use super::action::{self, ActionError};
use super::matching::{self, MatchError};
use super::mirror::{self, MirrorError};
use super::overrides::{self, OverrideError};
use super::{Action, Route, VirtualHost};
use super::{retry, tree};
use crate::diagnostic::Code;
use crate::model::duration::DurationError;
use crate::model::filter::{CorsError, deprecated_cors};
use crate::model::findings::{Denied, scan};
use crate::model::format::{Format, Part};
use crate::model::headers::{Addition, Append, HeaderListError, HeaderMutations, Level, header_mutations};
use crate::model::rules::{RuleError, defined, filled, one_line};
use crate::model::tree::TreeError;
use crate::options::Limits;
use crate::report::{Place, Report};

const VIRTUAL_HOST: &str = "envoy.config.route.v3.VirtualHost";
/// The header that counts the tries of a request.
const ATTEMPTS: &str = "x-envoy-attempt-count";
pub(super) const ROUTE: &str = "envoy.config.route.v3.Route";

/// Why Envoy would refuse a virtual host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VirtualHostError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// `domains` is empty.
    #[error("domains is empty: no request can belong to it")]
    NoDomain,
    /// More than the translator takes.
    #[error("{what} has {count} entries; the limit is {limit}")]
    TooMany {
        /// The field.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Filter configuration that cannot be read.
    #[error("{0}")]
    Override(#[from] OverrideError),
    /// Headers that Envoy does not take.
    #[error("{0}")]
    Headers(#[from] HeaderListError),
    /// Copies that Envoy does not take.
    #[error("{0}")]
    Mirror(#[from] MirrorError),
    /// A CORS policy that Envoy does not take.
    #[error("cors.{0}")]
    Cors(#[from] CorsError),
    /// A timeout that is no duration.
    #[error("retry_policy.per_try_timeout: {0}")]
    Retry(#[from] DurationError),
    /// A route Envoy would refuse.
    #[error("routes[{0}]: {1}")]
    Route(usize, RouteError),
    /// The same, of a match tree.
    #[error("matcher.routes[{0}]: {1}")]
    TreeRoute(usize, RouteError),
    /// A match tree Envoy would refuse.
    #[error("matcher: {0}")]
    Tree(#[from] TreeError),
    /// Routes in both ways.
    #[error("matcher and routes are both set")]
    TreeAndRoutes,
}

/// Why Envoy would refuse a route.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// `match` is bad.
    #[error("match: {0}")]
    Match(#[from] MatchError),
    /// The action is bad.
    #[error("{0}")]
    Action(#[from] ActionError),
    /// Filter configuration that cannot be read.
    #[error("{0}")]
    Override(#[from] OverrideError),
    /// Headers that Envoy does not take.
    #[error("{0}")]
    Headers(#[from] HeaderListError),
}

/// Decodes and validates a virtual host; paths in `report` begin at it.
pub(crate) fn convert_virtual_host(
    bytes: &Bytes,
    limits: &Limits,
    report: &mut Report,
) -> Result<VirtualHost, VirtualHostError> {
    let denied = scan(VIRTUAL_HOST, bytes, &Place::ROOT, report)?;
    let host = wire::VirtualHost::decode(bytes.clone())?;
    check(&host, limits)?;
    let filters = overrides::convert(&host.typed_per_filter_config, &Place::ROOT, report)?;
    let mut routes = Vec::with_capacity(host.routes.len());
    for (index, bytes) in host.routes.iter().enumerate() {
        let place = Place::top("routes", index);
        let route = convert(bytes, denied, &place, report).map_err(|error| VirtualHostError::Route(index, error))?;
        routes.push(route);
    }
    let mut leaves = None;
    if let Some(matcher) = &host.matcher {
        if !routes.is_empty() {
            return Err(VirtualHostError::TreeAndRoutes);
        }
        (routes, leaves) = tree::routes(matcher, denied, limits, report).map(|(routes, list)| (routes, Some(list)))?;
    }
    let mutations = header_mutations!(host)?;
    let retry = host.retry_policy.as_ref().map(|policy| retry::convert(policy, &Place::named("retry_policy"), report));
    let retry = retry.transpose()?;
    let mirror = mirror::convert(&host.request_mirror_policies, &Place::ROOT, report)?;
    let requires_tls = requires_tls(&host, report)?;
    let cors = host.cors.map(|policy| deprecated_cors(policy, &Place::ROOT, report)).transpose()?.map(Box::new);
    let attempts = host.include_request_attempt_count.then(|| Box::new(first_attempt()));
    let (name, domains) = (host.name, host.domains);
    let tree = leaves;
    Ok(VirtualHost { name, domains, retry, mirror, cors, requires_tls, filters, mutations, attempts, routes, tree })
}

/// `x-envoy-attempt-count: 1`, whatever came.
fn first_attempt() -> HeaderMutations {
    let value = Format(vec![Part::Text("1".to_owned())]);
    let name = ATTEMPTS.to_owned();
    let count = Addition { name, value, action: Append::Overwrite, keep_empty: false };
    HeaderMutations { request: Level { remove: Vec::new(), add: vec![count] }, response: Level::default() }
}

fn requires_tls(host: &wire::VirtualHost, report: &mut Report) -> Result<bool, RuleError> {
    match defined(host.require_tls, "require_tls")? {
        TlsRequirementType::None => return Ok(false),
        TlsRequirementType::All => {}
        TlsRequirementType::ExternalOnly => {
            report.add(Code::RewriteApproximated, "require_tls", "clients inside are sent to TLS as well");
        }
    }
    report.add(Code::RewriteApproximated, "require_tls", "the connection decides, not x-forwarded-proto");
    Ok(true)
}

fn check(host: &wire::VirtualHost, limits: &Limits) -> Result<(), VirtualHostError> {
    filled(&host.name, "name")?;
    if host.domains.is_empty() {
        return Err(VirtualHostError::NoDomain);
    }
    bounded("domains", host.domains.len(), limits.domains)?;
    for (index, domain) in host.domains.iter().enumerate() {
        one_line(domain, format_args!("domains[{index}]"))?;
    }
    bounded("routes", host.routes.len(), limits.routes)
}

pub(super) fn bounded(what: &'static str, count: usize, limit: usize) -> Result<(), VirtualHostError> {
    if count > limit { Err(VirtualHostError::TooMany { what, count, limit }) } else { Ok(()) }
}

/// Decodes and validates a route. `inherited`: its virtual host is denied.
pub(super) fn convert(
    bytes: &Bytes,
    inherited: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Route, RouteError> {
    let scanned = scan(ROUTE, bytes, place, report)?;
    let route = wire::Route::decode(bytes.clone())?;
    let filters = overrides::convert(&route.typed_per_filter_config, place, report)?;
    let matcher = route.r#match.ok_or(MatchError::Missing)?;
    let (conditions, untold) = matching::convert(matcher, scanned, &place.field("match"), report)?;
    let (action, unusable) = action::convert(route.action, conditions.template.as_ref(), scanned, place, report)?;
    let denied = scanned.or(untold).or(unusable);
    if denied.0 {
        report.add(Code::RouteDenied, place, "requests that match this route are answered 503");
    }
    let mutations = header_mutations!(route)?;
    Ok(Route {
        name: route.name,
        path: conditions.path,
        case_sensitive: conditions.case_sensitive,
        headers: conditions.headers,
        others: conditions.others,
        fraction: conditions.fraction,
        filters,
        mutations,
        action: if denied.or(inherited).0 { Action::Deny } else { action },
    })
}
