//! Bad input, through the translator and through `amesh.wasm`: each error is clear and says where, nothing that is in
//! force is lost, nothing panics or traps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod breaks;
mod damage;
mod envelopes;
mod mutations;
mod refused;
mod running;
