//! Life cycle of plugin and HTTP contexts.

use amesh_host::HostError;

use crate::harness::{Bench, get, plugin, plugin_without_configure, variables};

/// Says a letter and the context's number at every step.
const STEPS: &str = r#"
    (func $say (param $letter i32) (param $id i32)
      (i32.store8 (i32.const 20) (local.get $letter))
      (i32.store8 (i32.const 21) (i32.add (i32.const 48) (local.get $id)))
      (drop (call $proxy_log (i32.const 3) (i32.const 20) (i32.const 2))))
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
      (call $say (i32.const 33) (i32.const 0)) (i32.const 1))
    (func (export "proxy_on_context_create") (param i32 i32)
      (call $say (i32.const 67) (local.get 0)) (call $say (i32.const 60) (local.get 1)))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (call $say (i32.const 72) (local.get 0)) (i32.const 0))
    (func (export "proxy_on_done") (param i32) (result i32) (call $say (i32.const 68) (local.get 0)) (i32.const 1))
    (func (export "proxy_on_delete") (param i32) (call $say (i32.const 88) (local.get 0)))"#;

#[test]
fn a_request_has_a_context_of_its_own_whose_number_is_used_again() {
    let mut bench = Bench::new(&plugin(STEPS));
    assert_eq!(bench.log(), ["C1", "<0"]);
    bench.get().unwrap();
    let request = ["C2", "<1", "H2", "D2", "X2"];
    assert_eq!(bench.log(), request);
    bench.get().unwrap();
    assert_eq!(bench.log(), request);
}

#[test]
fn plugin_contexts_are_released_and_their_numbers_used_again() {
    let mut bench = Bench::new(&plugin(STEPS));
    let second = bench.instance.configure("{}").unwrap();
    assert_eq!((bench.context.as_ref().unwrap().id(), second.id()), (1, 2));
    bench.log();
    bench.instance.release(bench.context.take().unwrap()).unwrap();
    assert_eq!(bench.log(), ["D1", "X1"]);
    let (first, third) = (bench.instance.configure("{}").unwrap(), bench.instance.configure("{}").unwrap());
    assert_eq!((first.id(), third.id()), (1, 3));
    bench.instance.release(third).unwrap();
    bench.instance.release(first).unwrap();
    assert_eq!(bench.instance.configure("{}").unwrap().id(), 3, "the longest unused first");
}

#[test]
fn a_refused_configuration_ends_the_context() {
    let refuse = format!(r#"{STEPS} (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))"#);
    let bench = Bench::new(&plugin_without_configure(&refuse));
    assert_eq!(bench.log(), ["C1", "<0", "D1", "X1"]);
}

#[test]
fn a_context_of_another_instance_is_unknown() {
    let mut bench = Bench::new(&plugin(STEPS));
    let foreign = {
        let mut other = Bench::new(&plugin(STEPS));
        other.instance.configure("{}").unwrap()
    };
    let result = bench.instance.begin(&foreign, get(), variables());
    assert_eq!(result.err(), Some(HostError::UnknownContext(2)));
    assert_eq!(bench.instance.release(foreign), Err(HostError::UnknownContext(2)));
}
