//! `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`: which requests need a token, and where one may be.
//!
//! What makes a token valid is not read, since none is accepted.

use std::collections::BTreeMap;

use amesh_xds::wire::envoy::config::route::v3::RouteMatch;
use amesh_xds::wire::envoy::extensions::filters::http::jwt_authn::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::http::jwt_authn::v3::jwt_requirement::RequiresType;
use amesh_xds::wire::envoy::extensions::filters::http::jwt_authn::v3::per_route_config::RequirementSpecifier;
use amesh_xds::wire::envoy::extensions::filters::http::jwt_authn::v3::requirement_rule::RequirementType;

use crate::model::findings::Denied;
use crate::model::headers::{HeaderMutations, Level};
use crate::model::route::{MatchError, Matched, route_match};
use crate::model::rules::{RuleError, filled};
use crate::report::{Place, Report};

/// What the filter asks of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jwt {
    /// The first rule that a request matches says what it needs; without one it needs nothing.
    pub(crate) rules: Vec<(Matched, Need)>,
    /// `requirement_map`: what routes refer to.
    pub(crate) requirements: BTreeMap<String, Need>,
    /// Where a token may be, for any provider.
    pub(crate) places: Vec<TokenPlace>,
    /// `bypass_cors_preflight`: preflights need nothing.
    pub(crate) bypasses_preflights: bool,
    /// `strip_failure_response`: the answer does not say why.
    pub(crate) silent: bool,
    /// Takes away the headers that would tell the upstream what is in a token. Envoy does so for every request.
    pub(crate) step: HeaderMutations,
}

/// What a request needs, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Nothing, and a token is not looked at.
    Nothing,
    /// If it has a token, something that depends on the token.
    Perhaps,
    /// A token.
    Token,
}

/// Where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    /// A header that has this text in it, behind which the token begins.
    Header(String, String),
    /// A query parameter.
    Parameter(String),
    /// A cookie.
    Cookie(String),
}

/// What a route says about the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JwtRoute {
    /// Nothing is needed.
    Disabled,
    /// What `requirement_map` says under this name.
    Requirement(String),
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A bad match.
    #[error("rules[{0}].match {1}")]
    Match(usize, MatchError),
    /// A provider that there is not.
    #[error("no provider has the name {0:?}")]
    NoProvider(String),
    /// A requirement that there is not.
    #[error("requirement_map has no {0:?}")]
    NoRequirement(String),
    /// A list of one or none.
    #[error("requires_any and requires_all need two requirements at least")]
    TooFew,
    /// A route that says nothing.
    #[error("requirement_specifier is not set: one of disabled, requirement_name is needed")]
    Unset,
    /// `disabled: false`.
    #[error("disabled must be true")]
    NotDisabled,
}

