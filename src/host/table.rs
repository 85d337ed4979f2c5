//! The host's functions: the one list that modules are checked against and linked with.
//!
//! Source: the host API of wasm-nginx-module 0.7.0. Every function is imported from [`IMPORT_MODULE`] and returns one
//! i32, the status.

use wasmi::{Caller, Engine, FuncType, Linker, Val, ValType};

use crate::abi::{buffers, calls, headers, properties, responses};
use crate::guest::{Arguments, Guest, Outcome, Status, Stop};
use crate::state::State;

/// Module name of all imports.
pub const IMPORT_MODULE: &str = "env";

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
}

/// What a host function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Does what proxy-wasm says, with the host's quirks.
    Implemented,
    /// Returns OK and does nothing.
    Ignored,
    /// Returns status 12.
    Unimplemented,
}

/// One function of the host. Its result is one i32.
#[derive(Clone, Copy)]
pub struct HostFunction {
    /// Field name of the import.
    pub name: &'static str,
    /// Parameter types.
    pub parameters: &'static [ValueType],
    handler: Handler,
}

#[derive(Clone, Copy)]
enum Handler {
    Run(fn(&mut Guest<'_>, &Arguments<'_>) -> Outcome),
    Ignore,
    Refuse,
}

impl HostFunction {
    /// What the function does.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        match self.handler {
            Handler::Run(_) => Behaviour::Implemented,
            Handler::Ignore => Behaviour::Ignored,
            Handler::Refuse => Behaviour::Unimplemented,
        }
    }

    pub(crate) fn ty(&self) -> FuncType {
        let parameters = self.parameters.iter().map(|parameter| match parameter {
            ValueType::I32 => ValType::I32,
            ValueType::I64 => ValType::I64,
        });
        FuncType::new(parameters, [ValType::I32])
    }

    fn call(&self, caller: Caller<'_, State>, arguments: &[Val]) -> Result<i32, wasmi::Error> {
        let outcome = match self.handler {
            Handler::Run(run) => run(&mut Guest(caller), &Arguments(arguments)),
            Handler::Ignore => Ok(()),
            Handler::Refuse => Err(Status::Unimplemented.into()),
        };
        match outcome {
            Ok(()) => Ok(0),
            Err(Stop::Status(status)) => Ok(status as i32),
            Err(Stop::Fatal(error)) => Err(error),
        }
    }
}

/// A linker that defines the functions of [`HOST_FUNCTIONS`] and nothing else.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>, wasmi::Error> {
    let mut linker = Linker::new(engine);
    for function in HOST_FUNCTIONS {
        linker.func_new(IMPORT_MODULE, function.name, function.ty(), |caller, arguments, results| {
            let status = function.call(caller, arguments)?;
            if let [result] = results {
                *result = Val::I32(status);
            }
            Ok(())
        })?;
    }
    Ok(linker)
}

const I32_I64: &[ValueType] = &[ValueType::I32, ValueType::I64];

const fn i32s(count: usize) -> &'static [ValueType] {
    const MOST: &[ValueType] = &[ValueType::I32; 12];
    MOST.split_at(count).0
}

const fn run(
    name: &'static str,
    count: usize,
    function: fn(&mut Guest<'_>, &Arguments<'_>) -> Outcome,
) -> HostFunction {
    HostFunction { name, parameters: i32s(count), handler: Handler::Run(function) }
}

const fn ignore(name: &'static str, parameters: &'static [ValueType]) -> HostFunction {
    HostFunction { name, parameters, handler: Handler::Ignore }
}

const fn refuse(name: &'static str, count: usize) -> HostFunction {
    HostFunction { name, parameters: i32s(count), handler: Handler::Refuse }
}

/// Every function that a module may import. `proxy_get_metric` has the host's own signature, not that of the Rust SDK.
pub const HOST_FUNCTIONS: &[HostFunction] = &[
    ignore("proxy_set_effective_context", i32s(1)),
    run("proxy_get_property", 4, properties::get),
    run("proxy_set_property", 4, properties::set),
    run("proxy_log", 3, properties::log),
    run("proxy_get_buffer_bytes", 5, buffers::get),
    refuse("proxy_set_buffer_bytes", 5),
    run("proxy_send_local_response", 8, responses::send),
    run("proxy_send_http_response", 8, responses::send),
    refuse("proxy_get_current_time_nanoseconds", 1),
    refuse("proxy_set_tick_period_milliseconds", 1),
    run("proxy_get_configuration", 2, buffers::get_configuration),
    run("proxy_get_header_map_pairs", 3, headers::get_pairs),
    refuse("proxy_set_header_map_pairs", 3),
    run("proxy_get_header_map_value", 5, headers::get_value),
    run("proxy_remove_header_map_value", 3, headers::remove),
    run("proxy_replace_header_map_value", 5, headers::replace),
    run("proxy_add_header_map_value", 5, headers::add),
    refuse("proxy_get_shared_data", 5),
    refuse("proxy_set_shared_data", 5),
    refuse("proxy_register_shared_queue", 3),
    refuse("proxy_resolve_shared_queue", 5),
    refuse("proxy_dequeue_shared_queue", 3),
    refuse("proxy_enqueue_shared_queue", 3),
    ignore("proxy_continue_request", i32s(0)),
    ignore("proxy_continue_response", i32s(0)),
    refuse("proxy_clear_route_cache", 0),
    ignore("proxy_continue_stream", i32s(1)),
    ignore("proxy_close_stream", i32s(1)),
    run("proxy_http_call", 10, calls::dispatch),
    refuse("proxy_grpc_call", 12),
    refuse("proxy_grpc_stream", 9),
    refuse("proxy_grpc_send", 4),
    refuse("proxy_grpc_cancel", 1),
    refuse("proxy_grpc_close", 1),
    refuse("proxy_get_status", 3),
    refuse("proxy_done", 0),
    refuse("proxy_call_foreign_function", 6),
    ignore("proxy_define_metric", i32s(4)),
    ignore("proxy_increment_metric", I32_I64),
    ignore("proxy_record_metric", I32_I64),
    ignore("proxy_get_metric", I32_I64),
];
