//! From the wire to [`Cluster`].

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::cluster::v3 as wire;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CustomClusterType, DiscoveryType, LbPolicy,
};
use amesh_xds::wire::envoy::config::endpoint::v3::ClusterLoadAssignment;
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
use crate::model::rules::{RuleError, defined, filled};
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
    /// A ring of no size.
    #[error("load_balancing_policy: minimum_ring_size {0} is above maximum_ring_size {1}")]
    Ring(u64, u64),
    /// A table of a size that Envoy does not take.
    #[error("load_balancing_policy: table_size is {0}; it must be a prime number of at most 5000011")]
    Table(u64),
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
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// An EDS cluster that does not say where its endpoints come from.
    #[error("eds_cluster_config.eds_config is not set: an EDS cluster needs it")]
    NoEdsConfig,
    /// `eds_cluster_config` of another kind of cluster.
    #[error("eds_cluster_config is set, and the cluster is not of type EDS")]
    StrayEdsConfig,
    /// `lb_policy` that does not go with `type`.
    #[error("lb_policy: CLUSTER_PROVIDED goes with type ORIGINAL_DST, and no other policy does")]
    PolicyOfAnotherType,
    /// `load_assignment` of an `ORIGINAL_DST` cluster.
    #[error("load_assignment is set, and the cluster is of type ORIGINAL_DST")]
    StrayAssignment,
    /// `healthy_panic_threshold` that is no percentage.
    #[error("common_lb_config.healthy_panic_threshold is {0}; it must be 0 to 100")]
    PanicThreshold(String),
    /// `fallback_keys_subset` that Envoy does not take.
    #[error("subset_selectors[{0}].fallback_keys_subset {1}")]
    FallbackKeys(usize, &'static str),
    /// Two fields that say the same.
    #[error("{0} is set, and load_balancing_policy is set")]
    TwoPolicies(&'static str),
    /// Weights of localities in subsets, and none in the cluster.
    #[error("lb_subset_config.locality_weight_aware is set, and common_lb_config.locality_weighted_lb_config is not")]
    SubsetsOfLocalities,
    /// Subsets of a cluster that does not choose its endpoints itself.
    #[error("lb_subset_config is set, and lb_policy is CLUSTER_PROVIDED")]
    SubsetsProvided,
    /// `load_balancing_policy` without any policy in it.
    #[error("load_balancing_policy{0}: there is no policy in it")]
    NoPolicy(String),
}

/// Decodes and validates a cluster.
pub(crate) fn convert(bytes: &Bytes, report: &mut Report) -> Result<Cluster, ClusterError> {
    let scanned = scan(MESSAGE, bytes, &Place::ROOT, report)?;
    let mut cluster = wire::Cluster::decode(bytes.clone())?;
    let connect_timeout = connect_timeout(&cluster)?;
    let policy = policy::policy(&mut cluster, report)?;
    let Policy { balancing, hashes, locality_weighted, subsets, denied: unbalanced } = policy;
    let (sockets, insecure) = sockets(&cluster, report)?;
    let unspoken = protocol_options(&cluster.typed_extension_protocol_options, report)?;
    let unfiltered = filters(&cluster, report)?;
    let panic_threshold = panic_threshold(&cluster)?;
    let (discovery, undiscovered) = discovery(&mut cluster, report)?;
    let denied = scanned.or(unbalanced).or(insecure).or(unspoken).or(unfiltered).or(undiscovered);
    if denied.0 {
        report.add(Code::ClusterDenied, "", "routes to this cluster are answered 503");
    }
    let denied = denied.0;
    Ok(Cluster {
        discovery,
        balancing,
        hashes,
        locality_weighted,
        panic_threshold,
        connect_timeout,
        subsets,
        sockets,
        denied,
    })
}

/// Filters on connections to endpoints.
fn filters(cluster: &wire::Cluster, report: &mut Report) -> Result<Denied, ClusterError> {
    let mut denied = Denied(false);
    for (index, filter) in cluster.filters.iter().enumerate() {
        filled(&filter.name, format_args!("filters[{index}].name"))?;
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
fn panic_threshold(cluster: &wire::Cluster) -> Result<u32, ClusterError> {
    let percent = cluster.common_lb_config.as_ref().and_then(|config| config.healthy_panic_threshold.as_ref());
    match percent.map(|percent| percent.value) {
        None => Ok(DEFAULT_PANIC_THRESHOLD),
        Some(value) if (0.0..=100.0).contains(&value) => Ok(value as u32),
        Some(value) => Err(ClusterError::PanicThreshold(value.to_string())),
    }
}

fn discovery(cluster: &mut wire::Cluster, report: &mut Report) -> Result<(Discovery, Denied), ClusterError> {
    let kind = match cluster.cluster_discovery_type.take() {
        Some(ClusterDiscoveryType::Type(kind)) => defined(kind, "type")?,
        Some(ClusterDiscoveryType::ClusterType(custom)) => return custom_discovery(cluster, &custom, report),
        None => DiscoveryType::Static,
    };
    suits(cluster, kind)?;
    match kind {
        DiscoveryType::Eds => {
            let config = cluster.eds_cluster_config.take().filter(|config| config.eds_config.is_some());
            Ok((Discovery::Eds(config.ok_or(ClusterError::NoEdsConfig)?.service_name), Denied(false)))
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

/// What is set beside `type` has to go with it.
fn suits(cluster: &wire::Cluster, kind: DiscoveryType) -> Result<(), ClusterError> {
    if kind != DiscoveryType::Eds && cluster.eds_cluster_config.is_some() {
        return Err(ClusterError::StrayEdsConfig);
    }
    if kind == DiscoveryType::OriginalDst && cluster.load_assignment.is_some() {
        return Err(ClusterError::StrayAssignment);
    }
    // Where `load_balancing_policy` is set, it counts, and may name policies that are not known here.
    let provided = cluster.lb_policy() == LbPolicy::ClusterProvided;
    if cluster.load_balancing_policy.is_none() && provided != (kind == DiscoveryType::OriginalDst) {
        return Err(ClusterError::PolicyOfAnotherType);
    }
    Ok(())
}

fn inline(
    cluster: &mut wire::Cluster,
    hosts: HostKind,
    report: &mut Report,
) -> Result<(Discovery, Denied), ClusterError> {
    let assignment = match cluster.load_assignment.take() {
        Some(assignment) => {
            filled(&assignment.cluster_name, "load_assignment.cluster_name")?;
            assignment
        }
        None => ClusterLoadAssignment::default(),
    };
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
    filled(&custom.name, "cluster_type.name")?;
    if cluster.eds_cluster_config.is_some() {
        return Err(ClusterError::StrayEdsConfig);
    }
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
