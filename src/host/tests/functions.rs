//! Functions that do nothing, and those that need a request.

use amesh_host::{Behaviour, HOST_FUNCTIONS, ValueType};

use crate::harness::{Bench, on_request, plugin, plugin_without_configure, said};

fn call(name: &str, parameters: &[ValueType]) -> String {
    let zeros: String =
        parameters.iter().map(|ty| if *ty == ValueType::I64 { " (i64.const 0)" } else { " (i32.const 0)" }).collect();
    format!("(call $note (call ${name}{zeros}))")
}

#[test]
fn unimplemented_functions_say_so_and_ignored_ones_succeed() {
    for function in HOST_FUNCTIONS {
        let expected = match function.behaviour() {
            Behaviour::Unimplemented => "12",
            Behaviour::Ignored => "00",
            Behaviour::Implemented => continue,
        };
        let module = on_request(&format!("{} (i32.const 0)", call(function.name, function.parameters)));
        assert_eq!(said(&module), [expected], "{}", function.name);
    }
}

#[test]
fn clock_and_shared_data_are_unimplemented() {
    for name in [
        "proxy_get_current_time_nanoseconds",
        "proxy_set_tick_period_milliseconds",
        "proxy_set_shared_data",
        "proxy_set_buffer_bytes",
        "proxy_set_header_map_pairs",
        "proxy_call_foreign_function",
        "proxy_done",
    ] {
        let function = HOST_FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        assert_eq!(function.behaviour(), Behaviour::Unimplemented, "{name}");
    }
}

#[test]
fn configuration_is_readable_in_every_callback() {
    let read = "(call $tell (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 0)
      (i32.const 8) (i32.const 12)))
        (call $tell (call $proxy_get_configuration (i32.const 8) (i32.const 12)))";
    let module = plugin_without_configure(&format!(
        r#"(func (export "proxy_on_context_create") (param i32 i32) {read})
           (func (export "proxy_on_configure") (param i32 i32) (result i32)
             {read} (call $note (local.get 1)) (i32.const 1))
           (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {read} (i32.const 0))
           (func (export "proxy_on_delete") (param i32) {read})"#
    ));
    let mut bench = Bench::new(&module);
    // While the plugin context is created its configuration is empty: one function finds nothing, one gives no bytes.
    assert_eq!(bench.said(), ["01", "", "{}", "{}", "02"]);
    bench.get().unwrap();
    assert_eq!(bench.said(), ["{}", "{}", "{}", "{}", "01", "01"]);
}

#[test]
fn request_functions_fail_without_a_request() {
    let calls = r#"
        (call $note (call $proxy_get_property @"pid" (i32.const 8) (i32.const 12)))
        (call $note (call $proxy_set_property @"wasm_process_req_body" @"1"))
        (call $note (call $proxy_get_header_map_pairs (i32.const 0) (i32.const 8) (i32.const 12)))
        (call $note (call $proxy_get_header_map_value (i32.const 0) @"host" (i32.const 8) (i32.const 12)))
        (call $note (call $proxy_replace_header_map_value (i32.const 0) @"host" @"x"))
        (call $note (call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
        (call $note (call $proxy_http_call @"h:1" @map"" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 5) (i32.const 8)))
        (call $note (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 1)
          (i32.const 8) (i32.const 12)))"#;
    let configure = plugin_without_configure(&format!(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) {calls} (i32.const 1))"#
    ));
    assert_eq!(Bench::new(&configure).said(), ["02"; 8]);
    let done = plugin(&format!(r#"(func (export "proxy_on_done") (param i32) (result i32) {calls} (i32.const 1))"#));
    assert_eq!(said(&done), ["02"; 8]);
}

#[test]
fn addresses_outside_of_the_memory_are_reported() {
    let module = on_request(
        r#"(call $note (call $proxy_log (i32.const 3) (i32.const 131072) (i32.const 1)))
           (call $note (call $proxy_log (i32.const 3) (i32.const -2147483648) (i32.const 4)))
           (call $note (call $proxy_get_property @"pid" (i32.const 8) (i32.const 131070)))
           (i32.const 0)"#,
    );
    assert_eq!(said(&module), ["06", "06", "06"]);
}

#[test]
fn malloc_stands_in_for_the_allocator() {
    let text = |allocator: &str| {
        let imports: String = HOST_FUNCTIONS
            .iter()
            .filter(|function| ["proxy_log", "proxy_get_configuration"].contains(&function.name))
            .map(|function| crate::harness::import(function.name, function.parameters))
            .collect();
        crate::harness::assemble(&format!(
            r#"(module {imports} (memory (export "memory") 1) {allocator}
               (func (export "proxy_on_configure") (param i32 i32) (result i32)
                 (i32.eqz (call $proxy_get_configuration (i32.const 8) (i32.const 12)))))"#
        ))
    };
    let malloc = r#"(func (export "malloc") (param i32) (result i32) (i32.const 64))"#;
    let zero = r#"(func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))"#;
    assert!(Bench::new(&text(malloc)).context.is_some());
    assert!(Bench::new(&text(&format!("{zero}{malloc}"))).context.is_some());
    let without = Bench::new(&text(""));
    assert!(without.context.is_none());
    assert!(without.log().contains(&"Error: failed to malloc".to_owned()));
}
