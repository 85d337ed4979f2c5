//! Which modules load.

use amesh_host::{Config, HOST_FUNCTIONS, ImportProblem, LoadError, Module};

use crate::harness::{assemble, import};

fn load(text: &str) -> Result<(), LoadError> {
    let module = Module::load(&assemble(text), Config::default())?;
    module.instantiate("amesh").map(drop)
}

/// Name, types and result of every host function of wasm-nginx-module 0.7.0 in the form of its generated header: a
/// number is a count of i32 parameters.
const EXPECTED: &str = "proxy_set_effective_context 1, proxy_get_property 4, proxy_set_property 4, proxy_log 3, \
    proxy_get_buffer_bytes 5, proxy_set_buffer_bytes 5, proxy_send_local_response 8, proxy_send_http_response 8, \
    proxy_get_current_time_nanoseconds 1, proxy_set_tick_period_milliseconds 1, proxy_get_configuration 2, \
    proxy_get_header_map_pairs 3, proxy_set_header_map_pairs 3, proxy_get_header_map_value 5, \
    proxy_remove_header_map_value 3, proxy_replace_header_map_value 5, proxy_add_header_map_value 5, \
    proxy_get_shared_data 5, proxy_set_shared_data 5, proxy_register_shared_queue 3, proxy_resolve_shared_queue 5, \
    proxy_dequeue_shared_queue 3, proxy_enqueue_shared_queue 3, proxy_continue_request 0, proxy_continue_response 0, \
    proxy_clear_route_cache 0, proxy_continue_stream 1, proxy_close_stream 1, proxy_http_call 10, proxy_grpc_call 12, \
    proxy_grpc_stream 9, proxy_grpc_send 4, proxy_grpc_cancel 1, proxy_grpc_close 1, proxy_get_status 3, proxy_done 0, \
    proxy_call_foreign_function 6, proxy_define_metric 4, proxy_increment_metric i64, proxy_record_metric i64, \
    proxy_get_metric i64";

#[test]
fn the_table_is_the_hosts() {
    let listed: Vec<String> = HOST_FUNCTIONS
        .iter()
        .map(|function| {
            let wide = format!("{:?}", function.parameters).contains("I64");
            let types = if wide { "i64".to_owned() } else { function.parameters.len().to_string() };
            format!("{} {types}", function.name)
        })
        .collect();
    let expected: Vec<&str> = EXPECTED.split(", ").collect();
    assert_eq!(listed, expected);
}

#[test]
fn what_is_allowed_is_what_is_provided() {
    for function in HOST_FUNCTIONS {
        println!("{} {:?} {:?}", function.name, function.parameters, function.behaviour());
    }
    let all: String = HOST_FUNCTIONS.iter().map(|function| import(function.name, function.parameters)).collect();
    load(&format!("(module {all} (memory (export \"memory\") 1))")).unwrap();
}

#[test]
fn every_bad_import_is_named() {
    let error = load(
        r#"(module
            (import "env" "proxy_log" (func (param i32) (result i32)))
            (import "env" "proxy_get_metric" (func (param i32 i32) (result i32)))
            (import "env" "proxy_no_such" (func))
            (import "other" "proxy_log" (func (param i32 i32 i32) (result i32)))
            (import "env" "table" (table 1 funcref))
            (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
            (memory (export "memory") 1))"#,
    )
    .unwrap_err();
    let text = error.to_string();
    let LoadError::Imports(problems) = error else { panic!("{text}") };
    let kinds: Vec<&str> = problems
        .iter()
        .map(|problem| match problem {
            ImportProblem::Mistyped { .. } => "mistyped",
            ImportProblem::Unknown { .. } => "unknown",
            ImportProblem::Wasi { .. } => "wasi",
        })
        .collect();
    // Functions in their order, then the rest.
    assert_eq!(kinds, ["mistyped", "mistyped", "unknown", "unknown", "wasi", "unknown"]);
    assert!(text.contains("env.proxy_get_metric is (I32, I32) -> (I32) in the module, but (I32, I64)"), "{text}");
}

#[test]
fn features_of_the_engine_load() {
    for text in [
        "(global (export \"g\") (mut i32) (i32.const 0))",
        "(func (param i32) (result i32) (i32.extend8_s (local.get 0)))",
        "(func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))",
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(table 1 externref)",
        "(func $start) (start $start)",
        "(func (export \"_initialize\"))",
        "(func (export \"_start\"))",
    ] {
        load(&format!("(module (memory (export \"memory\") 1) {text})"))
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn features_the_engine_lacks_are_refused() {
    for text in [
        "(memory (export \"memory\") 1 1 shared)",
        "(memory (export \"memory\") 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "(memory (export \"memory\") 1) (func $f return_call $f)",
        "(memory (export \"memory\") 1) (memory 1)",
        "(memory (export \"memory\") i64 1)",
        "(memory (export \"memory\") 1) (global i32 (i32.add (i32.const 1) (i32.const 1)))",
        "(memory (export \"memory\") 1) (func (param v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)) drop)",
        "(memory (export \"memory\") 1) (tag (param i32))",
    ] {
        assert!(matches!(load(&format!("(module {text})")), Err(LoadError::Invalid(_))), "{text}");
    }
}

#[test]
fn damaged_and_incomplete_modules_are_refused() {
    let whole = assemble("(module (memory (export \"memory\") 1) (func (export \"f\") nop))");
    for bytes in [&whole[..whole.len() - 3], b"", b"not wasm"] {
        assert!(matches!(Module::load(bytes, Config::default()), Err(LoadError::Invalid(_))));
    }
    assert_eq!(load("(module (memory 1))"), Err(LoadError::NoMemory));
    assert_eq!(load("(module (func (export \"memory\")))"), Err(LoadError::NoMemory));
}

#[test]
fn a_trap_at_the_start_refuses_the_module() {
    let memory = "(memory (export \"memory\") 1)";
    let initialize = load(&format!("(module {memory} (func (export \"_initialize\") unreachable))"));
    assert!(matches!(initialize, Err(LoadError::Start(_))));
    let both = format!("(module {memory} (func (export \"_start\")) (func (export \"_initialize\") unreachable))");
    load(&both).expect("_start is run instead of _initialize");
    let start = load(&format!("(module {memory} (func $f unreachable) (start $f))"));
    assert!(matches!(start, Err(LoadError::Instantiation(_))));
}

#[test]
fn memory_has_an_optional_limit() {
    let config = Config { max_memory: Some(2 << 16), ..Config::default() };
    let fits = Module::load(&assemble("(module (memory (export \"memory\") 2))"), config.clone()).unwrap();
    assert_eq!(fits.instantiate("amesh").unwrap().memory_size(), 2 << 16);
    let large = Module::load(&assemble("(module (memory (export \"memory\") 3))"), config).unwrap();
    assert!(matches!(large.instantiate("amesh"), Err(LoadError::Instantiation(_))));
}

#[test]
fn instances_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<amesh_host::Instance>();
    is_send::<amesh_host::Pending>();
    is_send::<Module>();
}
