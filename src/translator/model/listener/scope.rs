//! `HttpConnectionManager.scoped_routes`: route configurations for requests whose headers have certain values.

use std::collections::BTreeSet;

use amesh_xds::wire::envoy::config::route::v3::scoped_route_configuration::key::fragment::Type as KeyType;
use amesh_xds::wire::envoy::config::route::v3::{RouteConfiguration, ScopedRouteConfiguration};
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3 as manager;
use manager::ScopedRoutes;
use manager::scoped_routes::ConfigSpecifier;
use manager::scoped_routes::scope_key_builder::FragmentBuilder;
use manager::scoped_routes::scope_key_builder::fragment_builder::header_value_extractor::ExtractType;
use manager::scoped_routes::scope_key_builder::fragment_builder::{HeaderValueExtractor, Type as BuilderType};

use crate::diagnostic::Code;
use crate::model::rules::{RuleError, filled, set};
use crate::report::{Place, Report};
use crate::vars::{Expr, header_variable, is_pseudo_header, nth_element, valued_element};

/// The routes for some requests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    /// Which requests have it; no two scopes have the same.
    pub(crate) guard: Expr,
    /// Their routes.
    pub(crate) routes: RouteConfiguration,
}

/// Why Envoy would refuse the scopes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A list without entries.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A oneof is not set.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// A later element of a value that is not split.
    #[error("index is {0}, and element_separator is empty")]
    Unsplit(u32),
    /// Routes that would have to be fetched.
    #[error("{0:?}: a scope in a list needs a route_configuration, and no route_configuration_name")]
    Elsewhere(String),
}

/// The most scopes, and the last element that is looked for.
const SCOPES_MAX: usize = 100;
const INDEX_MAX: u32 = 100;

/// The scopes; `None` where it cannot be told which one a request has, which is reported.
pub(super) fn convert(
    config: ScopedRoutes,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Vec<Scope>>, ScopeError> {
    let place = place.field("scoped_routes");
    filled(&config.name, "name")?;
    let builders = some(set(config.scope_key_builder, "scope_key_builder")?.fragments, "scope_key_builder.fragments")?;
    let builders = builders.into_iter().map(extractor).collect::<Result<Vec<_>, _>>()?;
    let Some(ConfigSpecifier::ScopedRouteConfigurationsList(list)) = config.config_specifier else {
        return Err(ScopeError::Unset("config_specifier"));
    };
    let list = some(list.scoped_route_configurations, "scoped_route_configurations")?;
    let scopes = list.into_iter().map(scope).collect::<Result<Vec<_>, _>>()?;
    let told = told(&builders, scopes);
    match &told {
        Ok(_) => report.add(Code::MatcherApproximated, place, LINES),
        Err(why) => report.add(Code::ListenerDenied, place, *why),
    }
    Ok(told.ok())
}

const LINES: &str = "of a header that comes in several lines all lines together choose the scope, not the first one alone; \
    header names with underscores are taken for those with dashes";

/// The scope of each key.
fn told(builders: &[HeaderValueExtractor], scopes: Vec<Keyed>) -> Result<Vec<Scope>, &'static str> {
    if scopes.len() > SCOPES_MAX {
        return Err("there are too many scopes");
    }
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let is_second = |scope: &Keyed| !names.insert(scope.name.clone()) || !keys.insert(scope.key.clone());
    if scopes.iter().any(is_second) {
        return Err("two scopes have one name or one key");
    }
    let guard = |scope: Keyed| {
        // A key of another length is no request's.
        let is_possible = scope.key.len() == builders.len();
        let parts = builders.iter().zip(&scope.key).map(|(builder, key)| part(builder, key));
        let guard = Expr::all(parts.collect::<Result<Vec<_>, _>>()?);
        Ok(Scope { guard: if is_possible { guard } else { Expr::False }, routes: scope.routes })
    };
    scopes.into_iter().map(guard).collect()
}

/// What a header must be for this part of a key.
fn part(builder: &HeaderValueExtractor, key: &str) -> Result<Expr, &'static str> {
    if is_pseudo_header(&builder.name) {
        return Err("scopes by pseudo headers and by the host are not told");
    }
    if is_envoys_own(&builder.name) {
        return Err("scopes by a header that Envoy itself changes are not told");
    }
    let var = header_variable(&builder.name).map_err(|_| "nginx drops the header that scopes are told by")?;
    let separator = one_character(&builder.element_separator)?;
    match &builder.extract_type {
        Some(ExtractType::Element(element)) => {
            let between = one_character(&element.separator)?.ok_or("a separator is missing")?;
            Ok(valued_element(&var, separator, (&element.key, between), key))
        }
        Some(ExtractType::Index(index)) if *index > INDEX_MAX => Err("the element of a header is too far behind"),
        Some(ExtractType::Index(index)) => Ok(nth_element(&var, separator, *index, key)),
        None => Err("nothing is extracted"),
    }
}

/// Envoy sets, changes or drops it before it looks for the scope.
fn is_envoys_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    ["x-envoy-", "x-forwarded-"].iter().any(|prefix| name.starts_with(prefix)) || ENVOYS_OWN.contains(&name)
}

const ENVOYS_OWN: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

fn one_character(text: &str) -> Result<Option<char>, &'static str> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (separator, None) if text.is_ascii() => Ok(separator),
        _ => Err("separators in headers of more than one character, or beyond ASCII, are not told"),
    }
}

fn some<T>(list: Vec<T>, name: &'static str) -> Result<Vec<T>, ScopeError> {
    if list.is_empty() { Err(ScopeError::Empty(name)) } else { Ok(list) }
}

/// A scope and its key.
struct Keyed {
    name: String,
    key: Vec<String>,
    routes: RouteConfiguration,
}

fn extractor(builder: FragmentBuilder) -> Result<HeaderValueExtractor, ScopeError> {
    let Some(BuilderType::HeaderValueExtractor(extractor)) = builder.r#type else {
        return Err(ScopeError::Unset("header_value_extractor"));
    };
    filled(&extractor.name, "header_value_extractor.name")?;
    match &extractor.extract_type {
        None => Err(ScopeError::Unset("header_value_extractor.extract_type")),
        Some(ExtractType::Index(index)) if *index > 0 && extractor.element_separator.is_empty() => {
            Err(ScopeError::Unsplit(*index))
        }
        Some(ExtractType::Element(element)) => {
            filled(&element.separator, "element.separator")?;
            filled(&element.key, "element.key")?;
            Ok(extractor)
        }
        Some(ExtractType::Index(_)) => Ok(extractor),
    }
}

fn scope(scope: ScopedRouteConfiguration) -> Result<Keyed, ScopeError> {
    filled(&scope.name, "scoped_route_configurations.name")?;
    let fragments = set(scope.key, "scoped_route_configurations.key")?.fragments;
    let fragments = some(fragments, "scoped_route_configurations.key.fragments")?;
    let text = |fragment: Option<KeyType>| match fragment {
        Some(KeyType::StringKey(text)) => Ok(text),
        None => Err(ScopeError::Unset("scoped_route_configurations.key.fragments.type")),
    };
    let key = fragments.into_iter().map(|fragment| text(fragment.r#type)).collect::<Result<_, _>>()?;
    let routes = scope.route_configuration.filter(|_| scope.route_configuration_name.is_empty());
    let Some(routes) = routes else { return Err(ScopeError::Elsewhere(scope.name)) };
    Ok(Keyed { name: scope.name, key, routes })
}
