//! The schema check against recordings: what a running APISIX 3.18 took is without violations, what
//! it refused has some.
//!
//! `schema-exceptions.json` lists where the two differ, with the reason (mostly: APISIX refuses for
//! something that its schema does not say). A listed recording that agrees fails the test.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use amesh_simulator::apisix::schema::Schema;
use common::{json, recordings, shared};
use serde_json::Value as Json;

fn schema() -> Option<Schema> {
    let published = json(&shared("apisix/schema-3.18.0.json")?);
    Some(Schema::new(&published).unwrap_or_else(|why| panic!("{why}")))
}

#[test]
fn violations_are_refusals() {
    let (Some(schema), Some(root)) = (schema(), shared("apisix/vectors")) else { return };
    let list = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema-exceptions.json"));
    let listed: BTreeSet<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|entry| entry["recordings"].as_array().expect("recordings"))
        .map(|name| name.as_str().expect("a name"))
        .collect();
    let (mut agreed, mut differing) = (0, BTreeSet::new());
    for (name, recording) in recordings(&root, &[""]) {
        // Not recordings of a document: grpc.json, and the area apply.
        if !recording["config"].is_object() {
            continue;
        }
        let violations = schema.check(&recording["config"]);
        let refused = recording["refused"].is_object();
        if violations.is_empty() != refused {
            agreed += 1;
            continue;
        }
        if !listed.contains(name.as_str()) {
            println!("{name}: refused: {}, violations: {violations:?}", recording["refused"]["error_msg"]);
        }
        differing.insert(name);
    }
    println!("{agreed} recordings agree with the schema check, {} are listed", listed.len());
    let differing: BTreeSet<&str> = differing.iter().map(String::as_str).collect();
    assert_eq!(differing, listed);
}

#[test]
fn violations_say_where() {
    let Some(schema) = schema() else { return };
    let document = serde_json::json!({
        "routes": [{"id": "a", "uri": "/", "hosts": ["a.*"], "plugins": {"nosuch": {},
            "cors": {"max_age": "long"}}}],
        "upstreams": [{"id": "u", "nodes": {"127.0.0.1:80": 1}}],
        "routes_conf_version": 3,
        "route": [],
    });
    let paths: Vec<String> = schema.check(&document).into_iter().map(|found| found.path).collect();
    assert_eq!(
        paths,
        [
            "route",
            "routes[0] \"a\" /hosts/0",
            "routes[0] \"a\" /plugins/cors/max_age",
            "routes[0] \"a\" /plugins/nosuch",
        ]
    );
    assert_eq!(schema.check(&Json::Null).len(), 1);
}
