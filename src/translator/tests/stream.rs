//! Streams of messages: any order, parts, deltas, bad versions, and what each change touches.
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

#[path = "stream/endpoints.rs"]
mod endpoints;
mod support;

use amesh_translator::{Answer, Envelope, Kind, Limits, Options, Translator, Variant};
use bytes::Bytes;
use prost::Message;
use serde_json::{Value, json};
use support::{
    CLUSTER, DeltaResponse, ENDPOINTS, LISTENER, ROUTES, Resource, any, ingest, listener, raw, response, url,
};

fn cluster(name: &str) -> Value {
    json!({"name": name, "type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}})
}

fn endpoints(name: &str, address: &str) -> Value {
    let socket = json!({"socket_address": {"address": address, "port_value": 80}});
    json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket}}]}]})
}

fn virtual_host(name: &str, cluster: &str) -> Value {
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": cluster}});
    json!({"name": name, "domains": [format!("{name}.example")], "routes": [route]})
}

fn routes(name: &str, hosts: &[(&str, &str)]) -> Value {
    let hosts: Vec<Value> = hosts.iter().map(|(host, cluster)| virtual_host(host, cluster)).collect();
    json!({"name": name, "virtual_hosts": hosts})
}

/// Two virtual hosts, two clusters, all of it committed.
fn running() -> Translator {
    let mut translator = Translator::new(Options::default());
    ingest(&mut translator, LISTENER, &[listener("web", 80, "r")]);
    ingest(&mut translator, CLUSTER, &[cluster("one"), cluster("two")]);
    ingest(&mut translator, ROUTES, &[routes("r", &[("a", "one"), ("b", "two")])]);
    let verdict = ingest(&mut translator, ENDPOINTS, &[endpoints("one", "10.0.0.1"), endpoints("two", "10.0.0.2")]);
    assert!(verdict.ready, "{:?}", translator.outstanding());
    translator.commit();
    translator
}

fn applied(translator: &Translator) -> Vec<String> {
    let all =
        Kind::ALL.into_iter().flat_map(|kind| translator.applied(kind).map(|u| u.json.to_owned()).collect::<Vec<_>>());
    all.collect()
}

fn pending_names(translator: &Translator) -> Vec<String> {
    let pending = translator.pending();
    let upserts = pending.upserts.iter().map(|upsert| {
        let value: Value = serde_json::from_str(upsert.json).unwrap();
        format!("+{}", value["name"].as_str().unwrap())
    });
    upserts.chain(pending.deletes.iter().map(|delete| format!("-{}", delete.id))).collect()
}

#[test]
fn nothing_is_published_before_everything_is_known() {
    let mut translator = Translator::new(Options::default());
    let verdict = ingest(&mut translator, LISTENER, &[listener("web", 80, "r")]);
    assert!(!verdict.ready);
    assert_eq!(verdict.subscribe[0].added, ["r"]);
    ingest(&mut translator, ROUTES, &[routes("r", &[("a", "one")])]);
    let verdict = ingest(&mut translator, CLUSTER, &[cluster("one")]);
    assert_eq!((verdict.ready, verdict.outstanding), (false, 1));
    assert!(translator.pending().is_empty());
    assert_eq!(translator.outstanding(), [(url(ENDPOINTS), vec!["one".to_owned()])]);
    assert!(ingest(&mut translator, ENDPOINTS, &[endpoints("one", "10.0.0.1")]).ready);
    assert_eq!(pending_names(&translator), ["+one", "+r/a#0", "+r/any#end"]);
}

#[test]
fn the_order_of_messages_does_not_matter() {
    let messages: [(&str, Vec<Value>); 4] = [
        (LISTENER, vec![listener("web", 80, "r")]),
        (CLUSTER, vec![cluster("one"), cluster("two")]),
        (ROUTES, vec![routes("r", &[("a", "one"), ("b", "two")])]),
        (ENDPOINTS, vec![endpoints("one", "10.0.0.1"), endpoints("two", "10.0.0.2")]),
    ];
    let expected = applied(&running());
    for first in 0..4 {
        for second in (0..4).filter(|n| *n != first) {
            let rest = (0..4).rev().filter(|n| *n != first && *n != second);
            let mut translator = Translator::new(Options::default());
            for index in [first, second].into_iter().chain(rest) {
                ingest(&mut translator, messages[index].0, &messages[index].1);
            }
            translator.commit();
            assert_eq!(applied(&translator), expected);
        }
    }
}

#[test]
fn an_endpoint_change_touches_one_upstream_and_no_route() {
    let mut translator = running();
    let verdict = ingest(&mut translator, ENDPOINTS, &[endpoints("two", "10.0.0.9")]);
    assert_eq!((verdict.counts.accepted, verdict.subscribe.len()), (1, 0));
    assert_eq!(pending_names(&translator), ["+two"]);
}

