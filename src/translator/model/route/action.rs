//! `Route.action`: where the request goes, or how it is answered.

use amesh_xds::wire::envoy::config::core::v3::DataSource;
use amesh_xds::wire::envoy::config::core::v3::data_source::Specifier;
use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::route_action::{ClusterNotFoundResponseCode, ClusterSpecifier};

use super::overrides::{self, OverrideError};
use super::{Action, Destination, Forward};
use crate::diagnostic::Code;
use crate::model::duration::{DurationError, milliseconds};
use crate::model::findings::Denied;
use crate::model::headers::{HeaderListError, header_mutations};
use crate::model::rules::{RuleError, defined, filled, set};
use crate::report::{Place, Report};

/// Why Envoy would refuse an action.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ActionError {
    /// No action is set.
    #[error("action is not set: one of route, redirect, direct_response is needed")]
    Missing,
    /// `route` without a cluster.
    #[error("route.cluster_specifier is not set")]
    NoCluster,
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// Weights that cannot be shares.
    #[error("route.weighted_clusters: the weights must sum to 1..4294967295")]
    Weights,
    /// Headers of a weighted cluster that Envoy does not take.
    #[error("route.weighted_clusters.clusters[{0}]: {1}")]
    Headers(usize, HeaderListError),
    /// A timeout that is no duration.
    #[error("route.timeout: {0}")]
    Timeout(#[from] DurationError),
    /// A status that is no answer.
    #[error("direct_response.status is {0}; it must be 200 to 599")]
    Status(u32),
    /// Filter configuration that cannot be read.
    #[error("{0}")]
    Override(#[from] OverrideError),
}

/// `timeout` where it is not set, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 15_000;

/// Converts an action. `scanned`: the one that is set may be one that is not read.
pub(super) fn convert(
    action: Option<wire::route::Action>,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Action, Denied), ActionError> {
    match action {
        Some(wire::route::Action::Route(route)) => forward(route, scanned, &place.field("route"), report),
        Some(wire::route::Action::DirectResponse(response)) => {
            respond(response, scanned, &place.field("direct_response"), report)
        }
        None if scanned.0 => Ok((Action::Deny, Denied(true))),
        None => Err(ActionError::Missing),
    }
}

fn forward(
    route: wire::RouteAction,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Action, Denied), ActionError> {
    let not_found_status = not_found_status(&route)?;
    let timeout = route.timeout.as_ref().map(milliseconds).transpose()?.unwrap_or(DEFAULT_TIMEOUT);
    let (destinations, denied) = match route.cluster_specifier {
        Some(ClusterSpecifier::Cluster(name)) => {
            filled(&name, "route.cluster")?;
            (vec![Destination::only(name)], Denied(false))
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            weigh(weighted, scanned, &place.field("weighted_clusters"), report)?
        }
        None if scanned.0 => return Ok((Action::Deny, Denied(true))),
        None => return Err(ActionError::NoCluster),
    };
    Ok((Action::Forward(Forward { destinations, timeout, not_found_status }), denied))
}

fn not_found_status(route: &wire::RouteAction) -> Result<u16, RuleError> {
    let path = "route.cluster_not_found_response_code";
    Ok(match defined(route.cluster_not_found_response_code, path)? {
        ClusterNotFoundResponseCode::ServiceUnavailable => 503,
        ClusterNotFoundResponseCode::NotFound => 404,
        ClusterNotFoundResponseCode::InternalServerError => 500,
    })
}

fn weigh(
    weighted: wire::WeightedCluster,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Vec<Destination>, Denied), ActionError> {
    let mut denied = Denied(false);
    let mut destinations = Vec::with_capacity(weighted.clusters.len());
    for (index, entry) in weighted.clusters.into_iter().enumerate() {
        let place = place.item("clusters", index);
        denied = denied.or(overrides::inspect(&entry.typed_per_filter_config, &place, report)?);
        // The scan has reported an entry whose cluster is chosen in a way that is not read.
        if !scanned.0 {
            filled(&entry.name, format_args!("route.weighted_clusters.clusters[{index}].name"))?;
        }
        let mutations = header_mutations!(entry);
        let mutations = mutations.map_err(|error| ActionError::Headers(index, error))?;
        destinations.push(Destination { cluster: entry.name, weight: entry.weight.unwrap_or(0), mutations });
    }
    let total: u64 = destinations.iter().map(|destination| u64::from(destination.weight)).sum();
    if total == 0 || total > u64::from(u32::MAX) {
        return Err(ActionError::Weights);
    }
    Ok((destinations, denied))
}

fn respond(
    response: wire::DirectResponseAction,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Action, Denied), ActionError> {
    let status = u16::try_from(response.status).ok().filter(|status| (200..600).contains(status));
    let status = status.ok_or(ActionError::Status(response.status))?;
    let body = match response.body {
        None => Some(String::new()),
        // One that is set and not read has been reported.
        Some(DataSource { specifier: None }) if scanned.0 => return Ok((Action::Deny, Denied(true))),
        Some(source) => text(set(source.specifier, "direct_response.body.specifier")?),
    };
    if let Some(body) = body {
        return Ok((Action::Respond { status, body }, Denied(false)));
    }
    report.add(Code::FieldNotYetDenied, place.field("body"), "inline_bytes: a body that is not UTF-8 cannot be sent");
    Ok((Action::Deny, Denied(true)))
}

/// The text; `None` where it is none.
fn text(body: Specifier) -> Option<String> {
    match body {
        Specifier::InlineString(text) => Some(text),
        Specifier::InlineBytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
    }
}
