//! What a real Istio control plane says about Bookinfo, before and after "all traffic to v1".

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::bench::{Bench, Reply};

/// Sends the captured responses of one node in the order Istio sends them; returns the answer to the last one.
fn send(bench: &mut Bench, node: &str, state: &str) -> Reply {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bookinfo/xds").join(node).join(state);
    let mut last = None;
    for name in ["cds", "eds", "lds", "rds"] {
        let reply = bench.stream(&fs::read(folder.join(name).with_extension("pb")).expect("captured"));
        assert_eq!(
            (reply.status, &reply.json()["verdict"]),
            (200, &json!("ack")),
            "{node} {state} {name}: {}",
            reply.text
        );
        last = Some(reply);
    }
    last.expect("four messages")
}

/// Ids of one kind among what is to be created or replaced.
fn upserts(reply: &Reply, kind: &str) -> Vec<String> {
    let items = reply.json()["changes"]["upserts"].as_array().cloned().unwrap_or_default();
    items.iter().filter(|item| item["kind"] == kind).map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_change_of_the_story_moves_every_route_to_version_one() {
    let Some(mut bench) = Bench::new("{}") else { return };
    bench.open();
    let before = send(&mut bench, "sidecar", "before");
    assert_eq!(before.state(), "applied");
    let after = send(&mut bench, "sidecar", "after");
    assert_eq!(after.state(), "applied");
    assert!(upserts(&before, "routes").len() >= 4, "details, productpage, ratings, reviews");
    let moved = upserts(&after, "routes");
    assert_eq!(moved.len(), 4);
    assert!(moved.iter().all(|id| upserts(&before, "routes").contains(id)), "the same routes: {moved:?}");
    assert!(upserts(&after, "upstreams").iter().all(|id| id.contains("_v1_")), "{}", after.text);
}

#[test]
fn in_apisix_it_takes_three_steps() {
    let conf = r#"{"apply":"standalone","admin":{"key":"adm1n","timeout_ms":700}}"#;
    let Some(mut bench) = Bench::new(conf) else { return };
    bench.open();
    assert_eq!(send(&mut bench, "sidecar", "before").state(), "applied");
    bench.wait(10_000);
    let mut reply = send(&mut bench, "sidecar", "after");
    let mut steps = 1;
    while reply.state() == "deferred" {
        bench.wait(reply.json()["apply"]["retry_after_ms"].as_u64().unwrap());
        reply = bench.flush();
        steps += 1;
    }
    assert_eq!((reply.state().as_str(), steps), ("applied", 3));
}

#[test]
fn a_gateway_is_applied_to_apisix() {
    let conf = r#"{"apply":"standalone","admin":{"key":"adm1n","timeout_ms":700}}"#;
    let Some(mut bench) = Bench::new(conf) else { return };
    bench.open();
    assert_eq!(send(&mut bench, "gateway", "before").state(), "applied");
    let shown = bench.page("/v1/config").json();
    let (routes, upstreams) = (bench.admin.items("routes"), bench.admin.items("upstreams"));
    assert_eq!(ids(shown["routes"].as_array().unwrap()), ids(&routes));
    assert_eq!(ids(shown["upstreams"].as_array().unwrap()), ids(&upstreams));
    assert!(routes.iter().any(|route| route.to_string().contains("/productpage")));
}

fn ids(items: &[Value]) -> Vec<&Value> {
    items.iter().map(|item| &item["id"]).collect()
}
