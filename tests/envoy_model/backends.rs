//! The clusters that routes may lead to.

use std::net::SocketAddr;

use amesh_tests::echo::mirror;
use amesh_tests::http::free_port;
use serde_json::{Value, json};

/// `c0` to `c3`, and `named`, whose endpoint has the host name `inner.test`. `empty` has no endpoint; there is none
/// called `nowhere`. The endpoints of `c1` and `c2` are also those of `dns`, by name, of `alike`, with one host name, and
/// of `mixed`, of which one has a host name.
pub(crate) struct Backends(Vec<(&'static str, SocketAddr)>);

impl Backends {
    pub(crate) fn start() -> Self {
        let start = |name| {
            let address = free_port();
            mirror(address, name).expect("the port is free");
            (name, address)
        };
        Self(["c0", "c1", "c2", "c3", "named"].into_iter().map(start).collect())
    }

    /// The cluster whose endpoint has this port.
    pub(crate) fn name_of(&self, port: u16) -> Option<&'static str> {
        self.0.iter().find(|(_, address)| address.port() == port).map(|(name, _)| *name)
    }

    /// `envoy.config.cluster.v3.Cluster`, without `@type`.
    pub(crate) fn clusters(&self) -> Vec<Value> {
        let cluster = |name: &str, endpoints: &[Value]| {
            json!({"name": name, "type": "STATIC", "connect_timeout": "2s",
                "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}})
        };
        let filled = self.0.iter().map(|(name, address)| {
            let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
            let mut endpoint = json!({"address": {"socket_address": socket}});
            if *name == "named" {
                endpoint["hostname"] = json!("inner.test");
            }
            cluster(name, &[json!({"endpoint": endpoint})])
        });
        let port = |index: usize| self.0[index].1.port();
        let endpoint = |host: &str, index: usize, name: &str| {
            let socket = json!({"address": host, "port_value": port(index)});
            json!({"endpoint": {"address": {"socket_address": socket}, "hostname": name}})
        };
        let mut dns = cluster("dns", &[endpoint("localhost", 1, ""), endpoint("localhost", 2, "")]);
        dns["type"] = json!("STRICT_DNS");
        dns["dns_lookup_family"] = json!("V4_ONLY");
        let alike = cluster("alike", &[endpoint("127.0.0.1", 1, "both.test"), endpoint("127.0.0.1", 2, "both.test")]);
        let mixed = cluster("mixed", &[endpoint("127.0.0.1", 1, "one.test"), endpoint("127.0.0.1", 2, "")]);
        filled.chain([cluster("empty", &[]), dns, alike, mixed]).collect()
    }
}
