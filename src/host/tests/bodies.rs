//! Request bodies.

use amesh_host::HttpReply;

use crate::harness::{Bench, get, plugin, said};

const READ: &str = "(call $tell (call $proxy_get_buffer_bytes (i32.const 0) (i32.const 0) (i32.const 100)
  (i32.const 8) (i32.const 12)))";
const ASK: &str = r#"(drop (call $proxy_set_property @"wasm_process_req_body" @"1"))"#;

fn module(ask: &str, in_body: &str) -> Vec<u8> {
    plugin(&format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {READ} {ask} (i32.const 0))
           (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
             (call $note (local.get 1)) (call $note (local.get 2)) {in_body} (i32.const 0))
           (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32) {READ})"#
    ))
}

#[test]
fn the_callback_comes_once_with_everything_and_only_when_asked_for() {
    let mut bench = Bench::new(&module(ASK, READ));
    bench.send(get().body("hello")).unwrap();
    assert_eq!(bench.said(), ["01", "05", "01", "hello"]);
    assert_eq!(said(&module("", READ)), ["01"]);
    let empty = r#"(drop (call $proxy_set_property @"wasm_process_req_body" @""))"#;
    assert_eq!(said(&module(empty, READ)), ["01"]);
}

#[test]
fn an_empty_body_has_a_callback_but_no_buffer() {
    assert_eq!(said(&module(ASK, READ)), ["01", "00", "01", "01"]);
}

#[test]
fn parts_are_cut_at_the_end() {
    let part = |start: i32, size: i32| {
        format!(
            "(call $tell (call $proxy_get_buffer_bytes (i32.const 0) (i32.const {start}) (i32.const {size})
              (i32.const 8) (i32.const 12)))"
        )
    };
    let reads = [part(1, 2), part(3, 99), part(0, i32::MAX), part(5, 1), part(-1, 1), part(0, 0), part(0, -1)].concat();
    let kinds = "(call $note (call $proxy_get_buffer_bytes (i32.const 2) (i32.const 0) (i32.const 1)
      (i32.const 8) (i32.const 12)))";
    let mut bench = Bench::new(&module(ASK, &format!("{reads}{kinds}")));
    bench.send(get().body("hello")).unwrap();
    assert_eq!(bench.said()[3..], ["el", "lo", "hello", "02", "02", "02", "02", "12"]);
}

#[test]
fn the_body_is_gone_in_the_callback_of_a_call() {
    let call = r#"(call $note (call $proxy_http_call @"h:1" @map":method=GET|:scheme=http|:path=/|:authority=h"
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16)))"#;
    let mut bench = Bench::new(&module(ASK, call));
    bench.send_with(get().body("hello"), |_| Some(HttpReply::new(200, ""))).unwrap();
    assert_eq!(bench.said(), ["01", "05", "01", "00", "01"]);
}
