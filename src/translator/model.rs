//! What the resources mean, validated. One module a resource; conversion from the wire has its own errors.

mod address;
pub(crate) mod cluster;
pub(crate) mod condition;
pub(crate) mod duration;
pub(crate) mod endpoint;
pub(crate) mod filter;
pub(crate) mod findings;
pub(crate) mod format;
pub(crate) mod headers;
pub(crate) mod labels;
pub(crate) mod listener;
pub(crate) mod route;
mod rules;
pub(crate) mod tree;
