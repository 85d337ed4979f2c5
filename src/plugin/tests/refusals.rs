//! Who is not served, and what a wrong configuration says.

use serde_json::json;

use crate::support::bench::Bench;

#[test]
fn a_wrong_configuration_explains_itself_to_callers_and_in_the_log() {
    let Some(mut bench) = Bench::new(r#"{"tokn":"s3cret"}"#) else { return };
    let reply = bench.open();
    assert_eq!((reply.status, &reply.json()["error"]), (500, &json!("misconfigured")));
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("unknown field `tokn`"), "{message}");
    assert_eq!(bench.log(), [message]);
    assert_eq!(bench.page("/v1/status").status, 500);
}

#[test]
fn callers_are_checked_before_anything_else() {
    let Some(mut bench) = Bench::new(r#"{"token":"s3cret"}"#) else { return };
    let reply = bench.open();
    assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("unauthorized")));
    assert_eq!(bench.ask("GET /amesh/v1/status", &[("authorization", "Bearer s3cret")], b"").status, 200);
    bench.remote = "192.0.2.1";
    let reply = bench.ask("GET /amesh/v1/status", &[("authorization", "Bearer s3cret")], b"");
    assert_eq!((reply.status, &reply.json()["error"]), (403, &json!("forbidden")));
}

#[test]
fn headers_that_are_no_text_are_no_trap() {
    let Some(mut bench) = Bench::new(r#"{"token":"s3cret"}"#) else { return };
    // A header that is not UTF-8 cannot be written as a &str: this is as near as a caller of the bench gets.
    let reply = bench.ask("GET /amesh/v1/status", &[("authorization", "Bearer \u{ff}\u{0}")], b"");
    assert_eq!(reply.status, 401);
}

#[test]
fn what_is_too_large_is_not_taken_in() {
    let Some(mut bench) = Bench::new(r#"{"limits":{"message_bytes":10}}"#) else { return };
    bench.open();
    let reply = bench.stream(b"eleven bytes");
    assert_eq!((reply.status, &reply.json()["error"]), (413, &json!("too-large")));
    assert_eq!(bench.flush().status, 200, "and the session goes on");
}

#[test]
fn other_paths_and_methods() {
    let Some(mut bench) = Bench::new("{}") else { return };
    for (line, status, error) in [
        ("GET /amesh/v2/status", 404, "not-found"),
        ("GET /", 404, "not-found"),
        ("DELETE /amesh/v1/session", 405, "method-not-allowed"),
        ("POST /amesh/v1/session", 400, "bad-request"),
    ] {
        let reply = bench.ask(line, &[], b"");
        assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{line}");
        assert_eq!(reply.headers["content-type"], "application/json");
    }
}
