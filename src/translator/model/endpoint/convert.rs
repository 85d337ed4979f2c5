//! From the wire to [`LoadAssignment`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::core::v3 as core;
use amesh_xds::wire::envoy::config::endpoint::v3 as wire;
use amesh_xds::wire::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use amesh_xds::wire::envoy::config::endpoint::v3::locality_lb_endpoints::LbConfig;
use bytes::Bytes;
use prost::Message as _;

use super::{Endpoint, HealthStatus, LoadAssignment, Locality, Metadata, plain};
use crate::diagnostic::Code;
use crate::model::address::{AddressError, socket_address};
use crate::model::findings::{Denied, scan};
use crate::model::labels::{self, LOAD_BALANCING, load_balancing_labels, string_labels};
use crate::model::rules::{RuleError, set};
use crate::plan::OVERPROVISIONING;
use crate::report::{Place, Report};

const MESSAGE: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
/// The metadata that decides between TLS and plain text.
const SOCKET_MATCH: &str = "envoy.transport_socket_match";
/// Envoy takes no greater priority.
pub(super) const MAX_PRIORITY: u32 = 128;

/// Why Envoy would refuse endpoints.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssignmentError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// A priority out of range.
    #[error("endpoints[{0}].priority is {1}; it must be 0 to 128")]
    Priority(usize, u32),
    /// A weight of 0.
    #[error("{0}.load_balancing_weight is 0; it must be at least 1")]
    Weight(String),
    /// An address Envoy would refuse.
    #[error("{0}: {1}")]
    Address(String, AddressError),
    /// `endpoint_name` without such an entry in `named_endpoints`.
    #[error("{0}: named_endpoints has no {1:?}")]
    UnknownName(String, String),
    /// Another rule is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// `policy.overprovisioning_factor` is 0.
    #[error("policy.overprovisioning_factor is 0; it must be above 0")]
    Overprovisioning,
}

/// What kind of host an endpoint's address may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// An IP address: STATIC and EDS clusters.
    Address,
    /// A DNS name or an IP address.
    Name,
}

/// Decodes and validates the endpoints of an EDS cluster.
pub(crate) fn convert(bytes: Bytes, report: &mut Report) -> Result<LoadAssignment, AssignmentError> {
    match plain::assignment(&bytes) {
        Some(assignment) => Ok(assignment),
        None => convert_any(bytes, report),
    }
}

/// The general way.
pub(super) fn convert_any(bytes: Bytes, report: &mut Report) -> Result<LoadAssignment, AssignmentError> {
    let denied = scan(MESSAGE, &bytes, &Place::ROOT, report)?;
    let assignment = wire::ClusterLoadAssignment::decode(bytes)?;
    from_wire(assignment, HostKind::Address, denied, &Place::ROOT, report)
}

/// Validates endpoints. `denied`: some of them cannot be told apart, so none is used.
pub(crate) fn from_wire(
    assignment: wire::ClusterLoadAssignment,
    hosts: HostKind,
    denied: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<LoadAssignment, AssignmentError> {
    let overprovisioning = assignment.policy.and_then(|policy| policy.overprovisioning_factor);
    if overprovisioning == Some(0) {
        return Err(AssignmentError::Overprovisioning);
    }
    let mut converter = Converter { named: &assignment.named_endpoints, hosts, report, incomplete: denied.0 };
    let mut localities = Vec::with_capacity(assignment.endpoints.len());
    for (index, locality) in assignment.endpoints.into_iter().enumerate() {
        localities.push(converter.locality(locality, index, &place.item("endpoints", index))?);
    }
    let incomplete = converter.incomplete;
    if denied.0 {
        report.add(Code::EndpointDropped, place.field("endpoints"), "no endpoint is used: requests are answered 503");
        localities.clear();
    }
    let overprovisioning = overprovisioning.unwrap_or(OVERPROVISIONING);
    Ok(LoadAssignment { localities, overprovisioning, incomplete })
}

struct Converter<'a> {
    named: &'a BTreeMap<String, wire::Endpoint>,
    hosts: HostKind,
    report: &'a mut Report,
    incomplete: bool,
}

