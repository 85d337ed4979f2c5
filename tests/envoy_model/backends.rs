//! The clusters that routes may lead to.

use std::net::SocketAddr;

use amesh_tests::echo::mirror;
use amesh_tests::http::free_port;
use serde_json::{Value, json};

/// Clusters with two endpoints: called by one DNS name, with one host name.
const PAIRS: [&str; 2] = ["dns", "alike"];

/// `c0` to `c3`, and `named`, whose endpoint has the host name `inner.test`. `empty` has no endpoint; there is none
/// called `nowhere`. Then there are [`PAIRS`].
pub(crate) struct Backends(Vec<(&'static str, SocketAddr)>);

impl Backends {
    pub(crate) fn start() -> Self {
        let start = |name| {
            let address = free_port();
            mirror(address, name).expect("the port is free");
            (name, address)
        };
        let single = ["c0", "c1", "c2", "c3", "named"].into_iter();
        Self(single.chain(PAIRS.into_iter().flat_map(|name| [name, name])).map(start).collect())
    }

    /// The name of the backend at a port.
    pub(crate) fn name_of(&self, port: u16) -> Option<&'static str> {
        self.0.iter().find(|(_, address)| address.port() == port).map(|(name, _)| *name)
    }

    /// `envoy.config.cluster.v3.Cluster`, without `@type`.
    pub(crate) fn clusters(&self) -> Vec<Value> {
        let cluster = |name: &str, endpoints: &[Value]| {
            json!({"name": name, "type": "STATIC", "connect_timeout": "2s",
                "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}})
        };
        let single = self.0.iter().filter(|(name, _)| !PAIRS.contains(name));
        let filled = single.map(|(name, address)| {
            let mut endpoint = endpoint(*address);
            if *name == "named" {
                endpoint["hostname"] = json!("inner.test");
            }
            cluster(name, &[json!({"endpoint": endpoint})])
        });
        let pair = |cluster_name: &str, host: &str, names: [&str; 2]| {
            let own = self.0.iter().filter(|(name, _)| *name == cluster_name);
            let endpoints = own.zip(names).map(|((_, address), name)| {
                let socket = json!({"address": host, "port_value": address.port()});
                json!({"endpoint": {"address": {"socket_address": socket}, "hostname": name}})
            });
            cluster(cluster_name, &endpoints.collect::<Vec<_>>())
        };
        let mut dns = pair("dns", "localhost", ["", ""]);
        dns["type"] = json!("STRICT_DNS");
        dns["dns_lookup_family"] = json!("V4_ONLY");
        let alike = pair("alike", "127.0.0.1", ["both.test", "both.test"]);
        filled.chain([cluster("empty", &[]), dns, alike]).collect()
    }

    /// Clusters of a case, with the addresses of the backends that they name.
    pub(crate) fn addressed(&self, clusters: &[Value]) -> Vec<Value> {
        clusters.iter().map(|cluster| self.with_addresses(cluster)).collect()
    }

    fn with_addresses(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.with_addresses(item)).collect(),
            Value::Object(fields) => {
                let with = |(name, value): (&String, &Value)| match (name.as_str(), value.as_str()) {
                    ("endpoint", Some(backend)) => (name.clone(), endpoint(self.address_of(backend))),
                    _ => (name.clone(), self.with_addresses(value)),
                };
                Value::Object(fields.iter().map(with).collect())
            }
            other => other.clone(),
        }
    }

    fn address_of(&self, name: &str) -> SocketAddr {
        self.0.iter().find(|(own, _)| *own == name).expect("a backend").1
    }
}

fn endpoint(address: SocketAddr) -> Value {
    let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
    json!({"address": {"socket_address": socket}})
}
