//! The parts of the captured Bookinfo that meshes are made of.

use std::error::Error;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, LbEndpoint};
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{Decorator, Route, RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;

/// The service that stands for all others. Encoded resources are renamed in place: no length changes.
pub const PORTION: &str = "details";
/// Its virtual address, among the domains of its virtual host.
pub const ADDRESS: &str = "10.96.0.12";
/// The virtual host of the gateway that has routes by path.
const GATEWAY_HOST: &str = "*:8080";
/// The virtual host for everything that is not known.
const BLOCK_ALL: &str = "block_all";

const CLUSTERS: &[u8] = include_bytes!("../../examples/bookinfo/xds/sidecar/before/cds.pb");
const ENDPOINTS: &[u8] = include_bytes!("../../examples/bookinfo/xds/sidecar/before/eds.pb");
const LISTENERS: &[u8] = include_bytes!("../../examples/bookinfo/xds/sidecar/before/lds.pb");
const ROUTES: &[u8] = include_bytes!("../../examples/bookinfo/xds/sidecar/before/rds.pb");
const GATEWAY_ROUTES: &[u8] = include_bytes!("../../examples/bookinfo/xds/gateway/before/rds.pb");

/// Responses with their resources, and single resources out of them.
pub struct Captured {
    pub clusters: DiscoveryResponse,
    pub endpoints: DiscoveryResponse,
    pub listeners: DiscoveryResponse,
    pub routes_response: DiscoveryResponse,
    pub routes_url: String,
    pub routes: RouteConfiguration,
    /// The cluster of the service, encoded.
    pub cluster: Vec<u8>,
    /// Its name.
    pub service_cluster: String,
    /// Clusters that belong to no service.
    pub other_clusters: Vec<Any>,
    /// An endpoint of the service.
    pub endpoint: LbEndpoint,
    /// The virtual host for everything else, encoded.
    pub block_all: Vec<u8>,
}

impl Captured {
    /// Reads the capture, which is part of the program.
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let clusters = DiscoveryResponse::decode(CLUSTERS)?;
        let endpoints = DiscoveryResponse::decode(ENDPOINTS)?;
        let routes_response = DiscoveryResponse::decode(ROUTES)?;
        let routes = RouteConfiguration::decode(first(&routes_response)?.value.as_slice())?;
        let service_cluster = format!("outbound|9080||{PORTION}.default.svc.cluster.local");
        Ok(Self {
            cluster: cluster(&clusters, &service_cluster)?,
            other_clusters: clusters.resources.iter().filter(|any| !is_outbound(any)).cloned().collect(),
            endpoint: endpoint(&endpoints, &service_cluster)?,
            block_all: host(&routes, BLOCK_ALL)?.encode_to_vec(),
            listeners: DiscoveryResponse::decode(LISTENERS)?,
            routes_url: first(&routes_response)?.type_url.clone(),
            clusters,
            endpoints,
            routes_response,
            routes,
            service_cluster,
        })
    }

    /// The virtual host of the service with some routes: the one that it has comes last, those before it are made as
    /// the gateway's, by path and by prefix in turn.
    pub fn virtual_host(&self, routes: u32) -> Result<VirtualHost, Box<dyn Error>> {
        let gateway = DiscoveryResponse::decode(GATEWAY_ROUTES)?;
        let gateway = RouteConfiguration::decode(first(&gateway)?.value.as_slice())?;
        let gateway = host(&gateway, GATEWAY_HOST)?.routes;
        let mut host = host(&self.routes, &format!("{PORTION}.default.svc.cluster.local:9080"))?;
        let cluster = &self.service_cluster;
        let more = gateway.iter().cycle().zip(1..routes).map(|(like, number)| by_path(like, number, cluster));
        host.routes.splice(0..0, more.collect::<Vec<_>>());
        Ok(host)
    }
}

fn by_path(like: &Route, number: u32, cluster: &str) -> Route {
    let mut route = like.clone();
    let mut written = String::new();
    match route.r#match.as_mut().and_then(|matched| matched.path_specifier.as_mut()) {
        Some(PathSpecifier::Path(path)) => {
            *path = format!("/api/v{number}/items");
            written.clone_from(path);
        }
        Some(PathSpecifier::Prefix(prefix)) => {
            *prefix = format!("/api/v{number}");
            written = format!("{prefix}*");
        }
        _ => {}
    }
    if let Some(Action::Route(action)) = &mut route.action {
        action.cluster_specifier = Some(ClusterSpecifier::Cluster(cluster.to_owned()));
    }
    let operation = format!("{PORTION}.default.svc.cluster.local:9080{written}");
    route.decorator = Some(Decorator { operation, ..Decorator::default() });
    route
}

fn first(response: &DiscoveryResponse) -> Result<&Any, Box<dyn Error>> {
    Ok(response.resources.first().ok_or("the capture has a response without resources")?)
}

fn cluster_name(any: &Any) -> Option<String> {
    Cluster::decode(any.value.as_slice()).ok().map(|cluster| cluster.name)
}

fn is_outbound(any: &Any) -> bool {
    cluster_name(any).is_some_and(|name| name.starts_with("outbound|"))
}

fn cluster(clusters: &DiscoveryResponse, name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let found = clusters.resources.iter().find(|any| cluster_name(any).as_deref() == Some(name));
    Ok(found.ok_or_else(|| missing(name))?.value.clone())
}

fn endpoint(endpoints: &DiscoveryResponse, cluster: &str) -> Result<LbEndpoint, Box<dyn Error>> {
    for any in &endpoints.resources {
        let assignment = ClusterLoadAssignment::decode(any.value.as_slice())?;
        let mut own = assignment.endpoints.into_iter().flat_map(|locality| locality.lb_endpoints);
        if assignment.cluster_name == cluster {
            return own.next().ok_or_else(|| missing(cluster));
        }
    }
    Err(missing(cluster))
}

fn host(routes: &RouteConfiguration, name: &str) -> Result<VirtualHost, Box<dyn Error>> {
    let found = routes.virtual_hosts.iter().find(|host| host.name == name);
    Ok(found.ok_or_else(|| missing(name))?.clone())
}

fn missing(name: &str) -> Box<dyn Error> {
    format!("the captured Bookinfo has no {name:?}").into()
}

/// Replaces every occurrence of a text in encoded bytes by one of the same length.
pub fn renamed(encoded: &[u8], from: &str, to: &str) -> Vec<u8> {
    debug_assert_eq!(from.len(), to.len(), "another length would break the encoding");
    let mut bytes = encoded.to_vec();
    let mut at = 0;
    while let Some(found) =
        bytes.get(at..).and_then(|rest| rest.windows(from.len()).position(|text| text == from.as_bytes()))
    {
        let start = at + found;
        at = start + from.len();
        bytes[start..at].copy_from_slice(to.as_bytes());
    }
    bytes
}