impl Converter<'_> {
    fn locality(
        &mut self,
        locality: wire::LocalityLbEndpoints,
        index: usize,
        place: &Place<'_>,
    ) -> Result<Locality, AssignmentError> {
        if locality.priority > MAX_PRIORITY {
            return Err(AssignmentError::Priority(index, locality.priority));
        }
        let weight = weight(locality.load_balancing_weight, place, 0)?;
        let listed = match locality.lb_config {
            Some(LbConfig::LoadBalancerEndpoints(list)) => list.lb_endpoints,
            None => locality.lb_endpoints,
        };
        let mut endpoints = Vec::with_capacity(listed.len());
        for (index, endpoint) in listed.into_iter().enumerate() {
            let endpoint = self.endpoint(endpoint, &place.item("lb_endpoints", index))?;
            self.incomplete |= endpoint.is_none();
            endpoints.extend(endpoint);
        }
        Ok(Locality { priority: locality.priority, weight, endpoints })
    }

    /// One endpoint; `None` where APISIX cannot reach it.
    fn endpoint(&mut self, endpoint: wire::LbEndpoint, place: &Place<'_>) -> Result<Option<Endpoint>, AssignmentError> {
        let weight = weight(endpoint.load_balancing_weight, place, 1)?;
        let health = health(endpoint.health_status());
        let inner = match endpoint.host_identifier {
            Some(HostIdentifier::Endpoint(inner)) => inner,
            Some(HostIdentifier::EndpointName(name)) => self.named(&name, place)?,
            None => wire::Endpoint::default(),
        };
        let address = set(inner.address, format_args!("{place}: address"))?;
        let Some((host, port)) = self.host(&address, place)? else { return Ok(None) };
        let name = Some(inner.hostname).filter(|name| !name.is_empty());
        let name = name.or_else(|| (self.hosts == HostKind::Name).then(|| host.clone())).map(String::into_boxed_str);
        let metadata = metadata(&endpoint.metadata)?;
        Ok(Some(Endpoint { host, port, weight, health, name, metadata }))
    }

    fn named(&self, name: &str, place: &Place<'_>) -> Result<wire::Endpoint, AssignmentError> {
        let unknown = || AssignmentError::UnknownName(place.to_string(), name.to_owned());
        self.named.get(name).cloned().ok_or_else(unknown)
    }

    /// Host and port as APISIX writes them; `None` where there is no address that is read, which the scan reports.
    fn host(&mut self, address: &core::Address, place: &Place<'_>) -> Result<Option<(String, u32)>, AssignmentError> {
        let refused = |error| AssignmentError::Address(place.to_string(), error);
        let Some(address) = socket_address(address).map_err(refused)? else { return Ok(None) };
        let host = match address.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            Err(_) if self.hosts == HostKind::Address => {
                return Err(refused(AddressError::NotAnAddress(address.host.to_owned())));
            }
            // There is one way only to write an IPv4 address that the parser takes.
            Ok(IpAddr::V4(_)) | Err(_) => address.host.to_owned(),
        };
        if address.port.is_none() && self.hosts == HostKind::Address {
            return Err(refused(AddressError::NoPort));
        }
        let port = address.port.unwrap_or(0);
        if port == 0 || !host.bytes().all(is_host_byte) {
            self.report.add(Code::EndpointDropped, place, "APISIX takes no such host or port");
            return Ok(None);
        }
        Ok(Some((host, port.into())))
    }
}

/// APISIX: `^\*?[0-9a-zA-Z-._\[\]:]+$`.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}

fn weight(weight: Option<u32>, place: &Place<'_>, default: u32) -> Result<u32, AssignmentError> {
    match weight {
        Some(0) => Err(AssignmentError::Weight(place.to_string())),
        other => Ok(other.unwrap_or(default)),
    }
}

pub(super) fn health(status: core::HealthStatus) -> HealthStatus {
    match status {
        core::HealthStatus::Unknown | core::HealthStatus::Healthy => HealthStatus::Healthy,
        core::HealthStatus::Degraded => HealthStatus::Degraded,
        core::HealthStatus::Unhealthy | core::HealthStatus::Timeout => HealthStatus::Unhealthy,
        core::HealthStatus::Draining => HealthStatus::Draining,
    }
}

/// True where metadata can hold something that decides.
pub(super) fn decides(metadata: &[u8]) -> bool {
    // Most metadata mentions neither, and both begin alike.
    labels::mentions(metadata, "envoy.")
        && [SOCKET_MATCH, LOAD_BALANCING].into_iter().any(|name| labels::mentions(metadata, name))
}

/// Decodes metadata only where it can hold the labels looked for.
fn metadata(bytes: &Bytes) -> Result<Option<Box<Metadata>>, prost::DecodeError> {
    if !decides(bytes) {
        return Ok(None);
    }
    let decoded = core::Metadata::decode(bytes.clone())?;
    let metadata = Metadata {
        socket: decoded.filter_metadata.get(SOCKET_MATCH).map(string_labels).unwrap_or_default(),
        load_balancing: load_balancing_labels(Some(&decoded)),
    };
    Ok((metadata != Metadata::default()).then(|| Box::new(metadata)))
}
