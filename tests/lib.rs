//! What the tests that cross crates share: reference files, messages, a worker with `amesh.wasm`, a real Envoy.
//!
//! Everything here is for tests alone and fails loudly where it cannot go on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on shall fail"
)]

mod support {
    pub mod apisix;
    pub mod echo;
    pub mod envoy;
    pub mod files;
    pub mod http;
    pub mod message;
    pub mod session;
    pub mod worker;
}

pub use support::{apisix, echo, envoy, files, http, message, session, worker};
