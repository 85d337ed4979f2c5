//! The real program: exit codes, forms of input, bad input, whole translations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bad_input;
mod cases;
mod kinds;
mod support;
mod usage;
