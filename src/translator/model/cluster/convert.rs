//! From the wire to [`Cluster`].

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::cluster::v3 as wire;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, CustomClusterType, DiscoveryType};
use bytes::Bytes;
use prost::Message as _;

use super::extensions::protocol_options;
use super::policy::{self, Policy};
use super::sockets::sockets;
use super::{Cluster, Discovery};
use crate::diagnostic::Code;
use crate::model::duration::{DurationError, milliseconds};
use crate::model::endpoint::{self, AssignmentError, HostKind, LoadAssignment};
use crate::model::findings::{Denied, Extension, extension, scan};
use crate::report::{Place, Report};

const MESSAGE: &str = "envoy.config.cluster.v3.Cluster";
/// `connect_timeout` where it is not set, in milliseconds.
const DEFAULT_CONNECT_TIMEOUT: u64 = 5_000;
/// `healthy_panic_threshold` where it is not set, in percent.
const DEFAULT_PANIC_THRESHOLD: u32 = 50;

/// Why Envoy would refuse a cluster.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClusterError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// `connect_timeout` is no duration.
    #[error("connect_timeout: {0}")]
    ConnectTimeout(#[from] DurationError),
    /// `connect_timeout` is 0.
    #[error("connect_timeout must be above 0")]
    NoConnectTimeout,
    /// The endpoints are bad.
    #[error("{0}")]
    Endpoints(#[from] AssignmentError),
    /// A `LOGICAL_DNS` cluster with another number of endpoints than one.
    #[error("load_assignment: a LOGICAL_DNS cluster must have exactly one endpoint")]
    LogicalDns,
}

/// Decodes and validates a cluster.
pub(crate) fn convert(bytes: &Bytes, report: &mut Report) -> Result<Cluster, ClusterError> {
    let scanned = scan(MESSAGE, bytes, &Place::ROOT, report)?;
    let mut cluster = wire::Cluster::decode(bytes.clone())?;
    let connect_timeout = connect_timeout(&cluster)?;
    let Policy { balancing, locality_weighted, denied: unbalanced } = policy::policy(&cluster, report)?;
    let (sockets, insecure) = sockets(&cluster, report)?;
    let unspoken = protocol_options(&cluster.typed_extension_protocol_options, report)?;
    let unfiltered = filters(&cluster, report)?;
    let panic_threshold = panic_threshold(&cluster);
    let (discovery, undiscovered) = discovery(&mut cluster, report)?;
    let denied = scanned.or(unbalanced).or(insecure).or(unspoken).or(unfiltered).or(undiscovered);
    if denied.0 {
        report.add(Code::ClusterDenied, "", "routes to this cluster are answered 503");
    }
    let denied = denied.0;
    Ok(Cluster { discovery, balancing, locality_weighted, panic_threshold, connect_timeout, sockets, denied })
}

/// Filters on connections to endpoints.
fn filters(cluster: &wire::Cluster, report: &mut Report) -> Result<Denied, WireError> {
    let mut denied = Denied(false);
    for (index, filter) in cluster.filters.iter().enumerate() {
        let Some(config) = &filter.typed_config else { continue };
        let extension = extension("network_filter", config, &Place::top("filters", index), report)?;
        denied = denied.or(extension.denied());
    }
    Ok(denied)
}

fn connect_timeout(cluster: &wire::Cluster) -> Result<u64, ClusterError> {
    let timeout = cluster.connect_timeout.as_ref().map(milliseconds).transpose()?;
    match timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT) {
        0 => Err(ClusterError::NoConnectTimeout),
        timeout => Ok(timeout),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 first")]
fn panic_threshold(cluster: &wire::Cluster) -> u32 {
    let percent = cluster.common_lb_config.as_ref().and_then(|config| config.healthy_panic_threshold.as_ref());
    percent.map_or(DEFAULT_PANIC_THRESHOLD, |percent| percent.value.clamp(0.0, 100.0) as u32)
}

fn discovery(cluster: &mut wire::Cluster, report: &mut Report) -> Result<(Discovery, Denied), ClusterError> {
    let kind = match cluster.cluster_discovery_type.take() {
        Some(ClusterDiscoveryType::Type(kind)) => DiscoveryType::try_from(kind).unwrap_or(DiscoveryType::OriginalDst),
        Some(ClusterDiscoveryType::ClusterType(custom)) => return custom_discovery(cluster, &custom, report),
        None => DiscoveryType::Static,
    };
    match kind {
        DiscoveryType::Eds => {
            let service = cluster.eds_cluster_config.take().map(|config| config.service_name).unwrap_or_default();
            Ok((Discovery::Eds(service), Denied(false)))
        }
        DiscoveryType::Static => inline(cluster, HostKind::Address, report),
        DiscoveryType::StrictDns => dns(cluster, false, report),
        DiscoveryType::LogicalDns => dns(cluster, true, report),
        DiscoveryType::OriginalDst => {
            let why = "type: APISIX cannot forward to the address a connection was made for";
            report.add(Code::FieldDenied, "type", why);
            Ok((Discovery::Inline(LoadAssignment::default()), Denied(true)))
        }
    }
}

fn inline(
    cluster: &mut wire::Cluster,
    hosts: HostKind,
    report: &mut Report,
) -> Result<(Discovery, Denied), ClusterError> {
    let assignment = cluster.load_assignment.take().unwrap_or_default();
    let place = Place::ROOT;
    let place = place.field("load_assignment");
    // What the scan finds inside denies the cluster, which it is a part of.
    let assignment = endpoint::from_wire(assignment, hosts, Denied(false), &place, report)?;
    Ok((Discovery::Inline(assignment), Denied(false)))
}

fn dns(cluster: &mut wire::Cluster, logical: bool, report: &mut Report) -> Result<(Discovery, Denied), ClusterError> {
    let localities = cluster.load_assignment.iter().flat_map(|assignment| &assignment.endpoints);
    let endpoints: usize = localities.map(|locality| locality.lb_endpoints.len()).sum();
    if logical && endpoints != 1 {
        return Err(ClusterError::LogicalDns);
    }
    if !logical {
        let why = "type: one address of each name is used at a time; Envoy balances over all of them";
        report.add(Code::ClusterApproximated, "type", why);
    }
    inline(cluster, HostKind::Name, report)
}

fn custom_discovery(
    cluster: &mut wire::Cluster,
    custom: &CustomClusterType,
    report: &mut Report,
) -> Result<(Discovery, Denied), ClusterError> {
    let config = custom.typed_config.clone().unwrap_or_default();
    let place = Place::ROOT;
    match extension("cluster_type", &config, &place.field("cluster_type"), report)? {
        Extension::Read(_, bytes, denied) => {
            use amesh_xds::wire::envoy::extensions::clusters::dns::v3::DnsCluster;
            let config = DnsCluster::decode(bytes.clone())?;
            let (discovery, bad) = dns(cluster, config.all_addresses_in_single_endpoint, report)?;
            Ok((discovery, denied.or(bad)))
        }
        Extension::Passed(_) => Ok((Discovery::Inline(LoadAssignment::default()), Denied(true))),
    }
}
