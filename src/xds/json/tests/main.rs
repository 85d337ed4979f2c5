//! The JSON layer against the reference implementation, and on cases of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod corpus;
mod errors;
mod forms;
#[path = "../../tests/support/mod.rs"]
mod support;
mod view;
