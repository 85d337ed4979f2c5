//! The ingest protocol, with nothing applied by the plugin (`apply: none`).

use serde_json::json;

use crate::support::bench::Bench;
use crate::support::messages::{clusters, listeners, response, routes, type_url};

/// A worker that has heard a small mesh: one route to one cluster.
fn bench() -> Option<Bench> {
    let mut bench = Bench::new("{}")?;
    bench.open();
    Some(bench)
}

#[test]
fn a_session_begins_with_subscriptions() {
    let Some(mut bench) = Bench::new("{}") else { return };
    let reply = bench.open();
    assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "application/json"));
    let answer = reply.json();
    assert_eq!((&answer["session"], &answer["apply"]), (&json!("s"), &json!({ "mode": "none" })));
    let types: Vec<_> =
        answer["subscribe"].as_array().unwrap().iter().map(|it| it["type_url"].as_str().unwrap()).collect();
    assert!(types.contains(&type_url("Listener").as_str()) && types.contains(&type_url("Cluster").as_str()));
}

#[test]
fn changes_are_handed_out_once_everything_is_there() {
    let Some(mut bench) = bench() else { return };
    assert_eq!(bench.stream(&clusters("1", &[("a", 8001)])).state(), "waiting");
    let reply = bench.stream(&listeners("1"));
    assert_eq!(reply.state(), "waiting");
    let wanted =
        json!([{ "type_url": type_url("RouteConfiguration"), "wildcard": false, "added": ["routes"], "removed": [] }]);
    assert_eq!(reply.json()["subscribe"], wanted);
    let answer = bench.stream(&routes("1", &[("/", "a")])).json();
    assert_eq!((&answer["verdict"], &answer["version"], &answer["nonce"]), (&json!("ack"), &json!("1"), &json!("n1")));
    assert_eq!(answer["apply"]["state"], "applied");
    let upserts = answer["changes"]["upserts"].as_array().unwrap();
    assert_eq!(answer["apply"]["upserts"], upserts.len());
    let kinds: Vec<_> = upserts.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "upstreams").count(), 1);
    assert!(kinds.contains(&"routes") && kinds.is_sorted_by(|a, b| a >= b), "referenced kinds first: {kinds:?}");
    for upsert in upserts {
        assert_eq!(upsert["id"], upsert["value"]["id"]);
        assert_eq!(upsert["value"]["labels"], json!({ "managed-by": "amesh", "instance": "amesh" }));
    }
    let answer = bench.stream(&clusters("2", &[("a", 8001)])).json();
    assert_eq!((&answer["apply"]["state"], answer.get("changes")), (&json!("unchanged"), None));
    assert_eq!(bench.flush().state(), "unchanged");
}

#[test]
fn held_messages_are_applied_with_the_last_one() {
    let Some(mut bench) = bench() else { return };
    let hold = [("x-amesh-hold", "1")];
    assert_eq!(bench.stream_with(&hold, &clusters("1", &[("a", 8001)])).state(), "held");
    assert_eq!(bench.stream_with(&hold, &listeners("1")).state(), "held");
    assert_eq!(bench.stream(&routes("1", &[("/", "a")])).state(), "applied");
}

#[test]
fn a_response_in_parts_counts_as_one() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&listeners("1"));
    bench.stream(&routes("1", &[("/", "a"), ("/b", "b")]));
    assert_eq!(bench.stream_with(&[("x-amesh-more", "1")], &clusters("1", &[("a", 8001)])).state(), "held");
    let reply = bench.stream(&clusters("1", &[("b", 8002)]));
    assert_eq!(reply.state(), "applied");
    let upserts = reply.json()["changes"]["upserts"].clone();
    let upstreams = upserts.as_array().unwrap().iter().filter(|it| it["kind"] == "upstreams").count();
    assert_eq!(upstreams, 2, "{upserts}");
}

#[test]
fn the_does_not_exist_timer_ends_the_wait() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&clusters("1", &[("a", 8001)]));
    assert_eq!(bench.stream(&listeners("1")).state(), "waiting");
    let body = json!({ "type_url": type_url("RouteConfiguration"), "names": ["routes"] }).to_string();
    let reply = bench.ask("POST /amesh/v1/expire", &[("x-amesh-session", "s")], body.as_bytes());
    assert!(["applied", "unchanged"].contains(&reply.state().as_str()), "{}", reply.text);
    let reply = bench.ask("POST /amesh/v1/expire", &[("x-amesh-session", "s")], b"{}");
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("bad-request")));
}

