//! xDS responses, written as JSON and encoded by the wire crate's own tables.

use amesh_xds::{json, schema};
use serde_json::{Value, json};

const TYPES: &str = "type.googleapis.com/envoy.config";

/// `envoy.config.listener.v3.Listener` and the like, by the last part of the name.
pub(crate) fn type_url(name: &str) -> String {
    let package = match name {
        "Listener" => "listener",
        "Cluster" => "cluster",
        "ClusterLoadAssignment" => "endpoint",
        _ => "route",
    };
    format!("{TYPES}.{package}.v3.{name}")
}

/// A state-of-the-world response with these resources.
pub(crate) fn response(name: &str, version: &str, resources: Vec<Value>) -> Vec<u8> {
    let url = type_url(name);
    let resources: Vec<Value> = resources
        .into_iter()
        .map(|mut resource| {
            resource["@type"] = json!(url);
            resource
        })
        .collect();
    let value =
        json!({ "versionInfo": version, "nonce": format!("n{version}"), "typeUrl": url, "resources": resources });
    let message = schema::message("envoy.service.discovery.v3.DiscoveryResponse").expect("declared");
    let mut problems = Vec::new();
    let bytes = json::to_wire(message, &value, &mut problems).expect("valid");
    assert!(problems.is_empty(), "{problems:?}");
    bytes
}

/// One listener on port 9080 that takes its routes from the route configuration `routes`.
pub(crate) fn listeners(version: &str) -> Vec<u8> {
    listeners_with(version, vec![])
}

/// The same with filters before the router.
pub(crate) fn listeners_with(version: &str, mut filters: Vec<Value>) -> Vec<u8> {
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typedConfig": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
    }));
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "statPrefix": "http",
        "rds": { "configSource": { "ads": {} }, "routeConfigName": "routes" },
        "httpFilters": filters,
    });
    let listener = json!({
        "name": "listener",
        "address": { "socketAddress": { "address": "0.0.0.0", "portValue": 9080 } },
        "filterChains": [{ "filters": [{ "name": "http", "typedConfig": manager }] }],
    });
    response("Listener", version, vec![listener])
}

/// Clusters with one static endpoint each: name and port.
pub(crate) fn clusters(version: &str, clusters: &[(&str, u16)]) -> Vec<u8> {
    let cluster = |(name, port): &(&str, u16)| {
        let address = json!({ "socketAddress": { "address": "127.0.0.1", "portValue": port } });
        let endpoints = json!([{ "lbEndpoints": [{ "endpoint": { "address": address } }] }]);
        let assignment = json!({ "clusterName": name, "endpoints": endpoints });
        json!({ "name": name, "type": "STATIC", "connectTimeout": "1s", "loadAssignment": assignment })
    };
    response("Cluster", version, clusters.iter().map(cluster).collect())
}

/// The route configuration `routes`: one virtual host for all, path prefix to cluster.
pub(crate) fn routes(version: &str, routes: &[(&str, &str)]) -> Vec<u8> {
    let route =
        |(prefix, cluster): &(&str, &str)| json!({ "match": { "prefix": prefix }, "route": { "cluster": cluster } });
    let routes: Vec<Value> = routes.iter().map(route).collect();
    let host = json!({ "name": "all", "domains": ["*"], "routes": routes });
    response("RouteConfiguration", version, vec![json!({ "name": "routes", "virtualHosts": [host] })])
}
