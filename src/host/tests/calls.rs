//! HTTP calls: `proxy_http_call` and its callback.

use std::time::Duration;

use amesh_host::{Header, HostError, HttpCall, HttpReply, HttpResponse};

use crate::harness::{Bench, get, on_request, plugin, said};

const ALL_FOUR: &str = ":method=PUT|:scheme=https|:path=/admin?x=1|:authority=gate|X-Key=1|x-key=2";

fn call(upstream: &str, map: &str, body: &str, timeout: i32) -> String {
    format!(
        r#"(call $note (call $proxy_http_call @"{upstream}" @map"{map}" @"{body}" (i32.const 0) (i32.const 0)
             (i32.const {timeout}) (i32.const 16)))"#
    )
}

/// Calls in the headers callback; says what the callback of the call receives.
fn caller(dispatch: &str, in_response: &str) -> Vec<u8> {
    plugin(&format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {dispatch} (i32.const 1))
           (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
             (call $note (local.get 0)) (call $note (local.get 1)) (call $note (local.get 2))
             (call $note (local.get 3)) (call $note (local.get 4)) {in_response})"#
    ))
}

fn recorded(bench: &mut Bench) -> (Result<HttpResponse, HostError>, Vec<HttpCall>) {
    let mut calls = Vec::new();
    let result = bench.send_with(get(), |call| {
        calls.push(call);
        Some(HttpReply::new(200, "ok"))
    });
    (result, calls)
}

#[test]
fn the_call_carries_what_the_module_gave() {
    let mut bench = Bench::new(&caller(&call("127.0.0.1:9180", ALL_FOUR, "body", 300), ""));
    let (_, calls) = recorded(&mut bench);
    let expected = HttpCall {
        upstream: "127.0.0.1:9180".into(),
        method: "PUT".into(),
        scheme: "https".into(),
        path: "/admin?x=1".into(),
        headers: vec![Header::new("host", "gate"), Header::new("X-Key", "1"), Header::new("x-key", "2")],
        body: "body".into(),
        timeout: Some(Duration::from_millis(300)),
    };
    assert_eq!(calls, [expected]);
    assert_eq!(calls[0].url(), "https://127.0.0.1:9180/admin?x=1");
}

