//! xDS resources in, APISIX configuration out.
//!
//! [`Translator::ingest`] takes one xDS response as bytes and returns a [`Verdict`]; [`Translator::pending`] says what
//! has to change in APISIX, and [`Translator::commit`] that it has. The output is a function of the messages alone.
//!
//! This crate never does input or output: it knows no clock, no file, no network, no environment and no randomness.
#![forbid(unsafe_code)]

mod apisix;
mod changes;
mod collection;
mod diagnostic;
mod hosts;
mod intake;
mod model;
mod names;
mod options;
mod order;
mod plan;
mod regex;
mod report;
mod resource_type;
mod round;
mod secrets;
mod store;
mod table;
mod translator;
mod vars;
mod verdict;

pub use changes::{ChangeSet, Delete, Kind, Upsert};
pub use diagnostic::{Code, Diagnostic, Fidelity, Severity};
pub use options::{Limits, Options};
pub use secrets::shown;
pub use translator::{Envelope, Summary, Translator, TypeSummary, Variant};
pub use verdict::{Answer, Counts, Subscription, Verdict};
