//! Clusters that routes may lead to, each with one endpoint that answers with its own address.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use amesh_tests::http::{echo, free_port};
use serde_json::{Value, json};

/// How many clusters there are.
const COUNT: usize = 4;

/// The clusters `c0`, `c1`, ...; there is none called `nowhere`.
pub(crate) struct Backends(Vec<SocketAddr>);

impl Backends {
    pub(crate) fn start() -> Self {
        let addresses = (0..COUNT).map(|_| free_port()).collect::<Vec<_>>();
        for address in &addresses {
            echo(*address).expect("the port is free");
        }
        Self(addresses)
    }

    /// `envoy.config.cluster.v3.Cluster`, without `@type`.
    pub(crate) fn clusters(&self) -> Vec<Value> {
        let cluster = |(index, address): (usize, &SocketAddr)| {
            let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
            let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
            json!({"name": format!("c{index}"), "type": "STATIC", "connect_timeout": "2s",
                "load_assignment": {"cluster_name": format!("c{index}"), "endpoints": [{"lb_endpoints": [endpoint]}]}})
        };
        self.0.iter().enumerate().map(cluster).collect()
    }

    /// The endpoints of some clusters, as they call themselves.
    pub(crate) fn endpoints<'a>(&self, clusters: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let index = |name: &str| name.strip_prefix('c').and_then(|index| index.parse::<usize>().ok());
        clusters.into_iter().filter_map(index).map(|index| self.0[index].to_string()).collect()
    }
}
