//! Local responses and the response callbacks.

use amesh_host::BodySource;

use crate::harness::{Bench, on_request, plugin, said};

fn answer(status: i32, map: &str, body: &str) -> String {
    format!(
        r#"(call $note (call $proxy_send_local_response (i32.const {status}) (i32.const 0) (i32.const 0)
             @"{body}" @map"{map}" (i32.const -1)))"#
    )
}

fn answering(status: i32, map: &str, body: &str) -> Bench {
    Bench::new(&on_request(&format!("{} (i32.const 1)", answer(status, map, body))))
}

#[test]
fn status_headers_and_body_are_sent() {
    let response = answering(418, "X-A=1|X-A=2|Server=mine|content-type=application/json", "{}").local();
    assert_eq!((response.status, &response.body[..], response.source), (418, &b"{}"[..], BodySource::Module));
    let headers: Vec<String> =
        response.headers.iter().map(|header| format!("{}: {}", header.name, header.text())).collect();
    assert_eq!(headers, ["X-A: 1", "X-A: 2", "content-type: application/json"]);
    assert_eq!(response.header("CONTENT-LENGTH"), None);
}

#[test]
fn the_default_type_is_plain_text() {
    assert_eq!(answering(200, "", "x").local().header("content-type").unwrap(), "text/plain; charset=utf-8");
}

#[test]
fn an_error_without_a_body_becomes_a_page() {
    for status in [301, 404, 409, 429, 500, 503, 507] {
        let response = answering(status, "", "").local();
        assert_eq!((i32::from(response.status), response.source), (status, BodySource::ErrorPage));
        assert!(response.body.starts_with(b"<html>"));
        assert_eq!(response.header("content-type").unwrap(), "text/html; charset=utf-8");
    }
}

#[test]
fn other_statuses_may_be_empty() {
    for status in [200, 202, 204, 300, 304, 418, 451, 599, 600] {
        let response = answering(status, "", "").local();
        assert_eq!((i32::from(response.status), response.source), (status, BodySource::Module));
        assert!(response.body.is_empty(), "{status}");
    }
    assert!(answering(204, "", "dropped").local().body.is_empty());
}

#[test]
fn the_action_does_not_matter() {
    let mut bench = Bench::new(&on_request(&format!("{} (i32.const 0)", answer(200, "", "x"))));
    assert_eq!(bench.local().body, "x");
}

#[test]
fn the_last_one_wins() {
    let two = answer(200, "x-first=1", "first") + &answer(201, "x-second=1", "second");
    let response = Bench::new(&on_request(&format!("{two} (i32.const 1)"))).local();
    assert_eq!((response.status, &response.body[..]), (201, &b"second"[..]));
    assert!(response.header("x-first").is_some() && response.header("x-second").is_some());
}

#[test]
fn an_action_of_100_or_more_is_a_status() {
    assert_eq!(Bench::new(&on_request("(i32.const 404)")).local().status, 404);
}

#[test]
fn a_code_is_not_kept_for_the_next_request() {
    let module = plugin(&format!(
        r#"(global $count (mut i32) (i32.const 0))
           (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (if (i32.eqz (global.get $count)) (then {}))
             (global.set $count (i32.const 1)) (i32.const 0))"#,
        answer(200, "", "x")
    ));
    let mut bench = Bench::new(&module);
    assert!(bench.get().unwrap().local().is_some());
    assert!(bench.get().unwrap().local().is_none());
}

#[test]
fn response_callbacks_run_for_local_responses() {
    let module = plugin(&format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {} (i32.const 1))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (call $note (local.get 1)) (call $note (local.get 2))
             (call $tell (call $proxy_get_header_map_value (i32.const 2) @":status" (i32.const 8) (i32.const 12)))
             (drop (call $proxy_add_header_map_value (i32.const 2) @"x-late" @"1"))
             (drop (call $proxy_remove_header_map_value (i32.const 2) @"x-a"))
             (drop (call $proxy_set_property @"wasm_process_resp_body" @"1"))
             {} (i32.const 5))
           (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
             (call $note (local.get 1)) (call $note (local.get 2))
             (call $tell (call $proxy_get_buffer_bytes (i32.const 1) (i32.const 0) (i32.const 9)
               (i32.const 8) (i32.const 12)))
             (i32.const -1))"#,
        answer(202, "x-a=1", "body"),
        answer(500, "", "ignored"),
    ));
    let mut bench = Bench::new(&module);
    let response = bench.local();
    assert_eq!((response.status, &response.body[..]), (202, &b"body"[..]));
    assert!(response.header("x-late").is_some() && response.header("x-a").is_none());
    assert_eq!(bench.said(), ["00", "00", "01", "202", "00", "04", "00", "body", "00", "01", "01"]);
}

#[test]
fn callbacks_of_the_first_abi_have_two_arguments() {
    let module = plugin(
        r#"(func (export "proxy_abi_version_0_1_0"))
           (func (export "proxy_on_request_headers") (param i32 i32) (result i32)
             (call $note (local.get 1)) (i32.const 0))"#,
    );
    assert_eq!(said(&module), ["00"]);
}
