//! Envoy's xDS messages on the wire: lean types, schema tables with the field ledger, the coverage scan.
//!
//! Nothing here interprets a message: what Envoy means by a field is the translator's business. No input or output,
//! no clock, no randomness; nothing panics on any input.

pub mod coverage;
mod findings;
pub mod json;
mod path;
mod reader;
pub mod schema;

/// The messages that the translation reads, with the fields that it reads (see `ledger/README.md`); prost types,
/// one module a package: `wire::envoy::config::route::v3::Route`.
///
/// `bytes` fields, the values of `google.protobuf.Any` and the fields of `ledger/lazy.txt` are slices of the input
/// where that is a [`bytes::Bytes`]. Wrapper messages are plain `Option`s. Fields that are not read are not kept: a
/// decoded message cannot be encoded again without loss, save those of the discovery protocol, which are whole.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated from proto/")]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));
}
