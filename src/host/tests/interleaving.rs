//! Other requests enter the VM while a call is outstanding.

use amesh_host::{HttpCall, HttpReply, HttpRequest, HttpResponse, Pending, Step};

use crate::harness::{Bench, get, plugin, variables};

/// `/call` makes a call and answers with the body of its reply; everything else is answered with the number of
/// requests seen so far.
const MODULE: &str = r#"
    (global $seen (mut i32) (i32.const 48))
    (func $answer (param $address i32) (param $size i32)
      (drop (call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0) (local.get $address)
        (local.get $size) (i32.const 0) (i32.const 0) (i32.const -1))))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
      (drop (call $proxy_get_property @"request_uri" (i32.const 8) (i32.const 12)))
      (if (i32.eq (i32.load (i32.const 12)) (i32.const 5))
        (then (drop (call $proxy_http_call @"h:1" @map":method=GET|:scheme=http|:path=/|:authority=h" (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16))))
        (else (i32.store8 (i32.const 20) (global.get $seen)) (call $answer (i32.const 20) (i32.const 1))))
      (i32.const 1))
    (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
      (drop (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 8) (i32.const 12)))
      (call $answer (i32.load (i32.const 8)) (i32.load (i32.const 12))))
    (func (export "proxy_on_delete") (param i32) (call $note (local.get 0)))"#;

fn begin(bench: &mut Bench) -> (Pending, HttpCall) {
    let context = bench.context.as_ref().unwrap();
    match bench.instance.begin(context, HttpRequest::new("GET", "/call", "h"), variables()).unwrap() {
        Step::Call(pending, call) => (pending, call),
        Step::Done(response) => panic!("{response:?}"),
    }
}

fn body(step: Step) -> Vec<u8> {
    match step {
        Step::Done(HttpResponse::Local(response)) => response.body.to_vec(),
        Step::Done(other) => panic!("{other:?}"),
        Step::Call(_, call) => panic!("{call:?}"),
    }
}

#[test]
fn requests_interleave_and_keep_their_own_replies() {
    let mut bench = Bench::new(&plugin(MODULE));
    let (first, _) = begin(&mut bench);
    let (second, _) = begin(&mut bench);
    assert_eq!(bench.get().unwrap().local().unwrap().body, "3", "they share the VM's state");
    let second = bench.instance.resume(second, Some(HttpReply::new(200, "for the second"))).unwrap();
    let first = bench.instance.resume(first, Some(HttpReply::new(200, "for the first"))).unwrap();
    assert_eq!((body(first), body(second)), (b"for the first".to_vec(), b"for the second".to_vec()));
    assert_eq!(bench.said(), ["04", "03", "02"], "contexts end with their requests");
}

#[test]
fn a_plugin_context_lives_until_its_last_request_has_ended() {
    let mut bench = Bench::new(&plugin(MODULE));
    let (pending, _) = begin(&mut bench);
    bench.instance.release(bench.context.take().unwrap()).unwrap();
    assert!(bench.said().is_empty());
    bench.instance.resume(pending, Some(HttpReply::new(200, "late"))).unwrap();
    assert_eq!(bench.said(), ["02", "01"]);
}

#[test]
fn a_trap_in_one_request_ends_the_others_too() {
    let trap = MODULE.replace("(i32.store8 (i32.const 20) (global.get $seen))", "unreachable");
    let mut bench = Bench::new(&plugin(&trap));
    let (pending, _) = begin(&mut bench);
    let error = bench.send(get()).unwrap_err();
    let later = bench.instance.resume(pending, None);
    assert_eq!(later.err(), Some(error));
}

#[test]
fn a_request_that_is_cancelled_ends_without_its_reply() {
    let mut bench = Bench::new(&plugin(MODULE));
    let (first, _) = begin(&mut bench);
    let (second, _) = begin(&mut bench);
    bench.instance.cancel(first);
    assert_eq!(bench.said(), ["02"]);
    let second = bench.instance.resume(second, Some(HttpReply::new(200, "for the second"))).unwrap();
    assert_eq!(body(second), b"for the second");
    assert_eq!(bench.said(), ["03"]);
    let (last, _) = begin(&mut bench);
    bench.instance.release(bench.context.take().unwrap()).unwrap();
    bench.instance.cancel(last);
    assert_eq!(bench.said(), ["02", "01"], "the number is free again; the plugin context has waited");
}
