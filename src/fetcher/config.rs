//! What the client is told by whoever starts it. Nothing is read from the environment.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::wire::{self, Locality};

/// Settings of the ADS client. Not printable: headers may hold secrets.
#[derive(Clone)]
pub struct ClientConfig {
    /// The control plane: `http://host:port` (plain text), `https://host:port` (TLS) or `unix:///path` (plain text).
    pub server: String,
    /// Who we say we are.
    pub node: Identity,
    /// For https.
    pub tls: Tls,
    /// A file with a token for `authorization: Bearer`; read anew for each connection.
    pub token_file: Option<PathBuf>,
    /// More metadata (headers) of the stream: lower-case names and their values.
    pub headers: Vec<(String, String)>,
    /// The largest response that is accepted, in bytes, also after decompression.
    pub message_limit: usize,
    /// Responses above this many bytes are delivered in parts.
    pub part_size: usize,
    /// How long a wanted resource may take to come before it counts as absent.
    pub absent_after: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// HTTP/2 pings while the stream is open. Off by default, because gRPC servers end connections that ping more
    /// often than they allow (by default once in five minutes); dead peers are noticed by TCP keep-alive.
    pub ping_interval: Option<Duration>,
}

impl ClientConfig {
    /// The defaults, for a control plane and an identity.
    #[must_use]
    pub fn new(server: impl Into<String>, node: Identity) -> Self {
        Self {
            server: server.into(),
            node,
            tls: Tls::default(),
            token_file: None,
            headers: Vec::new(),
            message_limit: 200 << 20,
            part_size: 8 << 20,
            absent_after: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            ping_interval: None,
        }
    }
}

/// Files and names for TLS; the files are read anew for each connection.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificates to trust, PEM; without it those of the system.
    pub ca: Option<PathBuf>,
    /// Our certificate chain and its key, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate must have, where it is not the host of the URL.
    pub server_name: Option<String>,
}

/// Who the client says it is: `envoy.config.core.v3.Node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Such as `sidecar~10.0.0.1~web.default~default.svc.cluster.local`.
    pub id: String,
    /// The group of clients.
    pub cluster: String,
    /// Free-form metadata.
    pub metadata: Map<String, Value>,
    /// Where it runs; all empty: not said.
    pub locality: Locality,
}

impl Identity {
    pub(crate) fn node(&self) -> wire::Node {
        let locality = self.locality.clone();
        wire::Node {
            id: self.id.clone(),
            cluster: self.cluster.clone(),
            metadata: (!self.metadata.is_empty()).then(|| structure(&self.metadata)),
            locality: (locality != Locality::default()).then_some(locality),
            user_agent_name: "amesh".to_owned(),
            user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            client_features: Vec::new(),
        }
    }
}

fn structure(map: &Map<String, Value>) -> prost_types::Struct {
    prost_types::Struct { fields: map.iter().map(|(key, value)| (key.clone(), any_value(value))).collect() }
}

/// As the canonical JSON mapping of `google.protobuf.Value` says; numbers are doubles there.
fn any_value(value: &Value) -> prost_types::Value {
    use prost_types::value::Kind;
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or(f64::NAN)),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(values) => {
            Kind::ListValue(prost_types::ListValue { values: values.iter().map(any_value).collect() })
        }
        Value::Object(map) => Kind::StructValue(structure(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn metadata_becomes_a_struct() {
        let metadata = serde_json::json!({"LABELS": {"app": "web"}, "N": 3, "L": [true, null]});
        let identity =
            Identity { id: "n".into(), metadata: metadata.as_object().unwrap().clone(), ..Identity::default() };
        let node = identity.node();
        assert_eq!(node.locality, None);
        let fields = node.metadata.unwrap().fields;
        let Some(prost_types::value::Kind::StructValue(labels)) = &fields["LABELS"].kind else { panic!() };
        assert_eq!(labels.fields["app"], prost_types::Value::from("web"));
        assert_eq!(fields["N"], prost_types::Value::from(3.0));
    }
}
