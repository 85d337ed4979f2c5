//! The protobuf messages of the xDS envelope, written by hand: the few that an ADS stream is made of.
//!
//! Field numbers and names are those of `envoy/service/discovery/v3/discovery.proto`,
//! `envoy/config/core/v3/base.proto` and `google/rpc/status.proto`. Resources stay opaque bytes: nothing here knows
//! what is inside a [`Any`]. Fields that neither side of this crate reads or writes are left out.

use bytes::Bytes;
use prost::Message;

/// The method of the aggregated stream, state of the world.
pub const STREAM_PATH: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/// `google.rpc.Code.INVALID_ARGUMENT`: the code of a NACK.
pub const INVALID_ARGUMENT: i32 = 3;

/// The type URL of the wrapper that gives a resource a name of its own, `envoy.service.discovery.v3.Resource`.
pub const RESOURCE_WRAPPER: &str = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/// `google.protobuf.Any` with its value left as it came.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    /// Such as `type.googleapis.com/envoy.config.cluster.v3.Cluster`.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The resource, encoded.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// A `google.rpc.Code`.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// For people.
    #[prost(string, tag = "2")]
    pub message: String,
}

/// `envoy.config.core.v3.Locality`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Locality {
    /// The region.
    #[prost(string, tag = "1")]
    pub region: String,
    /// The zone inside the region.
    #[prost(string, tag = "2")]
    pub zone: String,
    /// The part of the zone.
    #[prost(string, tag = "3")]
    pub sub_zone: String,
}

/// `envoy.config.core.v3.Node`: who a client says it is.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Unique per client; its form is the control plane's affair.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The group of clients it belongs to.
    #[prost(string, tag = "2")]
    pub cluster: String,
    /// Free-form; control planes read features and labels from it.
    #[prost(message, optional, tag = "3")]
    pub metadata: Option<prost_types::Struct>,
    /// Where it runs.
    #[prost(message, optional, tag = "4")]
    pub locality: Option<Locality>,
    /// The program's name.
    #[prost(string, tag = "6")]
    pub user_agent_name: String,
    /// The program's version (a member of the one-of `user_agent_version_type`).
    #[prost(string, tag = "7")]
    pub user_agent_version: String,
    /// Features in the sense of the xDS protocol.
    #[prost(string, repeated, tag = "10")]
    pub client_features: Vec<String>,
}

/// `envoy.service.discovery.v3.DiscoveryRequest`: a subscription, an ACK or a NACK.
#[derive(Clone, PartialEq, Message)]
pub struct DiscoveryRequest {
    /// The version last accepted of this type; empty: none yet.
    #[prost(string, tag = "1")]
    pub version_info: String,
    /// Sent with the first request of a stream only.
    #[prost(message, optional, tag = "2")]
    pub node: Option<Node>,
    /// The names wanted; none in the first request of a type: all.
    #[prost(string, repeated, tag = "3")]
    pub resource_names: Vec<String>,
    /// The resource type.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// The nonce of the response this answers; empty in the first request of a type.
    #[prost(string, tag = "5")]
    pub response_nonce: String,
    /// Present in a NACK.
    #[prost(message, optional, tag = "6")]
    pub error_detail: Option<Status>,
}

/// `envoy.service.discovery.v3.DiscoveryResponse`, as the server of this crate sends it.
#[derive(Clone, PartialEq, Message)]
pub struct DiscoveryResponse {
    /// The version of the resources.
    #[prost(string, tag = "1")]
    pub version_info: String,
    /// The resources.
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Any>,
    /// The resource type.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// Names this response on its stream.
    #[prost(string, tag = "5")]
    pub nonce: String,
}