#[test]
fn a_changed_virtual_host_touches_its_own_routes() {
    let mut translator = running();
    ingest(&mut translator, ROUTES, &[routes("r", &[("a", "one"), ("b", "one")])]);
    let two = pending_names(&translator);
    assert_eq!(two.len(), 2, "{two:?}");
    assert_eq!(two[0], "+r/b#0");
    assert!(two[1].starts_with("-two-"), "{two:?}");
}

#[test]
fn a_bad_resource_is_refused_alone_and_its_last_good_version_stays() {
    let mut translator = running();
    let before = applied(&translator);
    let bad = json!({"name": "two", "type": "STATIC", "connect_timeout": "0s"});
    let verdict = ingest(&mut translator, CLUSTER, &[cluster("one"), bad.clone()]);
    assert_eq!(verdict.verdict, Answer::Nack);
    assert_eq!(verdict.error_detail.as_deref(), Some("Cluster \"two\": connect_timeout must be above 0"));
    assert_eq!((verdict.counts.unchanged, verdict.counts.refused), (1, 1));
    assert!(translator.pending().is_empty());
    assert_eq!(ingest(&mut translator, CLUSTER, &[cluster("one"), bad]).verdict, Answer::Nack);
    assert_eq!(ingest(&mut translator, CLUSTER, &[cluster("one"), cluster("two")]).verdict, Answer::Ack);
    assert!(translator.pending().is_empty());
    assert_eq!(applied(&translator), before);
}

#[test]
fn garbled_messages_change_nothing() {
    let mut translator = running();
    let before = applied(&translator);
    let good = response(CLUSTER, &[cluster("one"), cluster("two")]);
    let cut = translator.ingest(good.slice(..good.len() - 1), Envelope::default());
    assert!(cut.error_detail.unwrap().starts_with("the message cannot be decoded"), "cut off");
    let unknown = translator.ingest(raw("no.such.Type", Vec::new()), Envelope::default());
    assert!(unknown.error_detail.unwrap().contains("\"type.googleapis.com/no.such.Type\""));
    let stray = translator.ingest(raw(CLUSTER, vec![any(ROUTES, &routes("r", &[]))]), Envelope::default());
    assert!(stray.error_detail.unwrap().contains("RouteConfiguration\" in a response of"));
    let nameless = support::Any { type_url: url(CLUSTER), value: Bytes::from_static(b"\x0a\xffx") };
    let nameless = translator.ingest(raw(CLUSTER, vec![nameless]), Envelope::default());
    assert!(nameless.error_detail.unwrap().contains("its name cannot be read"));
    assert!(translator.pending().is_empty());
    assert_eq!(applied(&translator), before);
}

#[test]
fn a_message_over_the_limit_is_refused_by_size() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let mut translator = Translator::new(Options { limits, ..Options::default() });
    let verdict = translator.ingest(Bytes::from(vec![0; 1001]), Envelope::default());
    assert_eq!(
        verdict.error_detail.as_deref(),
        Some("the message has 1001 bytes; the limit is 1000 (limits.message_bytes)")
    );
}

#[test]
fn clusters_and_listeners_go_with_the_world_they_are_missing_from() {
    let mut translator = running();
    let verdict = ingest(&mut translator, CLUSTER, &[cluster("one")]);
    assert_eq!((verdict.counts.removed, verdict.subscribe[0].removed.clone()), (1, vec!["two".to_owned()]));
    let pending = pending_names(&translator);
    assert_eq!(pending.len(), 2, "{pending:?}");
    assert_eq!(pending[0], "+r/b#0");
    translator.commit();
    ingest(&mut translator, LISTENER, &[]);
    translator.commit();
    assert!(applied(&translator).is_empty());
}

#[test]
fn endpoints_and_routes_stay_while_they_are_wanted() {
    let mut translator = running();
    ingest(&mut translator, ENDPOINTS, &[]);
    ingest(&mut translator, ROUTES, &[]);
    assert!(translator.pending().is_empty());
}

#[test]
fn a_response_in_parts_is_one_response() {
    let mut translator = running();
    let part = |translator: &mut Translator, names: &[&str], more| {
        let resources: Vec<Value> = names.iter().map(|name| cluster(name)).collect();
        let envelope = Envelope { more, ..Envelope::default() };
        translator.ingest(response(CLUSTER, &resources), envelope).counts.removed
    };
    assert_eq!(part(&mut translator, &["two"], true), 0);
    assert_eq!(part(&mut translator, &["one"], false), 0);
    assert_eq!(part(&mut translator, &["one"], false), 1);
}

