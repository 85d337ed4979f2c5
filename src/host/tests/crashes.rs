//! What kills an nginx worker is a fatal error here.

use amesh_host::{Crash, Header, HostError, HttpReply, HttpRequest};

use crate::harness::{Bench, get, on_request, plugin};

const HEADERS: &str = "proxy_on_request_headers";

fn crash(module: &[u8]) -> Crash {
    let mut bench = Bench::new(module);
    match bench.send_with(get(), |_| Some(HttpReply::new(200, "ok"))) {
        Err(error @ HostError::WouldCrashWorker(_)) => {
            assert_eq!(error.response(), None);
            assert_eq!(bench.get(), Err(error.clone()), "the worker is dead");
            let HostError::WouldCrashWorker(crash) = error else { unreachable!() };
            crash
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pause_with_nothing_pending() {
    assert_eq!(crash(&on_request("(i32.const 1)")), Crash::PauseWithoutCall { callback: HEADERS });
}

#[test]
fn pause_in_the_body_callback() {
    let module = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (drop (call $proxy_set_property @"wasm_process_req_body" @"1")) (i32.const 0))
           (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 1))"#,
    );
    assert_eq!(crash(&module), Crash::PauseWithoutCall { callback: "proxy_on_request_body" });
}

#[test]
fn pause_with_a_status_below_100() {
    let send = |status: i32, action: i32| {
        on_request(&format!(
            "(drop (call $proxy_send_local_response (i32.const {status}) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1))) (i32.const {action})"
        ))
    };
    assert_eq!(crash(&send(99, 1)), Crash::StatusBelow100 { callback: HEADERS, status: 99 });
    assert!(Bench::new(&send(99, 0)).get().unwrap().local().is_none(), "without Pause it is ignored");
}

#[test]
fn unknown_actions_block_the_worker() {
    assert_eq!(crash(&on_request("(i32.const 2)")), Crash::EndlessLoop { callback: HEADERS, action: 2 });
}

#[test]
fn a_call_without_a_header_map() {
    let module = on_request(
        r#"(drop (call $proxy_http_call @"h:1" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
             (i32.const 0) (i32.const 5) (i32.const 16))) (i32.const 1)"#,
    );
    assert_eq!(crash(&module), Crash::NoHeaderMap);
}

#[test]
fn a_header_map_that_lies_about_its_lengths() {
    let call = on_request(
        r#"(drop (call $proxy_http_call @"h:1" @"aaaa" (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 5) (i32.const 16))) (i32.const 1)"#,
    );
    assert_eq!(crash(&call), Crash::MalformedHeaderMap);
    let response = on_request(
        r#"(drop (call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) @"aaaa" (i32.const -1))) (i32.const 1)"#,
    );
    assert_eq!(crash(&response), Crash::MalformedHeaderMap);
}

#[test]
fn negative_addresses_and_overflowing_sizes() {
    let module = on_request("(drop (call $proxy_log (i32.const 3) (i32.const -4) (i32.const 8))) (i32.const 0)");
    assert_eq!(crash(&module), Crash::BeforeMemory { address: -4, size: 8 });
    let module = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (drop (call $proxy_set_property @"wasm_process_req_body" @"1")) (i32.const 0))
           (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
             (call $proxy_get_buffer_bytes (i32.const 0) (i32.const 1) (i32.const 2147483647)
               (i32.const 8) (i32.const 12)))"#,
    );
    let result = Bench::new(&module).send(get().body("hello"));
    assert_eq!(result, Err(Crash::BufferOverrun { start: 1, size: i32::MAX }.into()));
}

#[test]
fn the_plugin_name_outside_of_a_context() {
    let module = plugin(
        r#"(func (export "proxy_on_done") (param i32) (result i32)
             (call $proxy_get_property @"plugin_root_id" (i32.const 8) (i32.const 12)))"#,
    );
    let mut bench = Bench::new(&module);
    assert!(bench.get().is_ok(), "this request was answered before");
    assert_eq!(bench.get(), Err(Crash::NoPluginName.into()));
}

#[test]
fn header_map_of_a_request_without_host() {
    let module = on_request(
        "(drop (call $proxy_get_header_map_pairs (i32.const 0) (i32.const 8) (i32.const 12))) (i32.const 0)",
    );
    let request = HttpRequest { method: "GET".into(), target: "/".into(), ..HttpRequest::default() };
    assert_eq!(Bench::new(&module).send(request), Err(Crash::NoHostHeader.into()));
}

const CALL_THEN_BODY: &str = r#"
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $proxy_set_property @"wasm_process_req_body" @"1"))
      (drop (call $proxy_http_call @"h:1" @map":method=GET|:scheme=http|:path=/|:authority=h"
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16))) (i32.const 1))
    (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
      (call $tell (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 9) (i32.const 8) (i32.const 12)))
      (i32.const 0))"#;

#[test]
fn a_reply_read_after_its_callback() {
    let module = plugin(CALL_THEN_BODY);
    assert_eq!(crash(&module), Crash::StaleReply);
    let mut lenient = Bench::lenient(&module);
    lenient.send_with(get(), |_| Some(HttpReply::new(200, "old"))).unwrap();
    assert_eq!(lenient.said(), ["old"]);
}

#[test]
fn a_reply_with_too_many_headers() {
    let many = |count| HttpReply { headers: vec![Header::new("a", "b"); count], ..HttpReply::new(200, "") };
    let module = plugin(CALL_THEN_BODY.replace("(i32.const 4)", "(i32.const 0)").as_str());
    assert!(Bench::new(&module).send_with(get(), |_| Some(many(127))).is_ok());
    let result = Bench::new(&module).send_with(get(), |_| Some(many(128)));
    assert_eq!(result, Err(Crash::TooManyReplyHeaders(128).into()));
    assert!(Bench::lenient(&module).send_with(get(), |_| Some(many(200))).is_ok());
}
