//! How large the output is: no more APISIX routes and paths than Envoy's order needs, and nothing beyond what APISIX
//! takes or keeps.
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

use amesh_translator::{Code, Envelope, Kind, Limits, Options, Translator};
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

/// A mesh as Istio makes it for HTTP services: four spellings of each host, canaries by header, a path that is split.
fn services(count: usize) -> Value {
    let host = |index: usize| {
        let to = |cluster: &str| json!({"cluster": cluster, "timeout": "5s"});
        let canary = json!({"name": "x-canary", "string_match": {"exact": "always"}});
        let split =
            json!({"weighted_clusters": {"clusters": [{"name": "c", "weight": 90}, {"name": "d", "weight": 10}]}});
        let name = format!("s{index}");
        let domains = [
            name.clone(),
            format!("{name}.ns"),
            format!("{name}.ns.svc"),
            format!("10.0.{}.{}", index / 250, index % 250),
        ];
        let routes = json!([
            {"match": {"path": "/healthz"}, "route": to("c")},
            {"match": {"prefix": "/", "headers": [canary]}, "route": to("d")},
            {"match": {"path_separated_prefix": "/api/v1"}, "route": to("c")},
            {"match": {"prefix": "/api/"}, "route": split},
            {"match": {"safe_regex": {"regex": "/items/[0-9]+"}}, "route": to("c")},
            {"match": {"prefix": "/"}, "route": to("c")},
        ]);
        json!({"name": name, "domains": domains, "routes": routes})
    };
    json!({"name": "r", "virtual_hosts": (0..count).map(host).collect::<Vec<_>>()})
}

#[test]
fn a_mesh_of_services_stays_in_proportion() {
    for count in [10, 100, 400] {
        let (routes, paths) = size(&services(count));
        println!("{count} virtual hosts, {} routes -> {routes} routes with {paths} paths", count * 6);
        // The split is two routes; the canary comes first at each of the five paths behind it.
        assert!(routes <= count * 7 + 1, "{count}: {routes} routes");
        assert!(paths <= count * 12 + 1, "{count}: {paths} paths");
    }
}

fn with(options: Options, routes: &Value) -> Translator {
    let mut translator = Translator::new(options);
    ingest(&mut translator, CLUSTER, &[json!({"name": "c"})]);
    ingest(&mut translator, LISTENER, &[listener("l", 80, "r")]);
    ingest(&mut translator, ROUTES, std::slice::from_ref(routes));
    translator
}

fn patterns_are_many(translator: &Translator) -> bool {
    translator.diagnostics().iter().any(|said| said.code == Code::PatternsMany)
}

fn by_regex(count: usize) -> Value {
    let route =
        |index| json!({"match": {"safe_regex": {"regex": format!("/r{index}-[0-9]+")}}, "route": {"cluster": "c"}});
    let routes: Vec<Value> = (0..count).map(route).collect();
    json!({"name": "r", "virtual_hosts": [{"name": "v", "domains": ["a.test"], "routes": routes}]})
}

#[test]
fn patterns_beyond_those_that_apisix_keeps_are_said() {
    assert!(!patterns_are_many(&with(Options::default(), &by_regex(8_000))));
    let mut translator = with(Options::default(), &by_regex(8_200));
    assert!(patterns_are_many(&translator));
    ingest(&mut translator, ROUTES, &[by_regex(100)]);
    assert!(!patterns_are_many(&translator), "patterns that are gone do not count");
    let limits = Limits { compiled_patterns: 0, ..Limits::default() };
    assert!(patterns_are_many(&with(Options { limits, ..Options::default() }, &by_regex(1))));
}

#[test]
fn paths_beyond_those_that_apisix_keeps_are_said() {
    let folders = |count: usize| {
        let route = |index| json!({"match": {"prefix": format!("/f{index}/")}, "route": {"cluster": "c"}});
        let routes: Vec<Value> = (0..count).map(route).collect();
        json!({"name": "r", "virtual_hosts": [{"name": "v", "domains": ["a.test"], "routes": routes}]})
    };
    assert!(!patterns_are_many(&with(Options::default(), &folders(990))));
    assert!(patterns_are_many(&with(Options::default(), &folders(1_001))));
}

/// Every text of some JSON under a name.
fn texts<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, name, found)),
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|inner| texts(inner, name, found));
        }
        _ => {}
    }
}

/// APISIX's schema: ids of 64, names and label values of 256, `uri` of 4,096 characters (`uris` without limit),
/// traffic-split of 20 upstreams, fault-injection of 20 alternatives.
#[test]
fn limits_of_apisix_hold_for_anything() {
    let long = "n".repeat(5_000);
    let clusters: Vec<Value> = (0..30).map(|index| json!({"name": format!("{long}{index}"), "weight": 1})).collect();
    let routes = json!([
        {"name": long, "match": {"path": format!("/{long}")}, "route": {"cluster": "c"}},
        {"match": {"prefix": format!("/{long}/")}, "route": {"weighted_clusters": {"clusters": clusters}}},
        {"match": {"prefix": "/"}, "route": {"cluster": long}},
    ]);
    let config = json!({"name": "r", "virtual_hosts": [{"name": long, "domains": ["a.test"], "routes": routes}]});
    let named = clusters.iter().map(|cluster| json!({"name": cluster["name"]}));
    let mut translator = Translator::new(Options { instance: "i".repeat(64), ..Options::default() });
    ingest(&mut translator, CLUSTER, &named.chain([json!({"name": "c"}), json!({"name": long})]).collect::<Vec<_>>());
    ingest(&mut translator, LISTENER, &[listener("l", 80, "r")]);
    ingest(&mut translator, ROUTES, &[config]);
    let upstreams = translator.target(Kind::Upstreams).map(|upsert| serde_json::from_str(upsert.json).unwrap());
    let all: Vec<Value> = routes_out(&translator).into_iter().chain(upstreams).collect();
    assert!(all.len() > 60, "{}", all.len());
    for (name, limit) in [("id", 64), ("name", 256), ("upstream_id", 64), ("instance", 256), ("uri", 0)] {
        let mut found = Vec::new();
        for resource in &all {
            texts(resource, name, &mut found);
        }
        assert!(found.iter().all(|text| text.as_str().unwrap().len() <= limit), "{name}");
    }
    let longest = all.iter().flat_map(|route| route["uris"].as_array().into_iter().flatten());
    assert!(longest.filter(|uri| uri.as_str().unwrap().len() > 4_096).count() > 1, "such paths are served");
}

/// Nothing that runs code of the configuration, and none of the plugins that amesh does without.
#[test]
fn some_plugins_are_never_used() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for case in folder.read_dir().unwrap() {
        let output = case.unwrap().path().join("expected.json");
        let text = std::fs::read_to_string(&output).unwrap_or_default();
        for name in ["traffic-split", "\"script\"", "filter_func", "serverless-", "ext-plugin-"] {
            assert!(!text.contains(name), "{}: {name}", output.display());
        }
    }
}
