//! Every kind of file that people have leads to the same configuration.

use crate::support::{Run, amesh, amesh_in};
use amesh_fetcher::wire::DiscoveryResponse;
use prost::Message;
use serde_json::{Value, json};
use std::path::Path;

const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

fn cluster() -> Value {
    json!({"@type": CLUSTER, "name": "c", "type": "STATIC", "load_assignment": {
        "cluster_name": "c",
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
            "socket_address": {"address": "10.0.0.1", "port_value": 80}}}}]}],
    }})
}

fn routes() -> Value {
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": "c"}});
    json!({"@type": ROUTES, "name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]})
}

fn listener() -> Value {
    let manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let router = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
    let manager = json!({
        "@type": format!("type.googleapis.com/{manager}"),
        "stat_prefix": "s",
        "rds": {"route_config_name": "r", "config_source": {"ads": {}}},
        "http_filters": [{"name": "router", "typed_config": router}],
    });
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "l",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 80}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

fn run(files: &[(&str, String)]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    let names = files.iter().map(|(name, _)| *name);
    let arguments: Vec<&str> = ["translate", "--to", "json"].into_iter().chain(names).collect();
    amesh_in(folder.path(), &arguments, b"")
}

/// The configuration that all of these mean, from a scenario.
fn expected() -> Value {
    let scenario = json!({"listeners": [listener()], "routes": [routes()], "clusters": [cluster()]});
    let run = run(&[("scenario.json", scenario.to_string())]);
    assert_eq!(run.code, 0, "{run:?}");
    let document = run.json();
    assert_eq!((document["routes"][0]["uris"].is_null(), document["upstreams"].as_array().unwrap().len()), (false, 1));
    document
}

fn check(files: &[(&str, String)]) {
    let run = run(files);
    assert_eq!((run.code, run.json()), (0, expected()), "{files:?}\n{}", run.stderr);
}

#[test]
fn config_dump_whole_and_in_parts() {
    let part = |name: &str, body: Value| {
        let mut part = body;
        part["@type"] = json!(format!("type.googleapis.com/envoy.admin.v3.{name}"));
        part
    };
    let active = json!({"listener": listener()});
    let listeners = part("ListenersConfigDump", json!({"dynamicListeners": [{"name": "l", "activeState": active}]}));
    let clusters = part("ClustersConfigDump", json!({"dynamic_active_clusters": [{"cluster": cluster()}]}));
    // What a listener holds itself is listed among the static routes; it must not count twice.
    let static_routes = json!([{"route_config": {"@type": ROUTES, "name": "inline", "virtual_hosts": []}}]);
    let dynamic = json!([{"route_config": routes()}]);
    let routes = json!({"static_route_configs": static_routes, "dynamic_route_configs": dynamic});
    let routes = part("RoutesConfigDump", routes);
    let bootstrap = part("BootstrapConfigDump", json!({"bootstrap": {"static_resources": {"clusters": [cluster()]}}}));
    check(&[("dump.json", json!({"configs": [bootstrap, clusters, listeners, routes]}).to_string())]);
    let parts = [("c.json", clusters.to_string()), ("l.json", listeners.to_string()), ("r.json", routes.to_string())];
    check(&parts);
}

#[test]
fn lists_as_istioctl_prints_them() {
    let bare = |value: Value| {
        let mut value = value;
        value.as_object_mut().unwrap().remove("@type");
        json!([value]).to_string()
    };
    check(&[("l.json", bare(listener())), ("r.json", bare(routes())), ("c.json", bare(cluster()))]);
}

#[test]
fn responses_in_json_and_yaml() {
    let response =
        |value: Value, url: &str| json!({"versionInfo": "1", "typeUrl": url, "resources": [value]}).to_string();
    let listeners = "resources:\n- ".to_owned() + &listener().to_string();
    check(&[("l.yaml", listeners), ("c.json", response(cluster(), CLUSTER)), ("r.json", response(routes(), ROUTES))]);
}

#[test]
fn bootstrap_in_yaml() {
    let mut inline = listener();
    let manager = &mut inline["filter_chains"][0]["filters"][0]["typed_config"];
    manager.as_object_mut().unwrap().remove("rds");
    manager["route_config"] = routes();
    manager["route_config"].as_object_mut().unwrap().remove("@type");
    let node = "node: {id: x}\nadmin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}\n";
    let resources = json!({"listeners": [inline], "clusters": [cluster()]});
    let run = run(&[("envoy.yaml", format!("{node}static_resources: {resources}"))]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json()["upstreams"], expected()["upstreams"]);
}

#[test]
fn one_resource_and_the_hosts_of_a_cluster() {
    let cluster = "name: c\ntype: EDS\neds_cluster_config: {eds_config: {ads: {}}}\n".to_owned();
    let address = json!({"socketAddress": {"address": "10.0.0.1", "portValue": 80}});
    let hosts = json!([{"address": address, "weight": 1, "healthStatus": {"edsHealthStatus": "HEALTHY"}}]);
    let statuses = json!([{"name": "c", "addedViaApi": true, "hostStatuses": hosts}]).to_string();
    let parts = [("c.yaml", cluster), ("r.json", routes().to_string()), ("eds.json", statuses)];
    let run = run(&parts);
    let upstream = &run.json()["upstreams"][0];
    assert_eq!((run.code, &upstream["nodes"][0]["host"]), (0, &json!("10.0.0.1")), "{}", run.stderr);
}

#[test]
fn a_route_configuration_alone_is_used_on_every_port() {
    let run = run(&[("r.json", routes().to_string())]);
    assert_eq!(run.json()["routes"].as_array().unwrap().len(), 1, "{run:?}");
}

#[test]
fn binary_responses_of_a_real_control_plane() {
    let files = ["cds", "eds", "lds", "rds"].map(|name| format!("examples/bookinfo/xds/sidecar/before/{name}.pb"));
    let all: Vec<&str> = ["translate", "--to", "json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let binary = amesh(&all);
    let files = files.map(|file| file.replace(".pb", ".json"));
    let all: Vec<&str> = ["translate", "--to", "json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    assert_eq!(binary.json(), amesh(&all).json());
    assert_eq!(binary.json()["upstreams"].as_array().unwrap().len(), 4);
}

#[test]
fn from_overrules_what_was_found_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.json"), routes().to_string()).unwrap();
    let run = |kind| amesh_in(folder.path(), &["translate", "--from", kind, "x.json"], b"");
    assert_eq!(run("resource").code, 0);
    assert_eq!(run("list").code, 2);
    let response = DiscoveryResponse { type_url: CLUSTER.into(), ..DiscoveryResponse::default() }.encode_to_vec();
    std::fs::write(folder.path().join("x.json"), [&response[..], &[0x2a, 1, 1]].concat()).unwrap();
    assert_eq!(run("bootstrap").code, 2);
    assert_eq!(run("discovery-response").code, 0);
}

/// Every scenario and bootstrap of the corpus is read, whatever is said about it.
#[test]
fn the_corpus_is_read() {
    let beside = crate::support::root().join("../shared");
    let shared = std::env::var_os("AMESH_SHARED").map_or(beside, Into::into);
    let list =
        |folder: &Path| -> Vec<_> { std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    if !shared.is_dir() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "SKIPPED: the_corpus_is_read needs the folder that AMESH_SHARED names");
        return;
    }
    for folder in ["corpus/scenarios", "corpus/bootstraps"] {
        for source in list(&shared.join(folder)) {
            let files: Vec<_> = list(&source).iter().map(|file| file.display().to_string()).collect();
            // A few of each source: the corpus test proper runs them all.
            for file in files.iter().step_by(25) {
                let run = amesh(&["translate", "--to", "json", file]);
                assert!(matches!(run.code, 0 | 1), "{file}: {run:?}");
            }
        }
    }
}
