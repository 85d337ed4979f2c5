//! The built module, `amesh.wasm`, as APISIX's worker would run it: in the embedded host, with a mock of the Admin API
//! that is itself held against recordings of a real APISIX.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod bookinfo;
mod imports;
mod ingest;
mod mock;
mod refusals;
mod standalone;

mod support {
    pub(crate) mod admin;
    pub(crate) mod bench;
    pub(crate) mod messages;
}
