//! Reference models: how a proxy decides about one request, given its configuration.
//!
//! They exist to judge the translator's output and to show a person why a request goes where it
//! goes. They are written to be read next to the documentation of the proxy, not to be fast, and
//! share no code with the translator: a mistake would otherwise confirm itself.
//!
//! The models never guess. Where a configuration uses something that is not modelled, the answer
//! says so ([`apisix::Answer::NotModelled`], [`envoy::Answer::NotModelled`]).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod apisix;
pub mod envoy;
mod request;

pub use request::Request;
