//! From the bytes of a response to named resources, none of them decoded.

use amesh_xds::wire::envoy::service::discovery::v3 as wire;
use amesh_xds::wire::google::protobuf::Any;
use bytes::Bytes;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::translator::Variant;

/// A response, its resources still encoded.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// The type of all its resources.
    pub(crate) type_url: String,
    /// `version_info` or `system_version_info`.
    pub(crate) version: String,
    /// For the answer.
    pub(crate) nonce: String,
    /// In the order received.
    pub(crate) resources: Vec<Resource>,
    /// Names that a delta response takes away.
    pub(crate) removed: Vec<String>,
}

/// One resource, still encoded.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Its name; `None` where it cannot be read.
    pub(crate) name: Option<String>,
    /// The type its `Any` gives.
    pub(crate) type_url: String,
    /// The message.
    pub(crate) value: Bytes,
}

/// Reads the envelope.
pub(crate) fn response(message: Bytes, variant: Variant) -> Result<Response, prost::DecodeError> {
    match variant {
        Variant::Sotw => wire::DiscoveryResponse::decode(message).map(state_of_the_world),
        Variant::Delta => wire::DeltaDiscoveryResponse::decode(message).map(delta),
    }
}

fn state_of_the_world(response: wire::DiscoveryResponse) -> Response {
    Response {
        type_url: response.type_url,
        version: response.version_info,
        nonce: response.nonce,
        resources: response.resources.into_iter().map(|any| resource(None, any)).collect(),
        removed: Vec::new(),
    }
}

fn delta(response: wire::DeltaDiscoveryResponse) -> Response {
    let named = response.resources.into_iter().map(|r| resource(Some(r.name), r.resource.unwrap_or_default()));
    Response {
        type_url: response.type_url,
        version: response.system_version_info,
        nonce: response.nonce,
        resources: named.collect(),
        removed: response.removed_resources,
    }
}

/// The wrapper that a server may put around a resource to give it a name or a time to live.
const WRAPPER: &str = "type.googleapis.com/envoy.service.discovery.v3.Resource";

fn resource(name: Option<String>, any: Any) -> Resource {
    if any.type_url == WRAPPER
        && let Ok(inner) = wire::Resource::decode(any.value.clone())
    {
        let Any { type_url, value } = inner.resource.unwrap_or_default();
        return Resource { name: Some(inner.name), type_url, value };
    }
    let name = name.filter(|name| !name.is_empty()).or_else(|| peek_name(&any.value));
    Resource { name, type_url: any.type_url, value: any.value }
}

/// The name of an encoded resource or virtual host: field 1 of each of the messages that are used here. Of a message
/// that is damaged further on, the name can be read where it stands first.
pub(crate) fn peek_name(value: &Bytes) -> Option<String> {
    Named::decode(value.clone()).ok().map(|named| named.name).or_else(|| leading_name(value.clone()))
}

fn leading_name(mut value: Bytes) -> Option<String> {
    let (1, WireType::LengthDelimited) = decode_key(&mut value).ok()? else { return None };
    let length = usize::try_from(decode_varint(&mut value).ok()?).ok()?;
    let name = value.get(..length)?;
    String::from_utf8(name.to_vec()).ok()
}

#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}