#[test]
fn a_broken_message_is_a_nack_and_changes_nothing() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&clusters("1", &[("a", 8001)]));
    bench.stream(&listeners("1"));
    bench.stream(&routes("1", &[("/", "a")]));
    for message in [&b"\xff\xff\xff"[..], b"", &routes("2", &[("/", "a")])[..40]] {
        let answer = bench.stream(message).json();
        assert_eq!((&answer["verdict"], &answer["apply"]["state"]), (&json!("nack"), &json!("unchanged")), "{answer}");
        assert!(answer["error_detail"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    }
    assert_eq!(bench.stream(&routes("2", &[("/", "a")])).state(), "unchanged");
}

#[test]
fn an_empty_message_is_not_taken_for_the_one_before() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&clusters("1", &[("a", 8001)]));
    let answer = bench.stream(b"").json();
    assert_eq!(answer["type_url"], "", "{answer}");
}

#[test]
fn messages_out_of_order_and_strange_sessions_are_conflicts() {
    let Some(mut bench) = Bench::new("{}") else { return };
    let conflict = |bench: &mut Bench, session: &str, sequence: &str| {
        let headers = [("x-amesh-session", session), ("x-amesh-sequence", sequence)];
        let reply = bench.ask("POST /amesh/v1/stream", &headers, &listeners("1"));
        (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(conflict(&mut bench, "s", "1"), (409, "unknown-session".into()));
    bench.open();
    assert_eq!(conflict(&mut bench, "other", "1"), (409, "unknown-session".into()));
    assert_eq!(conflict(&mut bench, "s", "2"), (409, "sequence-gap".into()));
    assert_eq!(conflict(&mut bench, "s", ""), (409, "sequence-gap".into()));
    assert_eq!(conflict(&mut bench, "s", "1").0, 200);
    assert_eq!(conflict(&mut bench, "s", "1"), (409, "sequence-gap".into()), "sent twice");
    bench.open();
    assert_eq!(conflict(&mut bench, "s", "1").0, 200, "a new session of the same name");
}

#[test]
fn state_outlives_plugin_contexts() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&clusters("1", &[("a", 8001)]));
    bench.configure("{}");
    assert_eq!(bench.stream(&listeners("1")).state(), "waiting");
    bench.configure(r#"{"listen_ports":[9080]}"#);
    let reply = bench.stream(&routes("1", &[("/", "a")]));
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (409, &json!("unknown-session")),
        "other options: from the start"
    );
    bench.open();
    assert_eq!(bench.stream(&listeners("1")).state(), "waiting");
}

#[test]
fn instances_know_nothing_of_each_other() {
    let Some(mut bench) = bench() else { return };
    bench.configure(r#"{"instance":"other"}"#);
    assert_eq!(bench.flush().status, 409);
    bench.configure("{}");
    assert_eq!(bench.flush().status, 200);
}

#[test]
fn pages_show_what_is_in_force() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&clusters("1", &[("a", 8001)]));
    bench.stream(&listeners("1"));
    assert_eq!(bench.page("/v1/config").json(), json!({ "upstreams": [], "routes": [] }), "nothing applied yet");
    bench.stream(&routes("1", &[("/", "a")]));
    let config = bench.page("/v1/config").json();
    assert_eq!(config["upstreams"].as_array().map(Vec::len), Some(1));
    assert!(config["routes"].as_array().is_some_and(|routes| !routes.is_empty()));
    let status = bench.page("/v1/status").json();
    assert_eq!((&status["session"], &status["sequence"], &status["mode"]), (&json!("s"), &json!(3), &json!("none")));
    assert_eq!((&status["last_apply"]["state"], &status["summary"]["upstreams"]), (&json!("applied"), &json!(1)));
    assert!(bench.page("/v1/diagnostics").json()["diagnostics"].is_array());
    let metrics = bench.page("/metrics");
    assert!(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    for line in [
        "# TYPE amesh_messages_total counter",
        "amesh_messages_total{instance=\"amesh\",verdict=\"ack\"} 3",
        "amesh_apply_total{instance=\"amesh\",state=\"applied\"} 1",
        "amesh_xds_resources{instance=\"amesh\",type=\"Cluster\"} 1",
        "amesh_apisix_resources{instance=\"amesh\",kind=\"pending\"} 0",
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line} not in:\n{}", metrics.text);
    }
}

#[test]
fn two_hundred_sessions_leave_nothing_behind() {
    let Some(mut bench) = bench() else { return };
    for _ in 0..200 {
        bench.open();
        bench.stream(&clusters("1", &[("a", 8001)]));
        bench.stream(&listeners("1"));
        assert_eq!(bench.stream(&routes("1", &[("/", "a")])).state(), "applied");
    }
    assert_eq!(bench.log(), Vec::<String>::new());
}

#[test]
fn unused_types_do_not_disturb() {
    let Some(mut bench) = bench() else { return };
    let reply = bench.stream(&response("ScopedRouteConfiguration", "1", Vec::new()));
    assert_eq!(reply.status, 200, "{}", reply.text);
}