/// Validates the filter; `None` where it cannot be told which requests a rule is for.
pub(super) fn convert(
    jwt: wire::JwtAuthentication,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Jwt>, JwtError> {
    let is_provider = |name: &str| jwt.providers.contains_key(name);
    let named = |(name, requirement)| Ok::<_, JwtError>((name, need(requirement, &is_provider)?));
    let requirements = jwt.requirement_map.into_iter().map(named).collect::<Result<BTreeMap<_, _>, _>>()?;
    let mut rules = Vec::with_capacity(jwt.rules.len());
    let mut told = true;
    for (index, rule) in jwt.rules.into_iter().enumerate() {
        let need = match rule.requirement_type {
            None => Need::Nothing,
            Some(RequirementType::Requires(requirement)) => need(requirement, &is_provider)?,
            Some(RequirementType::RequirementName(name)) => {
                filled(&name, "requirement_name")?;
                *requirements.get(&name).ok_or(JwtError::NoRequirement(name))?
            }
        };
        let (matched, Denied(denied)) = self::matched(rule.r#match, &place.item("rules", index), report)
            .map_err(|error| JwtError::Match(index, error))?;
        told &= !denied;
        rules.push((matched, need));
    }
    let mut removed = Vec::new();
    let mut places = Vec::new();
    for provider in jwt.providers.into_values() {
        self::provider(provider, &mut places, &mut removed)?;
    }
    let step = HeaderMutations { request: Level { remove: removed, add: Vec::new() }, response: Level::default() };
    let (bypasses_preflights, silent) = (jwt.bypass_cors_preflight, jwt.strip_failure_response);
    Ok(told.then_some(Jwt { rules, requirements, places, bypasses_preflights, silent, step }))
}

/// Rules look at nothing but path, headers and query parameters.
fn matched(
    matcher: Option<RouteMatch>,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Matched, Denied), MatchError> {
    let matcher = matcher.ok_or(MatchError::Missing)?;
    let own = RouteMatch { cookies: Vec::new(), grpc: None, tls_context: None, runtime_fraction: None, ..matcher };
    route_match(own, Denied(false), &place.field("match"), report)
}

fn need(requirement: wire::JwtRequirement, is_provider: &dyn Fn(&str) -> bool) -> Result<Need, JwtError> {
    let known = |name: String| if is_provider(&name) { Ok(Need::Token) } else { Err(JwtError::NoProvider(name)) };
    Ok(match requirement.requires_type {
        None => Need::Nothing,
        Some(RequiresType::ProviderName(name)) => known(name)?,
        Some(RequiresType::ProviderAndAudiences(both)) => known(both.provider_name)?,
        Some(RequiresType::RequiresAny(list)) => {
            needs(list.requirements, is_provider)?.into_iter().min().unwrap_or(Need::Token)
        }
        Some(RequiresType::RequiresAll(list)) => {
            needs(list.requirements, is_provider)?.into_iter().max().unwrap_or(Need::Token)
        }
        Some(
            RequiresType::AllowMissingOrFailed(_)
            | RequiresType::AllowMissing(_)
            | RequiresType::ExtractOnlyWithoutValidation(_),
        ) => Need::Perhaps,
    })
}

fn needs(list: Vec<wire::JwtRequirement>, is_provider: &dyn Fn(&str) -> bool) -> Result<Vec<Need>, JwtError> {
    if list.len() < 2 {
        return Err(JwtError::TooFew);
    }
    list.into_iter().map(|requirement| need(requirement, is_provider)).collect()
}

fn provider(
    provider: wire::JwtProvider,
    places: &mut Vec<TokenPlace>,
    removed: &mut Vec<String>,
) -> Result<(), JwtError> {
    if provider.from_headers.is_empty() && provider.from_params.is_empty() && provider.from_cookies.is_empty() {
        places.push(TokenPlace::Header("authorization".to_owned(), "Bearer ".to_owned()));
        places.push(TokenPlace::Parameter("access_token".to_owned()));
    }
    for header in provider.from_headers {
        filled(&header.name, "from_headers.name")?;
        places.push(TokenPlace::Header(header.name, header.value_prefix));
    }
    places.extend(provider.from_params.into_iter().map(TokenPlace::Parameter));
    places.extend(provider.from_cookies.into_iter().map(TokenPlace::Cookie));
    for claim in provider.claim_to_headers {
        filled(&claim.header_name, "claim_to_headers.header_name")?;
        removed.push(claim.header_name.to_ascii_lowercase());
    }
    if !provider.forward_payload_header.is_empty() {
        removed.push(provider.forward_payload_header.to_ascii_lowercase());
    }
    Ok(())
}

/// Validates what a route says.
pub(super) fn per_route(own: wire::PerRouteConfig) -> Result<JwtRoute, JwtError> {
    match own.requirement_specifier {
        None => Err(JwtError::Unset),
        Some(RequirementSpecifier::Disabled(true)) => Ok(JwtRoute::Disabled),
        Some(RequirementSpecifier::Disabled(false)) => Err(JwtError::NotDisabled),
        Some(RequirementSpecifier::RequirementName(name)) => {
            filled(&name, "requirement_name")?;
            Ok(JwtRoute::Requirement(name))
        }
    }
}
