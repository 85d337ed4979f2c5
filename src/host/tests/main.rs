//! Tests of the host with small modules in text form, one behaviour each. What APISIX does is known from its sources
//! (wasm-nginx-module 0.7.0, apisix/wasm.lua) and from runs of APISIX 3.18.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod bodies;
mod calls;
mod cases;
mod contexts;
mod crashes;
mod functions;
mod harness;
mod headers;
mod interleaving;
mod loading;
mod logging;
mod properties;
mod responses;
mod traps;
