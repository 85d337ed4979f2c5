//! `envoy.extensions.filters.http.cors.v3.CorsPolicy`: which pages of other origins may call.

use amesh_xds::wire::envoy::config::route::v3 as route;
use amesh_xds::wire::envoy::config::route::v3::cors_policy::EnabledSpecifier;
use amesh_xds::wire::envoy::extensions::filters::http::cors::v3 as wire;

use super::percent::{Percent, PercentError};
use crate::model::route::{HeaderMatcherError, text_match};
use crate::report::{Place, Report};
use crate::vars::TextMatch;

/// What one level says; what it leaves open the next level decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cors {
    /// The origins that may call.
    pub(crate) origins: Vec<TextMatch>,
    /// `access-control-allow-methods`.
    pub(crate) methods: String,
    /// `access-control-allow-headers`.
    pub(crate) headers: String,
    /// `access-control-expose-headers`.
    pub(crate) exposed: String,
    /// `access-control-max-age`.
    pub(crate) max_age: String,
    /// `access-control-allow-credentials`.
    pub(crate) credentials: Option<bool>,
    /// `access-control-allow-private-network`.
    pub(crate) private_network: Option<bool>,
    /// Preflights of other origins go to the upstream.
    pub(crate) forwards_others: Option<bool>,
    /// For how many requests the filter runs.
    pub(crate) enabled: Percent,
}

/// Why Envoy would refuse the policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CorsError {
    /// An origin that RE2 does not take.
    #[error("allow_origin_string_match[{0}]: {1}")]
    Origin(usize, HeaderMatcherError),
    /// A bad percentage.
    #[error("filter_enabled: {0}")]
    Percent(#[from] PercentError),
}

/// Validates the deprecated `cors` of a virtual host or a route, which has the same fields.
pub(crate) fn deprecated(policy: route::CorsPolicy, place: &Place<'_>, report: &mut Report) -> Result<Cors, CorsError> {
    let enabled = policy.enabled_specifier.map(|EnabledSpecifier::FilterEnabled(fraction)| fraction);
    let policy = wire::CorsPolicy {
        allow_origin_string_match: policy.allow_origin_string_match,
        allow_methods: policy.allow_methods,
        allow_headers: policy.allow_headers,
        expose_headers: policy.expose_headers,
        max_age: policy.max_age,
        allow_credentials: policy.allow_credentials,
        filter_enabled: enabled,
        allow_private_network_access: policy.allow_private_network_access,
        forward_not_matching_preflights: policy.forward_not_matching_preflights,
    };
    convert(policy, &place.field("cors"), report)
}

/// Validates a policy. An origin that cannot be translated is left out, which allows less.
pub(super) fn convert(policy: wire::CorsPolicy, place: &Place<'_>, report: &mut Report) -> Result<Cors, CorsError> {
    let mut origins = Vec::with_capacity(policy.allow_origin_string_match.len());
    for (index, matcher) in policy.allow_origin_string_match.into_iter().enumerate() {
        let place = place.item("allow_origin_string_match", index);
        origins.extend(text_match(matcher, &place, report).map_err(|error| CorsError::Origin(index, error))?);
    }
    let enabled = policy
        .filter_enabled
        .map_or(Ok(Percent::ALL), |fraction| fraction.default_value.map_or(Ok(Percent::ALL), Percent::new))?;
    Ok(Cors {
        origins,
        methods: policy.allow_methods,
        headers: policy.allow_headers,
        exposed: policy.expose_headers,
        max_age: policy.max_age,
        credentials: policy.allow_credentials,
        private_network: policy.allow_private_network_access,
        forwards_others: policy.forward_not_matching_preflights,
        enabled,
    })
}

impl Cors {
    /// The policy that levels say together, the most specific first.
    pub(crate) fn merged<'a>(levels: impl Iterator<Item = &'a Cors>) -> Option<Cors> {
        levels
            .fold(None, |whole: Option<Cors>, level| Some(whole.map_or_else(|| level.clone(), |whole| whole.or(level))))
    }

    fn or(self, other: &Cors) -> Cors {
        let text = |own: String, other: &String| if own.is_empty() { other.clone() } else { own };
        Cors {
            origins: if self.origins.is_empty() { other.origins.clone() } else { self.origins },
            methods: text(self.methods, &other.methods),
            headers: text(self.headers, &other.headers),
            exposed: text(self.exposed, &other.exposed),
            max_age: text(self.max_age, &other.max_age),
            credentials: self.credentials.or(other.credentials),
            private_network: self.private_network.or(other.private_network),
            forwards_others: self.forwards_others.or(other.forwards_others),
            enabled: self.enabled,
        }
    }
}
