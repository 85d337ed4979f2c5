//! The next document, planned from documents as APISIX keeps them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

use std::collections::BTreeSet;

use amesh_translator::{Kind, Upsert};
use serde_json::{Value, json};

use self::admin::Admin;
use super::{MergeError, Plan, plan};

// The mock of the Admin API that the module is tested with.
#[path = "../plugin/tests/support/admin.rs"]
mod admin;

const FOREIGN_ROUTE: &str = r#"{"id":"theirs",  "uri":"/x\/y","plugins":{},"big":12345678901234567890}"#;

/// A target: what routes and upstreams are called, with the revision of each.
#[derive(Clone, Default)]
struct Target {
    upstreams: Vec<(String, String, u64)>,
    routes: Vec<(String, String, u64)>,
}

impl Target {
    /// Routes as `id=upstream`, upstreams as `id`, each with one revision for all.
    fn new(routes: &[&str], upstreams: &[&str], revision: u64) -> Self {
        let labels = json!({ "managed-by": "amesh", "instance": "i" });
        let upstream = |id: &&str| ((*id).to_owned(), json!({ "id": id, "labels": labels }).to_string(), revision);
        let route = |text: &&str| {
            let (id, upstream) = text.split_once('=').unwrap();
            (id.to_owned(), json!({ "id": id, "upstream_id": upstream, "labels": labels }).to_string(), revision)
        };
        Self { upstreams: upstreams.iter().map(upstream).collect(), routes: routes.iter().map(route).collect() }
    }

    fn upserts(&self, kind: Kind) -> Vec<Upsert<'_>> {
        let items = if kind == Kind::Routes { &self.routes } else { &self.upstreams };
        items.iter().map(|(id, json, revision)| Upsert { kind, id, json, revision: *revision }).collect()
    }

    fn plan(&self, document: &str) -> Result<Option<Plan>, MergeError> {
        plan(document.as_bytes(), "i", |kind| self.upserts(kind))
    }
}