#[test]
fn deltas_add_and_remove_by_name() {
    let mut translator = running();
    let delta = |message: &str, resources: Vec<(&str, Value)>, removed: &[&str]| {
        let resource = |(name, value): (&str, Value)| Resource {
            name: name.to_owned(),
            version: "1".to_owned(),
            value: Some(any(message, &value)),
        };
        let response = DeltaResponse {
            system_version_info: "7".to_owned(),
            resources: resources.into_iter().map(resource).collect(),
            type_url: url(message),
            nonce: "n".to_owned(),
            removed_resources: removed.iter().map(|name| (*name).to_owned()).collect(),
        };
        Bytes::from(response.encode_to_vec())
    };
    let envelope = Envelope { variant: Variant::Delta, more: false };
    let verdict = translator.ingest(delta(CLUSTER, vec![("three", cluster("three"))], &["two"]), envelope);
    assert_eq!((verdict.version.as_str(), verdict.counts.accepted, verdict.counts.removed), ("7", 1, 1));
    assert_eq!(verdict.subscribe[0].added, ["three"]);
    assert_eq!(verdict.subscribe[0].removed, ["two"]);
    let gone = translator.ingest(delta(ENDPOINTS, vec![("three", endpoints("three", "10.0.0.3"))], &["one"]), envelope);
    assert!(gone.ready);
    assert!(pending_names(&translator).iter().all(|name| name != "+one"));
}

#[test]
fn what_never_arrives_is_taken_as_absent() {
    let mut translator = Translator::new(Options::default());
    ingest(&mut translator, LISTENER, &[listener("web", 80, "missing")]);
    ingest(&mut translator, CLUSTER, &[]);
    assert!(translator.pending().is_empty());
    assert!(translator.expire(&url(ROUTES), &["missing".to_owned()]).ready);
    let pending = translator.pending();
    assert_eq!(pending.upserts.len(), 1);
    assert!(pending.upserts[0].json.contains(r#""http_status":404"#));
    translator.commit();
    ingest(&mut translator, ROUTES, &[routes("missing", &[("a", "one")])]);
    assert!(pending_names(&translator).contains(&"+missing/a#0".to_owned()));
}

#[test]
fn a_cluster_that_comes_later_opens_its_routes() {
    let mut translator = running();
    ingest(&mut translator, ROUTES, &[routes("r", &[("a", "one"), ("b", "late")])]);
    let upserts = translator.pending().upserts.iter().map(|u| u.json.to_owned()).collect::<Vec<_>>();
    assert!(upserts[0].contains(r#""http_status":503,"body":"""#), "{upserts:?}");
    translator.commit();
    ingest(&mut translator, CLUSTER, &[cluster("one"), cluster("two"), cluster("late")]);
    assert!(translator.pending().is_empty());
    ingest(&mut translator, ENDPOINTS, &[endpoints("late", "10.0.0.5")]);
    assert_eq!(pending_names(&translator), ["+late", "+r/b#0"]);
}

#[test]
fn a_second_listener_guards_the_routes_of_the_first() {
    let mut translator = running();
    assert!(!applied(&translator).iter().any(|json| json.contains("server_port")));
    ingest(&mut translator, LISTENER, &[listener("web", 80, "r"), listener("other", 81, "s")]);
    assert!(translator.pending().is_empty());
    ingest(&mut translator, ROUTES, &[routes("s", &[("a", "one")])]);
    translator.commit();
    let routes: Vec<_> = translator.applied(Kind::Routes).map(|u| u.json.to_owned()).collect();
    assert!(routes.iter().all(|json| json.contains("server_port")), "{routes:#?}");
}

#[test]
fn a_refused_configuration_is_not_offered_again() {
    let mut translator = running();
    let before = applied(&translator);
    ingest(&mut translator, ENDPOINTS, &[endpoints("two", "10.0.0.9")]);
    translator.abandon("property \"nodes\" validation failed");
    assert!(translator.pending().is_empty());
    assert_eq!(applied(&translator), before);
    assert!(translator.diagnostics().iter().any(|d| d.message.contains("validation failed")));
    ingest(&mut translator, ENDPOINTS, &[endpoints("two", "10.0.0.10")]);
    assert_eq!(pending_names(&translator), ["+two"]);
    translator.commit();
    assert!(!translator.diagnostics().iter().any(|d| d.message.contains("validation failed")));
}

#[test]
fn long_names_and_many_domains_are_handled() {
    let name = "n".repeat(65_536);
    let domains: Vec<String> = (0..5000).map(|n| format!("h{n}.example")).chain([format!("{name}.example")]).collect();
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": name}});
    let host = json!({"name": name, "domains": domains, "routes": [route]});
    let mut translator = Translator::new(Options { unbound_routes: true, ..Options::default() });
    ingest(&mut translator, LISTENER, &[]);
    ingest(&mut translator, CLUSTER, &[json!({"name": name, "type": "STATIC"})]);
    let verdict = ingest(&mut translator, ROUTES, &[json!({"name": name, "virtual_hosts": [host]})]);
    assert_eq!(verdict.verdict, Answer::Ack, "{:?}", verdict.error_detail);
    for upsert in translator.pending().upserts {
        let value: Value = serde_json::from_str(upsert.json).unwrap();
        assert!(value["id"].as_str().unwrap().len() <= 64);
        assert!(value["name"].as_str().unwrap().len() <= 256);
    }
    let longer = "n".repeat(65_537);
    let verdict = ingest(&mut translator, CLUSTER, &[json!({"name": longer, "type": "STATIC"})]);
    assert!(
        verdict.error_detail.unwrap().ends_with("its name has 65537 bytes; the limit is 65536 (limits.name_bytes)")
    );
}
