//! Which requests are served, and with what answer the others are refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on shall fail")]

use amesh_translator::Variant;

use super::{Endpoint, Request, check_length};
use crate::config::Config;

fn config() -> Config {
    Config::parse(br#"{"token":"t","limits":{"message_bytes":100}}"#).unwrap()
}

/// Admits a request of `METHOD path` with these headers, from loopback and with the right token.
fn admit(line: &str, headers: &[(&str, &str)]) -> Result<Request, (u32, String)> {
    let (method, path) = line.split_once(' ').unwrap();
    let head = [(":method", method), (":path", path), ("authorization", "Bearer t")];
    let header = |name: &str| {
        let found = headers.iter().chain(&head).find(|(found, _)| *found == name);
        found.map_or(String::new(), |(_, value)| (*value).to_owned())
    };
    refused(Request::admit(&config(), "127.0.0.1", header))
}

fn refused<T>(result: Result<T, crate::answer::Answer>) -> Result<T, (u32, String)> {
    result.map_err(|answer| {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
        (answer.status, body["error"].as_str().unwrap().to_owned())
    })
}

#[test]
fn paths_and_methods_lead_to_endpoints() {
    let session = [("x-amesh-session", "s-1")];
    for (line, endpoint) in [
        ("POST /amesh/v1/session", Endpoint::Session),
        ("POST /amesh/v1/stream?a=b", Endpoint::Stream),
        ("POST /amesh/v1/flush", Endpoint::Flush),
        ("POST /amesh/v1/expire", Endpoint::Expire),
        ("GET /amesh/v1/status", Endpoint::Status),
        ("GET /amesh/v1/config?x", Endpoint::Config),
        ("GET /amesh/v1/diagnostics", Endpoint::Diagnostics),
        ("GET /amesh/metrics", Endpoint::Metrics),
    ] {
        let request = admit(line, &session).unwrap();
        assert_eq!((request.endpoint, request.has_body), (endpoint, line.starts_with("POST")), "{line}");
    }
    for line in
        ["GET /", "GET /v1/status", "GET /ameshv1/status", "GET /amesh", "GET /amesh/v1/status/", "GET /amesh//metrics"]
    {
        assert_eq!(admit(line, &session).unwrap_err(), (404, "not-found".to_owned()), "{line}");
    }
    for line in ["GET /amesh/v1/stream", "POST /amesh/metrics", "HEAD /amesh/v1/status", "get /amesh/v1/status"] {
        assert_eq!(admit(line, &session).unwrap_err(), (405, "method-not-allowed".to_owned()), "{line}");
    }
}

#[test]
fn strangers_learn_nothing() {
    let config = config();
    let header = |name: &str| if name == ":path" { "/nowhere".to_owned() } else { String::new() };
    let error = refused(Request::admit(&config, "10.0.0.1", header)).unwrap_err();
    assert_eq!(error, (403, "forbidden".to_owned()));
    let error = refused(Request::admit(&config, "127.0.0.1", header)).unwrap_err();
    assert_eq!(error, (401, "unauthorized".to_owned()));
}

#[test]
fn headers_are_read() {
    let line = "POST /amesh/v1/stream";
    let request = admit(line, &[("x-amesh-session", "s"), ("x-amesh-sequence", "7")]).unwrap();
    assert_eq!((request.session.as_str(), request.sequence, request.hold), ("s", 7, false));
    assert!(request.envelope.variant == Variant::Sotw && !request.envelope.more);
    let flags = [("x-amesh-session", "s"), ("x-amesh-variant", "delta"), ("x-amesh-more", "1"), ("x-amesh-hold", "1")];
    let request = admit(line, &flags).unwrap();
    assert!(request.envelope.variant == Variant::Delta && request.envelope.more && request.hold);
    assert_eq!(request.sequence, 0, "which is no message's number");
}

#[test]
fn headers_are_checked() {
    let line = "POST /amesh/v1/stream";
    let long = "x".repeat(65);
    for session in ["", "a b", "ä", "a/b", &long] {
        let error = admit(line, &[("x-amesh-session", session)]).unwrap_err();
        assert_eq!(error, (400, "bad-request".to_owned()), "{session}");
    }
    let error = admit(line, &[("x-amesh-session", "s"), ("x-amesh-variant", "SOTW")]).unwrap_err();
    assert_eq!(error, (400, "bad-request".to_owned()));
    let error = admit(line, &[("x-amesh-session", "s"), ("content-length", "101")]).unwrap_err();
    assert_eq!(error, (413, "too-large".to_owned()));
    admit(line, &[("x-amesh-session", "s"), ("content-length", "100")]).unwrap();
}

#[test]
fn bodies_without_a_stated_length_are_checked_too() {
    assert!(check_length(&config(), 100).is_ok());
    assert_eq!(refused(check_length(&config(), u64::MAX)).unwrap_err(), (413, "too-large".to_owned()));
}
