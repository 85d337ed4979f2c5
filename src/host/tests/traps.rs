//! Traps, and other callbacks that fail.

use amesh_host::{Config, HostError, Module};

use crate::harness::{Bench, get, on_request, plugin, plugin_without_configure};

fn trapped(bench: &mut Bench) -> String {
    let error = bench.get().unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.status, 503);
    assert!(response.body.starts_with(b"<html>"));
    let HostError::Trapped { callback, message } = error else { panic!("{error}") };
    format!("{callback}: {message}")
}

#[test]
fn a_trap_leaves_the_instance_unusable_until_the_module_is_instantiated_again() {
    let module = plugin(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (drop (i32.load (i32.const -8))) (i32.const 0))"#,
    );
    let mut bench = Bench::new(&module);
    let first = trapped(&mut bench);
    assert!(first.starts_with("proxy_on_request_headers: "), "{first}");
    assert_eq!(trapped(&mut bench), first);
    assert!(matches!(bench.instance.configure("{}"), Err(HostError::Trapped { .. })));
    assert!(bench.instance.release(bench.context.take().unwrap()).is_err());

    let reloaded = Module::load(&module, Config::default()).unwrap().instantiate("amesh").unwrap().configure("{}");
    assert!(reloaded.is_ok());
}

#[test]
fn all_kinds_of_traps() {
    for text in [
        "unreachable",
        "(i32.div_u (i32.const 1) (i32.const 0))",
        "(call_indirect (result i32) (i32.const 0))",
        "(call $recurse)",
    ] {
        let module = plugin(&format!(
            r#"(table 1 funcref) (func $recurse (result i32) (i32.add (call $recurse) (i32.const 1)))
               (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {text})"#
        ));
        trapped(&mut Bench::new(&module));
    }
}

#[test]
fn a_wrongly_typed_callback_fails() {
    let wrong_parameters =
        plugin(r#"(func (export "proxy_on_request_headers") (param i32) (result i32) (i32.const 0))"#);
    trapped(&mut Bench::new(&wrong_parameters));
    let wrong_result =
        plugin(r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i64) (i64.const 0))"#);
    trapped(&mut Bench::new(&wrong_result));
}

#[test]
fn a_negative_action_is_503_for_this_request_only() {
    let module = plugin(
        r#"(global $count (mut i32) (i32.const -1))
           (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (global.get $count) (global.set $count (i32.const 0)))"#,
    );
    let mut bench = Bench::new(&module);
    let error = bench.get().unwrap_err();
    assert_eq!(error, HostError::CallbackFailed { callback: "proxy_on_request_headers", code: -1 });
    assert_eq!(error.response().unwrap().status, 503);
    assert!(bench.get().is_ok());
}

#[test]
fn a_pending_call_is_made_even_after_a_trap() {
    let module = on_request(
        r#"(drop (call $proxy_http_call @"h:1" @map":method=PUT|:scheme=http|:path=/|:authority=h" (i32.const 0)
             (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16))) unreachable"#,
    );
    let mut calls = 0;
    let result = Bench::new(&module).send_with(get(), |_| {
        calls += 1;
        None
    });
    assert!(matches!(result, Err(HostError::Trapped { .. })));
    assert_eq!(calls, 1);
}

#[test]
fn a_refused_configuration_is_tried_again() {
    let module = plugin_without_configure(
        r#"(global $count (mut i32) (i32.const -1))
           (func (export "proxy_on_configure") (param i32 i32) (result i32)
             (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))"#,
    );
    let mut bench = Bench::new(&module);
    assert!(bench.context.is_none());
    assert!(matches!(bench.instance.configure(""), Err(HostError::Configuration(_))));
    assert!(bench.instance.configure("{}").is_ok());
    let mut without = Bench::new(&plugin_without_configure(""));
    let error = without.instance.configure("{}").unwrap_err();
    assert_eq!(error.response().unwrap().status, 503, "a missing callback counts as 0");
}

#[test]
fn long_loops_need_no_native_stack() {
    let module = on_request(
        "(local $count i32)
         (loop $again
           (local.set $count (i32.add (local.get $count) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $count) (i32.const 5000000))))
         (i32.const 0)",
    );
    assert!(Bench::new(&module).get().is_ok());
}
