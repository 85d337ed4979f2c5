//! How a cluster chooses among its endpoints: `load_balancing_policy`, or `lb_policy` where that is not set.

use amesh_xds::schema;
use amesh_xds::wire::envoy::config::cluster::v3 as wire;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::LbPolicy;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::common_lb_config::LocalityConfigSpecifier;
use amesh_xds::wire::envoy::extensions::load_balancing_policies as policies;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message as _;

use super::ClusterError;
use super::subsets::{Subsets, of_cluster, subsets};
use crate::apisix::Balancing;
use crate::diagnostic::Code;
use crate::model::findings::{Denied, Extension, extension};
use crate::model::rules::{defined, filled};
use crate::report::{Place, Report};
use crate::resource_type::message_name;

const KIND: &str = "load_balancing_policy";
/// Policies may name policies; Envoy's own do so once.
const DEPTH: u32 = 4;
const ENDPOINT_PICKING: &str = ".endpoint_picking_policy";
const SUBSET_POLICY: &str = ".subset_lb_policy";

/// How endpoints are chosen.
pub(super) struct Policy {
    pub(super) balancing: Balancing,
    pub(super) hashes: bool,
    pub(super) locality_weighted: bool,
    pub(super) subsets: Option<Box<Subsets>>,
    pub(super) denied: Denied,
}

impl Policy {
    const ROUND_ROBIN: Self = Self::of(Balancing::RoundRobin, Denied(false));
    const LEAST_REQUEST: Self = Self::of(Balancing::LeastConnections, Denied(false));
    const DENIED: Self = Self::of(Balancing::RoundRobin, Denied(true));

    const fn of(balancing: Balancing, denied: Denied) -> Self {
        Self { balancing, hashes: false, locality_weighted: false, subsets: None, denied }
    }

    fn weighing_localities(self, weighted: bool) -> Self {
        Self { locality_weighted: self.locality_weighted || weighted, ..self }
    }
}

/// The policy of a cluster.
pub(super) fn policy(cluster: &mut wire::Cluster, report: &mut Report) -> Result<Policy, ClusterError> {
    let subsets = cluster.lb_subset_config.take();
    if let Some(policy) = &cluster.load_balancing_policy {
        return match subsets {
            Some(_) => Err(ClusterError::TwoPolicies("lb_subset_config")),
            None if weighs_localities(cluster) => {
                Err(ClusterError::TwoPolicies("common_lb_config.locality_weighted_lb_config"))
            }
            None => first_supported(policy, "", DEPTH, report),
        };
    }
    let policy = defined(cluster.lb_policy, "lb_policy")?;
    let has_subsets = subsets.as_ref().is_some_and(|subsets| !subsets.subset_selectors.is_empty());
    if has_subsets && policy == LbPolicy::ClusterProvided {
        return Err(ClusterError::SubsetsProvided);
    }
    if subsets.as_ref().is_some_and(|subsets| subsets.locality_weight_aware) && !weighs_localities(cluster) {
        return Err(ClusterError::SubsetsOfLocalities);
    }
    let policy = enumerated(policy, report)?.weighing_localities(weighs_localities(cluster));
    Ok(Policy { subsets: subsets.map(of_cluster).transpose()?.flatten(), ..policy })
}

fn weighs_localities(cluster: &wire::Cluster) -> bool {
    let specifier = cluster.common_lb_config.as_ref().and_then(|config| config.locality_config_specifier.as_ref());
    matches!(specifier, Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(_)))
}

fn enumerated(policy: LbPolicy, report: &mut Report) -> Result<Policy, ClusterError> {
    Ok(match policy {
        LbPolicy::LoadBalancingPolicyConfig => return Err(ClusterError::NoPolicy(String::new())),
        LbPolicy::RoundRobin => Policy::ROUND_ROBIN,
        LbPolicy::LeastRequest => least_request(report),
        LbPolicy::Random => random(report),
        LbPolicy::RingHash | LbPolicy::Maglev => hashing(report),
        LbPolicy::ClusterProvided => {
            report.add(Code::FieldDenied, "lb_policy", "lb_policy: the cluster does not choose its endpoints itself");
            Policy::DENIED
        }
    })
}

fn hashing(report: &mut Report) -> Policy {
    let why = "lb_policy: the ring is another than Envoy's; without hash_policy endpoints are taken in turn";
    report.add(Code::ClusterApproximated, "lb_policy", why);
    Policy { hashes: true, ..Policy::ROUND_ROBIN }
}

fn least_request(report: &mut Report) -> Policy {
    report.add(Code::ClusterApproximated, "lb_policy", "the least loaded of all endpoints is taken, not of two");
    Policy::LEAST_REQUEST
}

fn random(report: &mut Report) -> Policy {
    report.add(Code::ClusterApproximated, "lb_policy", "endpoints are taken in turn, not at random");
    Policy::ROUND_ROBIN
}

/// Envoy takes the first policy of the list that it knows.
fn first_supported(
    list: &wire::LoadBalancingPolicy,
    inside: &str,
    depth: u32,
    report: &mut Report,
) -> Result<Policy, ClusterError> {
    let typed_config = |policy: &wire::load_balancing_policy::Policy| {
        policy.typed_extension_config.as_ref().is_some_and(|config| config.typed_config.is_some())
    };
    if !list.policies.iter().any(typed_config) {
        return Err(ClusterError::NoPolicy(inside.to_owned()));
    }
    let place = Place::ROOT;
    for (index, policy) in list.policies.iter().enumerate() {
        let Some(config) = &policy.typed_extension_config else { continue };
        let place = place.field("load_balancing_policy");
        let place = place.item("policies", index);
        filled(&config.name, place.field("typed_extension_config").field("name"))?;
        let Some(config) = &config.typed_config else { continue };
        if let Some(policy) = typed(config, depth, &place, report)? {
            return Ok(policy);
        }
    }
    report.add(Code::ClusterDenied, "load_balancing_policy", "none of the load balancing policies is known");
    Ok(Policy::DENIED)
}

