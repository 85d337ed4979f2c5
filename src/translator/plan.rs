//! From validated resources to APISIX resources: the work that crosses resources.

mod around;
mod destinations;
mod filters;
mod format;
mod guards;
mod headers;
mod host;
mod lines;
mod load;
mod mirror;
mod outcome;
mod partition;
mod patterns;
mod redirect;
mod rewrite;
mod routes;
mod share;
mod subset;
mod upstream;
mod variant;

pub(crate) use guards::{Binding, Requests, TableKey, bindings};
pub(crate) use host::HostNames;
pub(crate) use load::OVERPROVISIONING;
pub(crate) use patterns::{PatternCounts, Patterns};
pub(crate) use routes::{Routes, Scope, closed_route, own_routes, shared_routes};
pub(crate) use upstream::{nodes, upstream};
pub(crate) use variant::ClusterUse;
