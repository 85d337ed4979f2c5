//! The Bookinfo mesh, as a real Istio control plane describes it: where does a request go?
//!
//! The same xDS is given to the translator, whose result the APISIX model decides by, and to a real Envoy. [`tasks`] does
//! the same with the tasks of Istio's documentation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod ads;
mod endpoints;
mod envoy;
mod mesh;
mod stock;
mod story;
mod tasks;
