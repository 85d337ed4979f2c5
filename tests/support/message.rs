//! xDS messages from JSON. [`Types`] encodes by reflection over Envoy's own descriptors: nothing of the product takes
//! part in that.

use std::path::Path;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use amesh_xds::wire::google::protobuf::Any;
use amesh_xds::{json, schema};

/// What type URLs begin with.
pub const TYPES: &str = "type.googleapis.com/";
/// CDS.
pub const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
/// EDS.
pub const ENDPOINTS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
/// LDS.
pub const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
/// RDS.
pub const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

/// Envoy's protos with all extensions, as a released Envoy holds them.
#[derive(Clone, Debug)]
pub struct Types(DescriptorPool);

impl Types {
    /// Reads a `FileDescriptorSet`.
    #[must_use]
    pub fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).expect("a readable descriptor set");
        Self(DescriptorPool::decode(bytes.as_slice()).expect("a descriptor set"))
    }

    /// The message that a type URL or a full name stands for.
    #[must_use]
    pub fn message(&self, url: &str) -> Option<MessageDescriptor> {
        self.0.get_message_by_name(name_of(url))
    }

    /// A resource in JSON, with its `@type`.
    pub fn from_json(&self, resource: &Value) -> Result<DynamicMessage, String> {
        let mut resource = resource.clone();
        let url = resource.as_object_mut().and_then(|object| object.remove("@type"));
        let url = url.and_then(|url| url.as_str().map(str::to_owned)).ok_or("no @type")?;
        let descriptor = self.message(&url).ok_or_else(|| format!("no message {url}"))?;
        DynamicMessage::deserialize(descriptor, resource).map_err(|error| error.to_string())
    }

    /// A message from its bytes.
    #[must_use]
    pub fn from_bytes(&self, url: &str, bytes: &[u8]) -> Option<DynamicMessage> {
        DynamicMessage::decode(self.message(url)?, bytes).ok()
    }
}

/// A resource in JSON, with its `@type`, encoded by the product's own tables: for tests without reference material.
#[must_use]
pub fn encode(resource: &Value) -> Vec<u8> {
    let mut resource = resource.clone();
    let url = resource.as_object_mut().and_then(|object| object.remove("@type")).expect("@type");
    let message = schema::message(name_of(url.as_str().expect("text"))).expect("a message that is declared");
    let mut problems = Vec::new();
    let bytes = json::to_wire(message, &resource, &mut problems).unwrap_or_else(|error| panic!("{error}: {resource}"));
    assert!(problems.is_empty(), "{problems:?}");
    bytes
}

/// The full message name inside a type URL.
#[must_use]
pub fn name_of(url: &str) -> &str {
    url.strip_prefix(TYPES).unwrap_or(url)
}

/// A state-of-the-world response with these resources, already encoded.
#[must_use]
pub fn response(url: &str, version: &str, resources: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let any = |value: Vec<u8>| Any { type_url: url.to_owned(), value: value.into() };
    let response = DiscoveryResponse {
        version_info: version.to_owned(),
        type_url: url.to_owned(),
        nonce: format!("nonce-{version}"),
        resources: resources.into_iter().map(any).collect(),
        ..DiscoveryResponse::default()
    };
    response.encode_to_vec()
}
