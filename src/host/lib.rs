//! Runs a proxy-wasm module natively, with exactly the functions and the quirks of the wasm plugin
//! host of Apache APISIX 3.18 (wasm-nginx-module 0.7.0 on wasmtime 0.38).
//!
//! Two users need it: `amesh run` without an APISIX, and tests of the plugin. Both want a module that
//! works here to work there, so this host is never kinder than APISIX:
//!
//! * a module loads only if it imports nothing but [`HOST_FUNCTIONS`], with those types, and uses only
//!   WebAssembly features that wasmtime 0.38 accepts;
//! * functions that APISIX leaves unimplemented return status 12 here too (clock, ticks, shared data,
//!   queues, writing bodies, gRPC, foreign functions);
//! * what would kill an nginx worker is [`HostError::WouldCrashWorker`] with the [`Crash`] that explains it;
//! * after a trap the instance stays unusable until the module is instantiated again.
//!
//! # Life cycle
//!
//! ```text
//! Module::load           validation, import section against the table, `memory` exported
//! Module::instantiate    one per plugin name and worker: start section, then `_start` or `_initialize`
//! Instance::configure    one per route: proxy_on_context_create(id, 0), proxy_on_configure
//! Instance::handle       proxy_on_context_create(id, plugin), proxy_on_request_headers,
//!                        [proxy_on_request_body], [proxy_on_http_call_response ...],
//!                        [proxy_on_response_headers, proxy_on_response_body], proxy_on_done, proxy_on_delete
//! Instance::release      the route is gone: proxy_on_done, proxy_on_delete of the plugin context
//! ```
//!
//! `proxy_on_vm_start` is never called, ticks and queue events do not exist, `num_headers` is always 0.
//!
//! While an HTTP call is outstanding nginx lets other requests into the same VM.
//! [`Instance::begin`] and [`Instance::resume`] expose these steps; [`Instance::handle`] loops over them.
//!
//! # What it never does
//!
//! No I/O of its own: HTTP calls go to an [`HttpCaller`], log lines to [`Config::log`], variables come from
//! [`Variables`]. No reply of an upstream is fed to the module: a request that the module lets through ends as
//! [`HttpResponse::Upstream`].
//!
//! Stricter than APISIX in two points, because `amesh.wasm` needs neither: WASI is not linked (a module that imports it
//! is refused with a message that says so), and 128-bit SIMD is refused unless the feature `simd` is on.

mod abi;
mod config;
mod contexts;
mod error;
mod error_page;
mod exchange;
mod guest;
mod header_map;
mod http;
mod instance;
mod lifecycle;
mod module;
mod response;
mod state;
mod table;
mod variables;

pub use config::{Config, Log, LogLevel};
pub use error::{Crash, HostError, ImportProblem, LoadError};
pub use http::{
    BodySource, Header, HttpCall, HttpCaller, HttpReply, HttpRequest, HttpResponse, LocalResponse, UpstreamRequest,
};
pub use instance::{Instance, PluginContext};
pub use lifecycle::{Pending, Step};
pub use module::Module;
pub use table::{Behaviour, HOST_FUNCTIONS, HostFunction, IMPORT_MODULE, ValueType};
pub use variables::{SystemVariables, Variables};
