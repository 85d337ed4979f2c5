//! The least of a mesh that Envoy accepts: the few messages for it, with Envoy's field numbers, and no more fields than
//! the test sets.

use amesh_fetcher::server::Snapshot;
use amesh_fetcher::wire::Any;
use prost::{Enumeration, Message, Oneof};

const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ENDPOINTS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

#[derive(Clone, PartialEq, Message)]
struct SocketAddress {
    #[prost(string, tag = "2")]
    address: String,
    #[prost(uint32, optional, tag = "3")]
    port_value: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(message, optional, tag = "1")]
    socket_address: Option<SocketAddress>,
}

#[derive(Clone, PartialEq, Message)]
struct Empty {}

/// `ads` and `resource_api_version` of a `ConfigSource`.
#[derive(Clone, PartialEq, Message)]
struct ConfigSource {
    #[prost(message, optional, tag = "3")]
    ads: Option<Empty>,
    #[prost(int32, tag = "6")]
    resource_api_version: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "4")]
    typed_config: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct FilterChain {
    #[prost(message, repeated, tag = "3")]
    filters: Vec<Extension>,
}

#[derive(Clone, PartialEq, Message)]
struct Listener {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    address: Option<Address>,
    #[prost(message, repeated, tag = "3")]
    filter_chains: Vec<FilterChain>,
}

#[derive(Clone, PartialEq, Message)]
struct Rds {
    #[prost(message, optional, tag = "1")]
    config_source: Option<ConfigSource>,
    #[prost(string, tag = "2")]
    route_config_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct HttpConnectionManager {
    #[prost(string, tag = "2")]
    stat_prefix: String,
    #[prost(message, optional, tag = "3")]
    rds: Option<Rds>,
    #[prost(message, repeated, tag = "5")]
    http_filters: Vec<Extension>,
}

#[derive(Clone, PartialEq, Message)]
struct RouteMatch {
    #[prost(string, optional, tag = "1")]
    prefix: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct RouteAction {
    #[prost(string, optional, tag = "1")]
    cluster: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Route {
    #[prost(message, optional, tag = "1")]
    r#match: Option<RouteMatch>,
    #[prost(message, optional, tag = "2")]
    route: Option<RouteAction>,
}

#[derive(Clone, PartialEq, Message)]
struct VirtualHost {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "2")]
    domains: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    routes: Vec<Route>,
}

#[derive(Clone, PartialEq, Message)]
struct RouteConfiguration {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    virtual_hosts: Vec<VirtualHost>,
}

#[derive(Clone, PartialEq, Message)]
struct EdsClusterConfig {
    #[prost(message, optional, tag = "1")]
    eds_config: Option<ConfigSource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
enum DiscoveryType {
    Static = 0,
    Eds = 3,
}

#[derive(Clone, PartialEq, Message)]
struct Cluster {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(enumeration = "DiscoveryType", tag = "2")]
    r#type: i32,
    #[prost(message, optional, tag = "3")]
    eds_cluster_config: Option<EdsClusterConfig>,
}

#[derive(Clone, PartialEq, Oneof)]
enum HostIdentifier {
    #[prost(message, tag = "1")]
    Endpoint(Endpoint),
}

#[derive(Clone, PartialEq, Message)]
struct Endpoint {
    #[prost(message, optional, tag = "1")]
    address: Option<Address>,
}

#[derive(Clone, PartialEq, Message)]
struct LbEndpoint {
    #[prost(oneof = "HostIdentifier", tags = "1")]
    host_identifier: Option<HostIdentifier>,
}

#[derive(Clone, PartialEq, Message)]
struct LocalityLbEndpoints {
    #[prost(message, repeated, tag = "2")]
    lb_endpoints: Vec<LbEndpoint>,
}

#[derive(Clone, PartialEq, Message)]
struct ClusterLoadAssignment {
    #[prost(string, tag = "1")]
    cluster_name: String,
    #[prost(message, repeated, tag = "2")]
    endpoints: Vec<LocalityLbEndpoints>,
}

fn pack(type_url: &str, message: &impl Message) -> Any {
    Any { type_url: type_url.into(), value: message.encode_to_vec().into() }
}

fn address(port: u16) -> Address {
    let socket_address = SocketAddress { address: "127.0.0.1".into(), port_value: Some(port.into()) };
    Address { socket_address: Some(socket_address) }
}

/// Over the aggregated stream, API version 3.
fn ads() -> ConfigSource {
    ConfigSource { ads: Some(Empty {}), resource_api_version: 2 }
}

fn listener() -> Listener {
    let router = Extension { name: "router".into(), typed_config: Some(pack(ROUTER, &Empty {})) };
    let manager = HttpConnectionManager {
        stat_prefix: "in".into(),
        rds: Some(Rds { config_source: Some(ads()), route_config_name: "routes".into() }),
        http_filters: vec![router],
    };
    let filter = Extension { name: "http".into(), typed_config: Some(pack(MANAGER, &manager)) };
    Listener {
        name: "in".into(),
        address: Some(address(0)),
        filter_chains: vec![FilterChain { filters: vec![filter] }],
    }
}

fn routes(prefix: &str) -> RouteConfiguration {
    let route = Route {
        r#match: Some(RouteMatch { prefix: Some(prefix.into()) }),
        route: Some(RouteAction { cluster: Some("backend".into()) }),
    };
    let host = VirtualHost { name: "all".into(), domains: vec!["*".into()], routes: vec![route] };
    RouteConfiguration { name: "routes".into(), virtual_hosts: vec![host] }
}

fn endpoints(port: u16) -> ClusterLoadAssignment {
    let endpoint = HostIdentifier::Endpoint(Endpoint { address: Some(address(port)) });
    let lb_endpoints = vec![LbEndpoint { host_identifier: Some(endpoint) }];
    ClusterLoadAssignment { cluster_name: "backend".into(), endpoints: vec![LocalityLbEndpoints { lb_endpoints }] }
}

/// A listener on a free port whose requests under `prefix` go to a backend on loopback; every type over ADS.
pub fn mesh(prefix: &str, backend: u16) -> Snapshot {
    let cluster = Cluster {
        name: "backend".into(),
        r#type: DiscoveryType::Eds.into(),
        eds_cluster_config: Some(EdsClusterConfig { eds_config: Some(ads()) }),
    };
    let mut snapshot = Snapshot::default();
    for resource in [
        pack(LISTENER, &listener()),
        pack(ROUTES, &routes(prefix)),
        pack(CLUSTER, &cluster),
        pack(ENDPOINTS, &endpoints(backend)),
    ] {
        snapshot.insert(resource).unwrap();
    }
    snapshot
}