/// One policy; `None` where the next one of the list is to be tried.
fn typed(config: &Any, depth: u32, place: &Place<'_>, report: &mut Report) -> Result<Option<Policy>, ClusterError> {
    let known = schema::extension(KIND, message_name(&config.type_url)).is_some_and(|entry| entry.type_name != "*");
    let (name, bytes, denied) = match extension(KIND, config, place, report)? {
        Extension::Read(name, bytes, denied) => (name, bytes, denied),
        Extension::Passed(denied) if known => return Ok(Some(Policy { denied, ..Policy::ROUND_ROBIN })),
        Extension::Passed(_) => return Ok(None),
    };
    let policy = match name.rsplit('.').next() {
        Some("RoundRobin") => {
            let config = policies::round_robin::v3::RoundRobin::decode(bytes.clone())?;
            Policy::ROUND_ROBIN.weighing_localities(is_weighted(config.locality_lb_config.as_ref()))
        }
        Some("LeastRequest") => {
            let config = policies::least_request::v3::LeastRequest::decode(bytes.clone())?;
            least_request(report).weighing_localities(is_weighted(config.locality_lb_config.as_ref()))
        }
        Some("Random") => {
            let config = policies::random::v3::Random::decode(bytes.clone())?;
            random(report).weighing_localities(is_weighted(config.locality_lb_config.as_ref()))
        }
        Some("RingHash") => ring_hash(&policies::ring_hash::v3::RingHash::decode(bytes.clone())?, report)?,
        Some("Maglev") => maglev(&policies::maglev::v3::Maglev::decode(bytes.clone())?, report)?,
        Some("Subset") => subset(bytes, depth, place, report)?,
        _ => locality_round_robin(bytes, depth, report)?,
    };
    Ok(Some(Policy { denied: policy.denied.or(denied), ..policy }))
}

/// Envoy's ring where its sizes are not set.
const RING: (u64, u64) = (1024, 8_388_608);
/// Envoy's largest table, which is a prime number.
const LARGEST_TABLE: u64 = 5_000_011;

fn ring_hash(config: &policies::ring_hash::v3::RingHash, report: &mut Report) -> Result<Policy, ClusterError> {
    let least = config.minimum_ring_size.unwrap_or(RING.0);
    let most = config.maximum_ring_size.unwrap_or(RING.1);
    if least > most {
        return Err(ClusterError::Ring(least, most));
    }
    Ok(hashing(report).weighing_localities(config.locality_weighted_lb_config.is_some()))
}

fn maglev(config: &policies::maglev::v3::Maglev, report: &mut Report) -> Result<Policy, ClusterError> {
    match config.table_size {
        Some(size) if size > LARGEST_TABLE || !is_prime(size) => Err(ClusterError::Table(size)),
        _ => Ok(hashing(report).weighing_localities(config.locality_weighted_lb_config.is_some())),
    }
}

/// `number` is at most [`LARGEST_TABLE`], so that few divisors have to be tried.
fn is_prime(number: u64) -> bool {
    let mut divisors = (2_u64..).take_while(|divisor| divisor.saturating_mul(*divisor) <= number);
    number > 1 && divisors.all(|divisor| number.checked_rem(divisor) != Some(0))
}

/// `WrrLocality`: localities by weight, then a policy inside the locality.
fn locality_round_robin(bytes: &bytes::Bytes, depth: u32, report: &mut Report) -> Result<Policy, ClusterError> {
    let config = policies::wrr_locality::v3::WrrLocality::decode(bytes.clone())?;
    let inner = match (config.endpoint_picking_policy, depth.checked_sub(1)) {
        (Some(inner), Some(depth)) => first_supported(&inner, ENDPOINT_PICKING, depth, report)?,
        (Some(_), None) => Policy::DENIED,
        (None, _) => return Err(ClusterError::NoPolicy(ENDPOINT_PICKING.to_owned())),
    };
    Ok(inner.weighing_localities(true))
}

/// `Subset`: some endpoints by metadata, then a policy among them.
fn subset(bytes: &bytes::Bytes, depth: u32, place: &Place<'_>, report: &mut Report) -> Result<Policy, ClusterError> {
    let mut config = policies::subset::v3::Subset::decode(bytes.clone())?;
    let inner = match (config.subset_lb_policy.take(), depth.checked_sub(1)) {
        (Some(inner), Some(depth)) => first_supported(&inner, SUBSET_POLICY, depth, report)?,
        (Some(_), None) => Policy::DENIED,
        (None, _) => return Err(ClusterError::NoPolicy(SUBSET_POLICY.to_owned())),
    };
    let subsets = Some(Box::new(subsets(config)?));
    if inner.subsets.is_some() {
        report.add(Code::ClusterDenied, place, "subsets of subsets are not chosen");
        return Ok(Policy { subsets, ..Policy::DENIED });
    }
    Ok(Policy { subsets, ..inner })
}

fn is_weighted(config: Option<&policies::common::v3::LocalityLbConfig>) -> bool {
    config.is_some_and(|config| config.locality_config_specifier.is_some())
}
