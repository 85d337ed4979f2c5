//! How large the output is: no more APISIX routes and paths than Envoy's order needs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may fail, and reads files"
)]

mod support;

use amesh_translator::{Envelope, Kind, Options, Translator};
use amesh_xds::wire::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use prost::Message;
use serde_json::{Value, json};
use support::{CLUSTER, LISTENER, ROUTES, Response, captured, ingest, listener};

/// Virtual hosts and routes of a response's route configurations, and the names of these.
fn routes_in(bytes: &[u8]) -> (usize, usize, Vec<String>) {
    let (mut hosts, mut routes, mut names) = (0, 0, Vec::new());
    for resource in Response::decode(bytes).unwrap().resources {
        let config = RouteConfiguration::decode(resource.value).unwrap();
        hosts += config.virtual_hosts.len();
        routes +=
            config.virtual_hosts.iter().map(|host| VirtualHost::decode(&**host).unwrap().routes.len()).sum::<usize>();
        names.push(format!("{}/", config.name));
    }
    (hosts, routes, names)
}

fn routes_out(translator: &Translator) -> Vec<Value> {
    translator.target(Kind::Routes).map(|upsert| serde_json::from_str(upsert.json).unwrap()).collect()
}

#[test]
fn a_mesh_needs_no_more_routes_than_it_has() {
    for variant in ["before", "after"] {
        let mut translator = Translator::new(Options::default());
        for file in ["cds", "eds", "lds", "rds"] {
            translator.ingest(captured("sidecar", variant, file), Envelope::default());
        }
        let (hosts, routes, names) = routes_in(&captured("sidecar", variant, "rds"));
        let is_of_these = |route: &&Value| names.iter().any(|name| route["name"].as_str().unwrap().starts_with(name));
        let out = routes_out(&translator).iter().filter(is_of_these).count();
        println!("{variant}: {hosts} virtual hosts, {routes} routes -> {out}");
        // The last route of each of these virtual hosts takes everything: no 404 stands behind it.
        assert_eq!(out, routes, "{variant}: {hosts} virtual hosts");
    }
}

/// Broad routes with conditions before as many specific ones: each of the former could be wanted at each of the latter.
fn crossed(count: usize) -> Value {
    let to = json!({"cluster": "c"});
    let broad = (0..count).map(|index| {
        let header = json!({"name": format!("x-{index}"), "present_match": true});
        json!({"match": {"prefix": "/", "headers": [header]}, "route": to})
    });
    let specific = (0..count).map(|index| json!({"match": {"prefix": format!("/p{index}/")}, "route": to}));
    let routes: Vec<Value> = broad.chain(specific).collect();
    json!({"name": "r", "virtual_hosts": [{"name": "v", "domains": ["a.test"], "routes": routes}]})
}

/// Routes and paths of the translation.
fn size(routes: &Value) -> (usize, usize) {
    let mut translator = Translator::new(Options::default());
    ingest(&mut translator, CLUSTER, &[json!({"name": "c"})]);
    ingest(&mut translator, LISTENER, &[listener("l", 80, "r")]);
    ingest(&mut translator, ROUTES, std::slice::from_ref(routes));
    let out = routes_out(&translator);
    let paths = out.iter().map(|route| route["uris"].as_array().map_or(1, Vec::len)).sum();
    (out.len(), paths)
}

#[test]
fn paths_do_not_multiply() {
    let budget = Options::default().limits.extra_router_entries;
    for count in [10, 50, 200, 400, 1000] {
        let (routes, paths) = size(&crossed(count));
        println!("{count} broad and {count} specific routes -> {routes} routes with {paths} paths");
        // Two answer 404: behind the virtual host's routes, and for all other hosts.
        assert_eq!(routes, 2 * count + 2, "{count}");
        assert!(paths <= routes + budget, "{count}: {paths} paths");
    }
}
