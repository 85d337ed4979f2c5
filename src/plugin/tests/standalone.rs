//! Applying through the Admin API (`apply: standalone`). The Admin API is a mock: see `support/admin.rs`.

use amesh_host::Step;
use serde_json::{Value, json};

use crate::support::bench::{Bench, Fault};
use crate::support::messages::{clusters, listeners, listeners_with, routes};

const CONF: &str = r#"{"apply":"standalone","admin":{"key":"adm1n","timeout_ms":700}}"#;

/// A worker that has heard of one listener and cluster `a`, and waits for routes.
fn bench() -> Option<Bench> {
    let mut bench = Bench::new(CONF)?;
    bench.wait(0);
    assert_eq!(bench.open().json()["apply"]["mode"], "standalone");
    assert_eq!(bench.stream(&clusters("1", &[("a", 8001)])).state(), "waiting");
    assert_eq!(bench.stream(&listeners("1")).state(), "waiting");
    Some(bench)
}

/// The same with a route applied, some time ago.
fn applied() -> Option<Bench> {
    let mut bench = bench()?;
    assert_eq!(bench.stream(&routes("1", &[("/", "a")])).state(), "applied");
    bench.wait(5_000);
    bench.calls.clear();
    Some(bench)
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn a_document_is_read_and_written() {
    let Some(mut bench) = bench() else { return };
    let foreign = json!({ "routes": [{ "id": "theirs", "uri": "/x" }], "ssls": [{ "id": "s" }] }).to_string();
    assert_eq!(bench.admin.put(Some("theirs"), foreign.as_bytes()).0, 202);
    bench.wait(2_000);
    let reply = bench.stream(&routes("1", &[("/", "a")]));
    assert_eq!((reply.state().as_str(), &reply.json()["verdict"]), ("applied", &json!("ack")));
    assert_eq!(reply.json().get("changes"), None, "nobody else has to apply them");
    assert_eq!(bench.calls, ["GET", "PUT"]);
    let (routes, upstreams) = (bench.admin.items("routes"), bench.admin.items("upstreams"));
    assert_eq!(routes[0], json!({ "id": "theirs", "uri": "/x" }));
    assert_eq!((bench.admin.items("ssls").len(), upstreams.len()), (1, 1));
    for item in routes[1..].iter().chain(&upstreams) {
        assert_eq!(item["labels"], json!({ "managed-by": "amesh", "instance": "amesh" }));
        assert!(item["modifiedIndex"].is_u64());
    }
    assert_eq!(bench.flush().state(), "unchanged");
    assert_eq!(bench.calls.len(), 2, "which needs no call");
}

#[test]
fn changes_are_batched() {
    let Some(mut bench) = bench() else { return };
    bench.stream(&routes("1", &[("/", "a")]));
    let applied = bench.now;
    bench.wait(300);
    let reply = bench.stream(&clusters("2", &[("a", 8002)]));
    assert_eq!((reply.state().as_str(), &reply.json()["apply"]["retry_after_ms"]), ("deferred", &json!(800)));
    bench.wait(799);
    assert_eq!(bench.flush().json()["apply"]["retry_after_ms"], 1);
    assert_eq!(bench.calls, ["GET", "PUT"]);
    bench.wait(1);
    assert_eq!(bench.flush().state(), "applied");
    assert_eq!(bench.calls, ["GET", "PUT", "GET", "PUT"]);
    assert_eq!(bench.now.zip(applied).map(|(now, then)| now - then), Some(1_100));
}

#[test]
fn a_clock_that_is_set_back_or_missing_stops_nothing() {
    for now in [Some(1), None] {
        let Some(mut bench) = applied() else { return };
        bench.now = now;
        assert_eq!(bench.stream(&clusters("2", &[("a", 8002)])).state(), "applied");
    }
}

#[test]
fn somebody_elses_change_in_the_same_second_counts_too() {
    let Some(mut bench) = bench() else { return };
    bench.wait(250);
    assert_eq!(bench.admin.put(Some("theirs"), br#"{"routes":[{"id":"theirs","uri":"/x"}]}"#).0, 202);
    let reply = bench.stream(&routes("1", &[("/", "a")]));
    assert_eq!((reply.state().as_str(), &reply.json()["apply"]["retry_after_ms"]), ("deferred", &json!(760)));
    bench.wait(760);
    assert_eq!(bench.flush().state(), "applied");
}

#[test]
fn a_route_moves_to_a_new_upstream_in_three_steps() {
    let Some(mut bench) = applied() else { return };
    bench.stream_with(&[("x-amesh-hold", "1")], &routes("2", &[("/", "b")]));
    let old = bench.admin.items("upstreams")[0]["id"].clone();
    let mut reply = bench.stream(&clusters("2", &[("b", 8002)]));
    let mut seen = Vec::new();
    while reply.state() == "deferred" {
        assert_eq!(reply.json()["apply"]["retry_after_ms"], 1_100);
        let upstreams = bench.admin.items("upstreams").len();
        let uses_old =
            bench.admin.items("routes").iter().any(|route| route.to_string().contains(old.as_str().unwrap()));
        seen.push((upstreams, uses_old));
        bench.wait(1_100);
        reply = bench.flush();
    }
    assert_eq!(reply.state(), "applied");
    assert_eq!(seen, [(2, true), (2, false)], "first the new upstream, then the route, then the old one away");
    assert_eq!(bench.admin.items("upstreams").len(), 1);
}

#[test]
fn failures_lose_nothing() {
    let away = Some(Fault::Away);
    let error = |status, body| Some(Fault::Status(status, body));
    for (faults, message) in [
        (vec![away], "did not answer"),
        (
            vec![error(401, r#"{"error_msg":"failed to check token","description":"wrong apikey"}"#)],
            "401 failed to check token",
        ),
        (vec![error(404, "<html>")], "answered 404"),
        (vec![error(200, "<html>")], "cannot be read"),
        (vec![error(200, "{}")], "no usable upstreams_conf_version"),
        (vec![None, away], "did not answer"),
        (vec![None, error(500, r#"{"error_msg":"failed to save config to shared dict: no memory"}"#)], "no memory"),
        (vec![None, error(302, "")], "answered 302"),
        (vec![None, error(400, r#"{"error_msg":"routes_conf_version must be greater than or equal to (9)"}"#)], "(9)"),
    ] {
        let Some(mut bench) = bench() else { return };
        bench.faults = faults;
        let reply = bench.stream(&routes("1", &[("/", "a")]));
        assert_eq!((reply.state().as_str(), &reply.json()["verdict"]), ("retry", &json!("ack")), "{}", reply.text);
        let apply = &reply.json()["apply"];
        assert!(apply["message"].as_str().unwrap().contains(message), "{message}: {}", reply.text);
        assert_eq!(apply["retry_after_ms"], 1_000);
        assert!(!reply.text.contains("adm1n"), "no secret in an answer");
        bench.wait(2_000);
        assert_eq!(bench.flush().state(), "applied", "after: {message}");
        assert_eq!(bench.admin.items("upstreams").len(), 1);
    }
}

#[test]
fn the_wait_after_failures_grows_to_half_a_minute() {
    let Some(mut bench) = bench() else { return };
    bench.faults = vec![Some(Fault::Away); 8];
    let mut waits = vec![bench.stream(&routes("1", &[("/", "a")])).json()["apply"]["retry_after_ms"].clone()];
    waits.extend((0..7).map(|_| bench.flush().json()["apply"]["retry_after_ms"].clone()));
    assert_eq!(json!(waits), json!([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]));
    assert_eq!(bench.flush().state(), "applied");
}

#[test]
fn a_refused_configuration_is_a_nack_and_is_not_offered_again() {
    let Some(mut bench) = applied() else { return };
    let refusal = "failed to check the configuration of plugin proxy-rewrite err: ...";
    bench.admin.refuse = Some(("8002".to_owned(), refusal.to_owned()));
    let answer = bench.stream(&clusters("2", &[("a", 8002)])).json();
    assert_eq!((&answer["apply"]["state"], &answer["verdict"]), (&json!("refused"), &json!("nack")));
    assert!(answer["error_detail"].as_str().unwrap().contains(refusal), "{answer}");
    assert!(answer["apply"]["message"].as_str().unwrap().contains(refusal), "{answer}");
    bench.wait(2_000);
    assert_eq!(bench.flush().state(), "unchanged");
    let answer = bench.stream(&clusters("3", &[("a", 8003)])).json();
    assert_eq!(answer["apply"]["state"], "applied", "a better one is taken: {answer}");
    assert!(bench.admin.items("upstreams")[0].to_string().contains("8003"));
}

#[test]
fn an_id_that_is_taken_is_refused_with_its_name() {
    let Some(mut bench) = applied() else { return };
    let id = bench.admin.items("upstreams")[0]["id"].as_str().unwrap().to_owned();
    let foreign = json!({ "upstreams": [{ "id": id, "nodes": {} }] }).to_string();
    assert_eq!(bench.admin.put(Some("theirs"), foreign.as_bytes()).0, 202);
    bench.wait(2_000);
    let answer = bench.stream(&clusters("2", &[("a", 8002)])).json();
    assert_eq!(answer["apply"]["state"], "refused");
    assert!(answer["apply"]["message"].as_str().unwrap().contains(&id), "{answer}");
    assert_eq!(ids(&bench.admin.items("upstreams")), [id]);
}

#[test]
fn a_replay_that_changes_nothing_writes_nothing() {
    let Some(mut bench) = applied() else { return };
    bench.open();
    bench.stream_with(&[("x-amesh-hold", "1")], &clusters("1", &[("a", 8001)]));
    bench.stream_with(&[("x-amesh-hold", "1")], &listeners("1"));
    assert_eq!(bench.stream(&routes("1", &[("/", "a")])).state(), "applied");
    assert_eq!(bench.calls, ["GET"]);
}

#[test]
fn a_replay_removes_what_is_left_of_an_earlier_session() {
    let Some(mut bench) = applied() else { return };
    bench.open();
    bench.stream(&clusters("1", &[]));
    bench.stream(&listeners("1"));
    assert_eq!(bench.stream(&routes("1", &[])).state(), "deferred", "routes first");
    bench.wait(1_100);
    assert_eq!(bench.flush().state(), "applied");
    assert_eq!(bench.admin.items("upstreams"), Vec::<Value>::new());
}

#[test]
fn an_apisix_that_forgot_everything_is_filled_again() {
    let Some(mut bench) = applied() else { return };
    bench.admin.stored.clear();
    assert_eq!(bench.stream(&clusters("2", &[("a", 8002)])).state(), "applied");
    assert!(!bench.admin.items("routes").is_empty() && bench.admin.items("upstreams").len() == 1);
}

#[test]
fn one_call_at_a_time() {
    let Some(mut bench) = bench() else { return };
    let Step::Call(pending, call) = bench.begin_stream(&[], &routes("1", &[("/", "a")])) else { panic!("no call") };
    let busy = bench.flush();
    assert_eq!((busy.status, &busy.json()["error"], busy.headers["retry-after"].as_str()), (503, &json!("busy"), "1"));
    assert_eq!(bench.open().status, 503);
    assert_eq!(bench.page("/v1/status").json()["busy"], true, "pages are answered");
    bench.configure(r#"{"apply":"standalone","admin":{"key":"other"}}"#);
    assert_eq!(bench.open().status, 503, "whatever the configuration says by now");
    bench.configure(CONF);
    let answer = bench.call(&call);
    let step = bench.resume(pending, answer);
    assert_eq!(bench.finish(step).state(), "applied");
    assert_eq!(bench.page("/v1/status").json()["busy"], false);
    assert_eq!(bench.flush().state(), "unchanged");
}

#[test]
fn a_caller_that_leaves_holds_nothing_up() {
    let Some(mut bench) = bench() else { return };
    let Step::Call(reading, _) = bench.begin_stream(&[], &routes("1", &[("/", "a")])) else { panic!("no call") };
    bench.cancel(reading);
    assert_eq!(bench.page("/v1/status").json()["busy"], false);
    assert_eq!(bench.flush().state(), "applied");
    bench.wait(1_100);
    let Step::Call(reading, call) = bench.begin_stream(&[], &routes("2", &[("/b", "a")])) else { panic!("no call") };
    let answer = bench.call(&call);
    let Step::Call(writing, call) = bench.resume(reading, answer) else { panic!("no second call") };
    bench.call(&call);
    bench.cancel(writing);
    assert_eq!(bench.flush().state(), "deferred", "the change may have been made just now");
    bench.wait(1_100);
    assert_eq!(bench.flush().state(), "applied");
    assert_eq!(bench.calls.last().map(String::as_str), Some("GET"), "it was made: there is nothing to write");
    assert_eq!(bench.flush().state(), "unchanged");
}

#[test]
fn secrets_are_shown_nowhere() {
    let Some(mut bench) = applied() else { return };
    bench.faults = vec![Some(Fault::Away)];
    bench.stream(&clusters("2", &[("a", 8002)]));
    for path in ["/v1/status", "/v1/config", "/v1/diagnostics", "/metrics"] {
        assert!(!bench.page(path).text.contains("adm1n"), "{path}");
    }
    assert!(!bench.log().join("\n").contains("adm1n"));
}

/// A filter that lets requests with this key pass, in a header, a query parameter or a cookie.
fn key_filter(keys: &[&str]) -> Value {
    let credentials: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "client": "c" })).collect();
    let kind = "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth";
    let sources = json!([{ "header": "x-key" }, { "query": "key" }, { "cookie": "key" }]);
    json!({ "name": "key", "typedConfig": { "@type": kind, "credentials": credentials, "keySources": sources } })
}

#[test]
fn keys_stand_in_the_document_and_are_shown_nowhere() {
    let Some(mut bench) = applied() else { return };
    let first = bench.stream(&listeners_with("2", vec![key_filter(&["s3cr3tkey"])]));
    assert_eq!(first.state(), "applied");
    assert!(json!(bench.admin.items("routes")).to_string().contains("s3cr3tkey"), "the filter is translated");
    bench.wait(5_000);
    let refused = bench.stream(&listeners_with("3", vec![key_filter(&["s3cr3tkey", "s3cr3tkey"])]));
    assert_eq!(refused.json()["verdict"], "nack");
    let pages = ["/v1/status", "/v1/config", "/v1/diagnostics", "/metrics"].map(|path| bench.page(path).text);
    for text in [&first.text, &refused.text, &bench.log().join("\n")].into_iter().chain(&pages) {
        // Neither as it is nor letter by letter in a pattern.
        assert!(!text.contains("s3cr3t") && !text.contains("(?:s|"), "{text}");
    }
    assert!(pages[1].contains("(secret)"));
}
