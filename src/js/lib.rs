//! The half of the npm package `amesh-wasm` that is compiled to wasm.
//!
//! Everything passes the border as bytes or as JSON text, which the JavaScript half in `pkg/` reads with `JSON.parse`:
//! that makes own properties of all members, whatever their names, where setting them one by one would reach for the
//! prototype at `__proto__`. Errors are thrown as JSON text too, of the shape of `error::Failure`.
//!
//! This crate never does input or output.

mod error;
mod explain;
mod files;
mod options;
mod stream;
mod views;

pub use explain::codes;
pub use files::translate;
pub use stream::Translator;

use error::Failure;
use serde::Serialize;

/// The JSON text of a value.
fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::internal(&error))
}
