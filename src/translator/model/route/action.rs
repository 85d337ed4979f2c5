//! `Route.action`: where the request goes, or how it is answered.

use std::collections::BTreeSet;

use amesh_xds::wire::envoy::config::core::v3::DataSource;
use amesh_xds::wire::envoy::config::core::v3::data_source::Specifier;
use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::redirect_action::PathRewriteSpecifier;
use amesh_xds::wire::envoy::config::route::v3::route_action::{
    ClusterNotFoundResponseCode, ClusterSpecifier, HostRewriteSpecifier,
};
use amesh_xds::wire::envoy::config::route::v3::weighted_cluster::cluster_weight;
use bytes::Bytes;

use super::mirror::MirrorError;
use super::overrides::{self, OverrideError};
use super::redirect::{self, RedirectError};
use super::rewrite::{self, PathRewrite, RewriteError};
use super::template::Template;
use super::{Action, Destination, Forward, HostRewrite};
use super::{hash, mirror, retry};
use crate::apisix::ProxyRewrite;
use crate::diagnostic::Code;
use crate::model::duration::{DurationError, milliseconds};
use crate::model::filter::{CorsError, deprecated_cors};
use crate::model::findings::Denied;
use crate::model::headers::{HeaderListError, header_mutations};
use crate::model::labels::{Labels, load_balancing_labels};
use crate::model::rules::{RuleError, defined, filled, one_line, set};
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
    /// No name of a cluster, or two.
    #[error("route.weighted_clusters.clusters[{0}] needs either name or cluster_header")]
    WeightName(usize),
    /// Headers of a weighted cluster that Envoy does not take.
    #[error("route.weighted_clusters.clusters[{0}]: {1}")]
    Headers(usize, HeaderListError),
    /// A timeout that is no duration.
    #[error("route.timeout: {0}")]
    Timeout(#[from] DurationError),
    /// A redirect that Envoy does not take.
    #[error("{0}")]
    Redirect(#[from] RedirectError),
    /// A rewrite that Envoy does not take.
    #[error("route.{0}")]
    Rewrite(#[from] RewriteError),
    /// Copies that Envoy does not take.
    #[error("route.{0}")]
    Mirror(#[from] MirrorError),
    /// An upgrade twice.
    #[error("route.upgrade_configs has {0:?} twice")]
    Upgrade(String),
    /// A CORS policy that Envoy does not take.
    #[error("route.cors.{0}")]
    Cors(#[from] CorsError),
    /// A status that is no answer.
    #[error("direct_response.status is {0}; it must be 200 to 599")]
    Status(u32),
    /// Filter configuration that cannot be read.
    #[error("{0}")]
    Override(#[from] OverrideError),
}

/// `timeout` where it is not set, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 15_000;

/// Converts an action. `template`: by which the route matches. `scanned`: the one that is set may be one that is not read.
pub(super) fn convert(
    action: Option<wire::route::Action>,
    template: Option<&Template>,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Action, Denied), ActionError> {
    match action {
        Some(wire::route::Action::Route(route)) => forward(route, template, scanned, &place.field("route"), report),
        Some(wire::route::Action::DirectResponse(response)) => respond(response, scanned),
        Some(wire::route::Action::Redirect(redirect)) => {
            let prefix = matches!(&redirect.path_rewrite_specifier, Some(PathRewriteSpecifier::PrefixRewrite(_)));
            if prefix && template.is_some() {
                return Err(RedirectError::from(RewriteError::PrefixOfTemplate).into());
            }
            let (redirect, denied) = redirect::convert(redirect, &place.field("redirect"), report)?;
            Ok((Action::Redirect(Box::new(redirect)), denied))
        }
        None if scanned.0 => Ok((Action::Deny, Denied(true))),
        None => Err(ActionError::Missing),
    }
}

fn forward(
    route: wire::RouteAction,
    template: Option<&Template>,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Action, Denied), ActionError> {
    let not_found_status = not_found_status(&route)?;
    let websocket = websocket(&route.upgrade_configs, place, report)?;
    let mut unable = Denied(false);
    one_line(&route.prefix_rewrite, "route.prefix_rewrite")?;
    let path = path(&route, template, &mut unable, place, report)?;
    let host = match route.host_rewrite_specifier {
        Some(HostRewriteSpecifier::HostRewriteLiteral(host)) => {
            one_line(&host, "route.host_rewrite_literal")?;
            literal_host(host, &mut unable, &place.field("host_rewrite_literal"), report).map(HostRewrite::Literal)
        }
        Some(HostRewriteSpecifier::AutoHostRewrite(auto)) => auto.then_some(HostRewrite::Endpoint),
        None => None,
    };
    let timeout = route.timeout.as_ref().map(milliseconds).transpose()?.unwrap_or(DEFAULT_TIMEOUT);
    let retry = route.retry_policy.as_ref().map(|policy| retry::convert(policy, &place.field("retry_policy"), report));
    let retry = retry.transpose()?;
    let mirror = mirror::convert(&route.request_mirror_policies, place, report)?;
    let cors = route.cors.map(|policy| deprecated_cors(policy, place, report)).transpose()?.map(Box::new);
    let hashing = hash::convert(&route.hash_policy)?;
    let subset = load_balancing_labels(route.metadata_match.as_ref());
    let mut cluster_header = None;
    let (destinations, denied) = match route.cluster_specifier {
        Some(ClusterSpecifier::ClusterHeader(name)) => {
            filled(&name, "route.cluster_header")?;
            cluster_header = Some(name);
            (Vec::new(), Denied(false))
        }
        Some(ClusterSpecifier::Cluster(name)) => {
            filled(&name, "route.cluster")?;
            (vec![Destination::only(name, subset.clone())], Denied(false))
        }
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            weigh(weighted, &subset, &place.field("weighted_clusters"), report)?
        }
        None if scanned.0 => return Ok((Action::Deny, Denied(true))),
        None => return Err(ActionError::NoCluster),
    };
    let forward = Forward {
        destinations,
        cluster_header,
        subset,
        retry,
        mirror,
        cors,
        hashing,
        timeout,
        not_found_status,
        path,
        host,
        websocket,
    };
    Ok((Action::Forward(forward), denied.or(unable)))
}

fn path(
    route: &wire::RouteAction,
    template: Option<&Template>,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathRewrite>, RewriteError> {
    let (prefix, regex) = (&route.prefix_rewrite, &route.regex_rewrite);
    match (&route.path_rewrite_policy, template) {
        (Some(_), _) if !prefix.is_empty() || regex.is_some() => Err(RewriteError::Two),
        (Some(policy), Some(template)) => rewrite::by_template(policy, template, denied, place, report),
        (Some(_), None) => Err(RewriteError::NoTemplate),
        (None, Some(_)) if !prefix.is_empty() => Err(RewriteError::PrefixOfTemplate),
        (None, _) => rewrite::convert(prefix.clone(), regex.clone(), denied, place, report),
    }
}

fn websocket(
    configs: &[wire::route_action::UpgradeConfig],
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<bool>, ActionError> {
    let mut websocket = None;
    let mut seen = BTreeSet::new();
    for (index, config) in configs.iter().enumerate() {
        let kind = config.upgrade_type.to_ascii_lowercase();
        if kind == "websocket" {
            websocket = Some(config.enabled.unwrap_or(true));
        } else {
            let why = format!("upgrades to {kind:?} are not done");
            report.add(Code::FieldIgnored, place.item("upgrade_configs", index), why);
        }
        if !seen.insert(kind) {
            return Err(ActionError::Upgrade(config.upgrade_type.clone()));
        }
    }
    Ok(websocket)
}

/// A host that APISIX takes; one that it does not take is denied.
fn literal_host(host: String, denied: &mut Denied, place: &Place<'_>, report: &mut Report) -> Option<String> {
    if host.is_empty() || ProxyRewrite::takes_host(&host) {
        return Some(host).filter(|host| !host.is_empty());
    }
    report.add(Code::RouteDenied, place, format!("APISIX sends no host {host:?}: the route answers 503"));
    *denied = Denied(true);
    None
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
    of_route: &Labels,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Vec<Destination>, Denied), ActionError> {
    let mut denied = Denied(false);
    let mut destinations = Vec::with_capacity(weighted.clusters.len());
    for (index, entry) in weighted.clusters.into_iter().enumerate() {
        let place = place.item("clusters", index);
        let filters = overrides::convert(&entry.typed_per_filter_config, &place, report)?;
        one_line(&entry.cluster_header, format_args!("route.weighted_clusters.clusters[{index}].cluster_header"))?;
        if entry.name.is_empty() == entry.cluster_header.is_empty() {
            return Err(ActionError::WeightName(index));
        }
        let cluster_header = Some(entry.cluster_header).filter(|name| !name.is_empty());
        let mutations = header_mutations!(entry);
        let mutations = mutations.map_err(|error| ActionError::Headers(index, error))?;
        let host = match entry.host_rewrite_specifier {
            Some(cluster_weight::HostRewriteSpecifier::HostRewriteLiteral(host)) => {
                one_line(&host, format_args!("route.weighted_clusters.clusters[{index}].host_rewrite_literal"))?;
                literal_host(host, &mut denied, &place.field("host_rewrite_literal"), report)
            }
            None => None,
        };
        let weight = entry.weight.unwrap_or(0);
        let mut subset = of_route.clone();
        subset.extend(load_balancing_labels(entry.metadata_match.as_ref()));
        let cluster = entry.name;
        destinations.push(Destination { cluster, cluster_header, weight, subset, filters, mutations, host });
    }
    let total: u64 = destinations.iter().map(|destination| u64::from(destination.weight)).sum();
    if total == 0 || total > u64::from(u32::MAX) {
        return Err(ActionError::Weights);
    }
    Ok((destinations, denied))
}

fn respond(response: wire::DirectResponseAction, scanned: Denied) -> Result<(Action, Denied), ActionError> {
    let status = u16::try_from(response.status).ok().filter(|status| (200..600).contains(status));
    let status = status.ok_or(ActionError::Status(response.status))?;
    let body = match response.body {
        None => Bytes::new(),
        // One that is set and not read has been reported.
        Some(DataSource { specifier: None }) if scanned.0 => return Ok((Action::Deny, Denied(true))),
        Some(source) => match set(source.specifier, "direct_response.body.specifier")? {
            Specifier::InlineString(text) => Bytes::from(text),
            Specifier::InlineBytes(bytes) => bytes,
        },
    };
    Ok((Action::Respond { status, body }, Denied(false)))
}
