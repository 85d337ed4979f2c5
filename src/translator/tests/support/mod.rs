//! Messages for tests, from resources written as JSON or YAML.
#![allow(dead_code, clippy::missing_panics_doc, reason = "each test uses a part of this")]

use std::path::PathBuf;

use amesh_translator::{Envelope, Translator, Verdict};
use amesh_xds::{json, schema};
use bytes::Bytes;
use prost::Message;
use serde_json::{Value, json as value};

pub const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
pub const ENDPOINTS: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";
pub const LISTENER: &str = "envoy.config.listener.v3.Listener";
pub const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";

/// Section of an input file and its message, in the order of the xDS protocol.
pub const SECTIONS: [(&str, &str); 4] =
    [("clusters", CLUSTER), ("endpoints", ENDPOINTS), ("listeners", LISTENER), ("routes", ROUTES)];

#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub struct Response {
    #[prost(string, tag = "1")]
    pub version_info: String,
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Any>,
    #[prost(string, tag = "4")]
    pub type_url: String,
    #[prost(string, tag = "5")]
    pub nonce: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "1")]
    pub version: String,
    #[prost(message, optional, tag = "2")]
    pub value: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DeltaResponse {
    #[prost(string, tag = "1")]
    pub system_version_info: String,
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Resource>,
    #[prost(string, tag = "4")]
    pub type_url: String,
    #[prost(string, tag = "5")]
    pub nonce: String,
    #[prost(string, repeated, tag = "6")]
    pub removed_resources: Vec<String>,
}

pub fn url(message: &str) -> String {
    format!("type.googleapis.com/{message}")
}

/// One resource. Types that are not declared keep their type URL and lose their value.
pub fn any(message: &str, value: &Value) -> Any {
    let schema = schema::message(message).unwrap_or_else(|| panic!("{message} is not declared"));
    let bytes = json::to_wire(schema, value, &mut Vec::new()).unwrap_or_else(|error| panic!("{message}: {error}"));
    Any { type_url: url(message), value: bytes.into() }
}

/// A state-of-the-world response.
pub fn response(message: &str, resources: &[Value]) -> Bytes {
    let resources = resources.iter().map(|value| any(message, value)).collect();
    raw(message, resources)
}

pub fn raw(message: &str, resources: Vec<Any>) -> Bytes {
    let response = Response { version_info: "1".into(), nonce: "n".into(), type_url: url(message), resources };
    response.encode_to_vec().into()
}

pub fn ingest(translator: &mut Translator, message: &str, resources: &[Value]) -> Verdict {
    translator.ingest(response(message, resources), Envelope::default())
}

/// Ingests all sections of an input file, then takes everything that is still wanted as absent.
pub fn ingest_all(translator: &mut Translator, input: &Value) -> Vec<Verdict> {
    let empty = Vec::new();
    let verdicts = SECTIONS.map(|(section, message)| {
        let resources = input[section].as_array().unwrap_or(&empty);
        ingest(translator, message, resources)
    });
    for (type_url, names) in translator.outstanding() {
        translator.expire(&type_url, &names);
    }
    verdicts.to_vec()
}

/// A listener with the routes of this name.
pub fn listener(name: &str, port: u16, routes: &str) -> Value {
    let manager = value!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http", "rds": {"route_config_name": routes, "config_source": {"ads": {}}},
    });
    value!({
        "name": name,
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

/// A response that a real Istio control plane sent to a node of Bookinfo.
pub fn captured(node: &str, variant: &str, file: &str) -> Bytes {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/bookinfo/xds");
    std::fs::read(root.join(node).join(variant).join(format!("{file}.pb"))).expect("captured response").into()
}
