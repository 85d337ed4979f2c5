//! The real program: exit codes, forms of input, bad input, whole translations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

mod bad_input;
mod cases;
mod demo;
mod explain;
mod kinds;
mod services;
mod simulate;
mod support;
mod usage;
