//! The proxy-wasm module: a thin front over the translator that speaks the ingest protocol.
//!
//! It runs inside an APISIX worker. A fetcher posts xDS responses to the route that carries this plugin; the plugin
//! answers with a verdict and, in standalone mode, changes APISIX's configuration through the Admin API.
//!
//! * `front` is the only module that knows the host: everything else is a function of its arguments and is tested
//!   natively.
//! * The plugin never reads a clock (nginx's `msec` is passed in), never pauses a request without a pending call, and
//!   calls no host function that APISIX's host lacks.
//! * State lives in the module, by instance name: APISIX makes a new plugin context at nearly every change of routes.
#![forbid(unsafe_code)]
// Built for the host, only the tests use what the front calls.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod answer;
mod call;
mod config;
#[cfg(target_arch = "wasm32")]
mod front;
mod instance;
mod pages;
mod request;