#[test]
fn the_reply_comes_with_the_plugin_context_and_the_token() {
    let read = r#"
        (call $tell (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 9)
          (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_header_map_value (i32.const 6) @"x-a" (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_header_map_value (i32.const 6) @":status" (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_header_map_pairs (i32.const 6) (i32.const 8) (i32.const 12)))"#;
    let mut bench = Bench::new(&caller(&call("h", ALL_FOUR, "", 0), read));
    let reply = HttpReply { status: 202, headers: vec![Header::new("X-A", "b")], body: "done".into() };
    bench.send_with(get(), |_| Some(reply.clone())).unwrap();
    let said = bench.said();
    assert_eq!(said[..9], ["00", "01", "00", "02", "04", "00", "done", "b", "202"]);
    assert!(said[9].ends_with("x-a\0b\0:status\x00202\0"), "{said:?}");
    bench.send_with(get(), |_| Some(reply.clone())).unwrap();
    assert_eq!(bench.said()[2], "01", "tokens count up");
}

#[test]
fn a_failed_call_has_neither_headers_nor_body() {
    let read = r#"
        (call $tell (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 9)
          (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_header_map_value (i32.const 6) @":status" (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_header_map_pairs (i32.const 6) (i32.const 8) (i32.const 12)))"#;
    let module = caller(&call("h", ALL_FOUR, "", 0), read);
    assert_eq!(said(&module), ["00", "01", "00", "00", "00", "00", "01", "01", "01"]);
}

#[test]
fn the_request_goes_on_after_the_call_even_if_it_was_paused() {
    let mut bench = Bench::new(&caller(&call("h", ALL_FOUR, "", 0), ""));
    assert!(matches!(recorded(&mut bench).0.unwrap(), HttpResponse::Upstream(_)));
}

#[test]
fn a_call_is_made_even_after_continue() {
    let mut bench = Bench::new(&on_request(&format!("{} (i32.const 0)", call("h", ALL_FOUR, "", 0))));
    assert_eq!(recorded(&mut bench).1.len(), 1);
}

#[test]
fn calls_can_be_chained_from_the_callback() {
    let chain = format!("(if (i32.lt_u (local.get 1) (i32.const 2)) (then {}))", call("h", ALL_FOUR, "", 0));
    let mut bench = Bench::new(&caller(&call("h", ALL_FOUR, "", 0), &chain));
    let (result, calls) = recorded(&mut bench);
    assert!(matches!(result.unwrap(), HttpResponse::Upstream(_)));
    assert_eq!(calls.len(), 3);
}

#[test]
fn a_second_call_while_one_is_pending_fails_and_leaves_the_first_alone() {
    let two = call("first", ALL_FOUR, "", 0) + &call("second", ALL_FOUR, "", 0);
    let mut bench = Bench::new(&on_request(&format!("{two} (i32.const 1)")));
    let (_, calls) = recorded(&mut bench);
    assert_eq!(calls.iter().map(|call| call.upstream.as_str()).collect::<Vec<_>>(), ["first"]);
    let log = bench.log();
    assert_eq!(log[..3], ["00", "Error: multiple calls are not supported", "10"]);
}

#[test]
fn bad_upstreams_are_bad_arguments() {
    for upstream in ["", ":80", "h:", "h:0", "h:65536", "h:x", "h/path", "[::1"] {
        let module = on_request(&format!("{} (i32.const 0)", call(upstream, ALL_FOUR, "", 0)));
        assert_eq!(said(&module), ["02"], "{upstream:?}");
    }
    for upstream in ["h", "h:80", "127.0.0.1:9180", "[::1]", "[::1]:80", "unix:/run/x.sock"] {
        let module = on_request(&format!("{} (i32.const 0)", call(upstream, ALL_FOUR, "", 0)));
        assert_eq!(said(&module), ["00"], "{upstream:?}");
    }
    let negative = on_request(&format!("{} (i32.const 0)", call("h", ALL_FOUR, "", -1)));
    assert_eq!(said(&negative), ["10"]);
}

#[test]
fn a_timeout_of_zero_is_none() {
    let mut bench = Bench::new(&caller(&call("h", ALL_FOUR, "", 0), ""));
    assert_eq!(recorded(&mut bench).1[0].timeout, None);
}

#[test]
fn missing_pseudo_headers_are_an_error_in_strict_mode() {
    for (map, missing) in [
        (":scheme=http|:path=/|:authority=h", ":method"),
        (":method=GET|:path=/|:authority=h", ":scheme"),
        (":method=GET|:scheme=http|:authority=h", ":path"),
    ] {
        let mut bench = Bench::new(&caller(&call("h", map, "", 0), ""));
        assert_eq!(recorded(&mut bench).0, Err(HostError::MissingPseudoHeader(missing)));
    }
    let mut bench = Bench::new(&caller(&call("h", ":method=GET|:scheme=http|:path=/", "", 0), ""));
    let (result, calls) = recorded(&mut bench);
    assert!(result.is_ok() && calls[0].headers.is_empty(), "the authority is never inherited");
}

#[test]
fn missing_pseudo_headers_are_inherited_from_the_previous_call() {
    let first = call("h", "a=b", "", 0);
    let mut bench = Bench::lenient(&caller(&first, ""));
    let calls = recorded(&mut bench).1;
    assert_eq!((calls[0].method.as_str(), calls[0].url()), ("GET", "http://h".to_owned()));

    let chain = format!("(if (i32.eqz (local.get 1)) (then {}))", call("other", "a=b", "", 0));
    let mut bench = Bench::lenient(&caller(&call("h", ALL_FOUR, "body", 0), &chain));
    let calls = recorded(&mut bench).1;
    assert_eq!((calls[1].method.as_str(), calls[1].url()), ("PUT", "https://other/admin?x=1".to_owned()));
    assert!(calls[1].body.is_empty() && calls[1].headers == [Header::new("a", "b")]);
}

#[test]
fn a_path_gets_its_leading_slash() {
    let map = ":method=|:scheme=|:path=x|:authority=h";
    let mut bench = Bench::new(&caller(&call("h", map, "", 0), ""));
    let calls = recorded(&mut bench).1;
    assert_eq!((calls[0].method.as_str(), calls[0].url()), ("GET", "http://h/x".to_owned()));
}

#[test]
fn no_calls_while_a_response_is_sent() {
    let module = plugin(&format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (drop (call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0) @"x"
               (i32.const 0) (i32.const 0) (i32.const -1)))
             (i32.const 1))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) {} (i32.const 0))"#,
        call("h", ALL_FOUR, "", 0)
    ));
    assert_eq!(said(&module), ["02"]);
}