/// A document with these collections beside version 5 of both.
fn document(collections: &str) -> String {
    format!(r#"{{{collections}"routes_conf_version":5,"upstreams_conf_version":5,"ssls_conf_version":7}}"#)
}

fn next(target: &Target, document: &str) -> Value {
    serde_json::from_str(&target.plan(document).unwrap().unwrap().body).unwrap()
}

#[test]
fn an_empty_apisix_gets_everything_at_once() {
    let target = Target::new(&["r=u"], &["u"], 1);
    let plan = target.plan(&document("")).unwrap().unwrap();
    assert!(plan.last);
    assert_eq!(plan.digest, "6.6");
    let body: Value = serde_json::from_str(&plan.body).unwrap();
    assert_eq!(body["routes_conf_version"], 6);
    assert_eq!(body["upstreams_conf_version"], 6);
    assert_eq!(body["routes"][0]["modifiedIndex"], 1);
    assert_eq!(body["routes"][0]["upstream_id"], "u");
    assert_eq!(body["upstreams"][0]["id"], "u");
}

#[test]
fn other_collections_keep_their_version_and_are_left_out() {
    let body = next(&Target::new(&["r=u"], &["u"], 1), &document(r#""ssls":[{"id":"s"}],"X-Digest":"d","#));
    assert_eq!(body["ssls_conf_version"], 7);
    let keys: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["routes", "routes_conf_version", "ssls_conf_version", "upstreams", "upstreams_conf_version"];
    assert_eq!(keys, BTreeSet::from(expected));
}

#[test]
fn a_collection_without_changes_is_left_out() {
    let (old, new) = (Target::new(&["r=u"], &["u"], 1), Target::new(&["r=u"], &["u"], 2));
    let stored = next(&old, &document("")).to_string();
    assert!(old.plan(&stored).unwrap().is_none(), "nothing to do");
    let only_upstreams = Target { upstreams: new.upstreams.clone(), ..old.clone() };
    let body = next(&only_upstreams, &stored);
    assert_eq!((&body["routes"], &body["routes_conf_version"]), (&Value::Null, &json!(6)));
    assert_eq!((&body["upstreams"][0]["modifiedIndex"], &body["upstreams_conf_version"]), (&json!(2), &json!(7)));
}

#[test]
fn foreign_resources_pass_through_byte_for_byte() {
    let target = Target::new(&["r=u"], &["u"], 1);
    let plan = target.plan(&document(&format!(r#""routes": [{FOREIGN_ROUTE}, {{"id":7}}],"#))).unwrap().unwrap();
    assert!(
        plan.body.contains(&format!(r#""routes":[{FOREIGN_ROUTE},{{"id":7}},{{"modifiedIndex":1,"#)),
        "{}",
        plan.body
    );
}

#[test]
fn only_the_labels_of_this_instance_make_a_resource_ours() {
    for labels in [
        r#"{"managed-by":"amesh","instance":"other"}"#,
        r#"{"managed-by":"amesh"}"#,
        r#"{"managed-by":"hand","instance":"i"}"#,
        "{}",
        "[]",
        "1",
    ] {
        let routes = format!(r#""routes":[{{"id":"theirs","labels":{labels}}}],"#);
        let body = next(&Target::new(&["r=u"], &["u"], 1), &document(&routes));
        assert_eq!(body["routes"][0]["id"], "theirs", "{labels}");
    }
    let ours = r#""routes":[{"id":"old","labels":{"managed-by":"amesh","instance":"i","more":"x"}}],"#;
    assert_eq!(next(&Target::default(), &document(ours))["routes"], json!([]), "not wanted any more");
}

#[test]
fn an_id_of_ours_that_is_taken_is_an_error() {
    let taken = document(r#""upstreams":[{"id":"u","nodes":{}}],"#);
    let error = Target::new(&["r=u"], &["u"], 1).plan(&taken).unwrap_err();
    assert!(matches!(&error, MergeError::Foreign("upstreams", id, _) if id == "u"));
    assert!(error.to_string().contains("managed-by=amesh and instance=i"));
}

#[test]
fn empty_collections_come_in_every_shape_that_lua_gives_them() {
    for empty in ["", r#""routes":{},"#, r#""routes":null,"#, r#""routes":[],"#] {
        let body = next(&Target::new(&["r=u"], &["u"], 1), &document(empty));
        assert_eq!(body["routes"].as_array().map(Vec::len), Some(1), "{empty}");
    }
}

#[test]
fn what_is_no_such_document_is_an_error() {
    let target = Target::new(&["r=u"], &["u"], 1);
    for text in ["", "null", "[]", "<html>", r#"{"routes":7,"routes_conf_version":1,"upstreams_conf_version":1}"#] {
        assert!(matches!(target.plan(text), Err(MergeError::Unreadable(_))), "{text}");
    }
    for version in ["null", "-1", "1.5", "\"1\"", "99999999999999", "1e+14"] {
        let text = format!(r#"{{"routes_conf_version":{version},"upstreams_conf_version":1}}"#);
        assert!(matches!(target.plan(&text), Err(MergeError::Version("routes"))), "{version}");
    }
    assert!(matches!(target.plan("{}"), Err(MergeError::Version("upstreams"))));
}

/// Applies plans until none is left; returns how many there were. No route may ever point to a missing upstream.
fn converge(admin: &mut Admin, target: &Target) -> usize {
    for steps in 0..10 {
        let (_, document) = admin.get();
        let Some(plan) = target.plan(&document).unwrap() else { return steps };
        let old_upstreams = ids(admin, "upstreams");
        assert_eq!(admin.put(Some(&plan.digest), plan.body.as_bytes()).0, 202);
        for route in admin.items("routes") {
            let upstream = route["upstream_id"].as_str().unwrap_or_default().to_owned();
            assert!(route["id"] == "theirs" || ids(admin, "upstreams").contains(&upstream), "{route}");
            let had_routes = steps > 0 || !old_upstreams.is_empty();
            assert!(!had_routes || route["id"] == "theirs" || old_upstreams.contains(&upstream), "too early: {route}");
        }
        assert_eq!(plan.last, target.plan(&admin.get().1).unwrap().is_none(), "the last step is announced");
    }
    panic!("no end");
}

fn ids(admin: &Admin, collection: &str) -> BTreeSet<String> {
    admin.items(collection).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn changes_go_through_in_steps_that_break_no_route() {
    let mut admin = Admin::default();
    let foreign = format!(r#"{{"routes":[{FOREIGN_ROUTE}],"ssls":[{{"id":"s"}}]}}"#);
    assert_eq!(admin.put(Some("first"), foreign.as_bytes()).0, 202);
    for (routes, upstreams, revision, steps) in [
        (&["r=u"][..], &["u"][..], 1, 1),
        (&["r=u"], &["u"], 1, 0),
        (&["r=u"], &["u"], 2, 1),
        (&["r=v"], &["v"], 2, 3),
        (&["r=v", "s=v"], &["v"], 2, 1),
        (&["r=v", "s=w"], &["v", "w"], 2, 2),
        (&["s=w"], &["w"], 3, 2),
        (&[], &[], 3, 2),
    ] {
        let mut target = Target::new(routes, upstreams, revision);
        // The revision of a route is that of its content.
        for (_, json, revision) in &mut target.routes {
            *revision = json.bytes().fold(*revision, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
        }
        assert_eq!(converge(&mut admin, &target), steps, "{routes:?} {upstreams:?}");
        assert_eq!(admin.items("routes").len(), routes.len() + 1);
        assert_eq!(admin.items("upstreams").len(), upstreams.len());
        assert_eq!(admin.items("ssls").len(), 1);
    }
}
