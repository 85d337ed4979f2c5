//! `envoy.extensions.filters.http.csrf.v3.CsrfPolicy`: requests that change something must come from a known origin.

use amesh_xds::wire::envoy::extensions::filters::http::csrf::v3 as wire;

use super::percent::{Percent, PercentError};
use crate::model::route::{HeaderMatcherError, text_match};
use crate::report::{Place, Report};
use crate::vars::TextMatch;

/// What the filter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Csrf {
    /// Hosts of origins beside the request's own host.
    pub(crate) origins: Vec<TextMatch>,
    /// For how many requests it runs.
    pub(crate) enabled: Percent,
}

/// Why Envoy would refuse the policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CsrfError {
    /// An origin that RE2 does not take.
    #[error("additional_origins[{0}]: {1}")]
    Origin(usize, HeaderMatcherError),
    /// Not set.
    #[error("filter_enabled.default_value is not set")]
    NotEnabled,
    /// A bad percentage.
    #[error("filter_enabled: {0}")]
    Percent(#[from] PercentError),
}

/// Validates the policy. An origin that cannot be translated is left out, which allows less.
pub(super) fn convert(policy: wire::CsrfPolicy, place: &Place<'_>, report: &mut Report) -> Result<Csrf, CsrfError> {
    let fraction = policy.filter_enabled.and_then(|fraction| fraction.default_value).ok_or(CsrfError::NotEnabled)?;
    let mut origins = Vec::with_capacity(policy.additional_origins.len());
    for (index, matcher) in policy.additional_origins.into_iter().enumerate() {
        let place = place.item("additional_origins", index);
        origins.extend(text_match(matcher, &place, report).map_err(|error| CsrfError::Origin(index, error))?);
    }
    Ok(Csrf { origins, enabled: Percent::new(fraction)? })
}
