//! APISIX's API-driven standalone mode: the next document to put, and what the Admin API answers.
//!
//! This crate sends nothing: [`plan`] is a function of the document as it is and of what should be there.
#![forbid(unsafe_code)]

mod merge;
mod response;

pub use merge::{MergeError, Plan, plan};
pub use response::Response;
