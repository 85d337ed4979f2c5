//! The endpoints of a cluster (`envoy.config.endpoint.v3.ClusterLoadAssignment`), validated.

mod convert;
mod plain;

pub(crate) use convert::{AssignmentError, HostKind, convert, from_wire};

use super::labels::Labels;

/// All endpoints of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadAssignment {
    /// In the order received.
    pub(crate) localities: Vec<Locality>,
    /// `policy.overprovisioning_factor`, in percent.
    pub(crate) overprovisioning: u32,
    /// Some endpoints are not among them, since APISIX cannot reach them.
    pub(crate) incomplete: bool,
}

/// The endpoints of one locality at one priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locality {
    /// 0 is preferred; at most 128.
    pub(crate) priority: u32,
    /// `load_balancing_weight`; counts only where the cluster weighs localities.
    pub(crate) weight: u32,
    /// In the order received.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// One endpoint that APISIX can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// IPv4 address, IPv6 address in brackets, or DNS name.
    pub(crate) host: String,
    /// 1 to 65535.
    pub(crate) port: u32,
    /// At least 1.
    pub(crate) weight: u32,
    /// As the control plane reports it.
    pub(crate) health: HealthStatus,
    /// `hostname`; where there is none, the name that an endpoint of a DNS cluster is looked up by.
    pub(crate) name: Option<Box<str>>,
    /// `metadata`, where anything in it decides something.
    pub(crate) metadata: Option<Box<Metadata>>,
}

/// What is looked at of an endpoint's `metadata.filter_metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// `envoy.transport_socket_match`: what decides between TLS and plain text.
    pub(crate) socket: Vec<(String, String)>,
    /// `envoy.lb`: which subsets of the cluster it is in.
    pub(crate) load_balancing: Labels,
}

/// `health_status`, as far as load balancing tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HealthStatus {
    /// UNKNOWN and HEALTHY.
    Healthy,
    /// DEGRADED.
    Degraded,
    /// UNHEALTHY and TIMEOUT.
    Unhealthy,
    /// DRAINING: as good as gone, unless nothing else is left.
    Draining,
}
