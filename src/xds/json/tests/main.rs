//! The JSON layer against the reference implementation, and on cases of its own.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod corpus;
mod errors;
mod forms;
#[path = "../../tests/support/mod.rs"]
mod support;
mod view;
