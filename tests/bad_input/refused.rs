//! Resources that break a rule of Envoy's. The cases are data, `refused.json`: a resource, what the error has to name,
//! and a part of what a real Envoy says about the same resource. An entry with a `defect` is known to go wrong so; it
//! fails as soon as it does not any more.

use std::path::{Path, PathBuf};
use std::process::Command;

use amesh_tests::envoy::program;
use amesh_tests::files;
use amesh_tests::message::{CLUSTER, ENDPOINTS, LISTENER, encode, name_of, response};
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use prost::Message;
use serde_json::{Value, json};

use crate::running::{Running, error, receivers, responses};

fn cases() -> Vec<Value> {
    let list = files::json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bad_input/refused.json"));
    list.as_array().expect("a list").clone()
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

#[test]
fn each_is_refused_alone_by_resource_and_path() {
    let mut problems = Vec::new();
    for case in cases() {
        for receiver in &mut receivers(1 << 20) {
            let (name, defect) = (text(&case, "name"), text(&case, "defect"));
            match check(&case, receiver.as_mut()) {
                Ok(()) if !defect.is_empty() => problems.push(format!("{name}: no defect any more, take it off")),
                Err(problem) if defect.is_empty() || !problem.contains(defect) => {
                    problems.push(format!("{name}: {problem}"));
                }
                _ => {}
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn check(case: &Value, receiver: &mut dyn Running) -> Result<(), String> {
    let before = receiver.in_force();
    let url = text(&case["resource"], "@type");
    // A response of a type that is wanted whole has to hold what shall stay.
    let kept = match url {
        CLUSTER => resources(&responses()[0]),
        LISTENER => resources(&responses()[2]),
        _ => Vec::new(),
    };
    let message = response(url, "2", kept.into_iter().chain([encode(&case["resource"])]));
    let detail = error(&receiver.stream(&message)?).ok_or("accepted")?;
    let label = name_of(url).rsplit('.').next().unwrap_or_default();
    let says = case["says"].as_array().expect("a list").iter().filter_map(Value::as_str);
    let missing: Vec<&str> = says.chain([label]).filter(|part| !detail.contains(part)).collect();
    if !missing.is_empty() {
        return Err(format!("{missing:?} missing in: {detail}"));
    }
    if receiver.in_force() == before { Ok(()) } else { Err("something else has changed".to_owned()) }
}

fn resources(response: &[u8]) -> Vec<Vec<u8>> {
    let response = DiscoveryResponse::decode(response).expect("a response");
    response.resources.into_iter().map(|any| any.value.to_vec()).collect()
}

/// The smallest bootstrap that holds the resource.
fn bootstrap(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let url = resource.as_object_mut().and_then(|it| it.remove("@type")).expect("a type");
    let (list, resource) = match url.as_str().expect("text") {
        CLUSTER => ("clusters", resource),
        LISTENER => ("listeners", resource),
        ENDPOINTS => ("clusters", json!({"name": "bad", "type": "STATIC", "load_assignment": resource})),
        _ => ("listeners", listener(&resource)),
    };
    json!({"node": {"id": "bad", "cluster": "bad"}, "static_resources": {list: [resource]}})
}

fn listener(routes: &Value) -> Value {
    let filter = json!({"name": "envoy.filters.http.router", "typed_config":
        {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let manager = json!({"name": "http", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http", "route_config": routes, "http_filters": [filter]}});
    json!({"name": "bad", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}},
        "filter_chains": [{"filters": [manager]}]})
}

/// What Envoy says about a bootstrap; `None` where it takes it.
fn judge(program: &PathBuf, bootstrap: &Value) -> Option<String> {
    let text = bootstrap.to_string();
    let arguments = ["--mode", "validate", "--log-level", "critical", "--config-yaml", &text];
    let output = Command::new(program).args(arguments).output().expect("AMESH_ENVOY can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // Before the reason Envoy shows the whole message.
    let reason = said.rsplit_once("\n: ").map_or(said.as_str(), |(_, reason)| reason);
    (!output.status.success()).then(|| reason.to_owned())
}

#[test]
fn envoy_refuses_each_for_the_same_reason() {
    let Some(program) = program("whether Envoy refuses the same resources is not known") else { return };
    let mut problems = Vec::new();
    for case in cases() {
        let (name, part) = (text(&case, "name"), text(&case, "envoy"));
        assert!(!part.is_empty(), "{name}: what Envoy says is missing");
        match judge(&program, &bootstrap(&case["resource"])) {
            None => problems.push(format!("{name}: Envoy takes it")),
            Some(said) if !said.contains(part) => problems.push(format!("{name}: Envoy says: {said}")),
            Some(_) => {}
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
