//! From validated resources to APISIX resources: the work that crosses resources.

mod guards;
mod lines;
mod load;
mod partition;
mod routes;
mod share;
mod upstream;

pub(crate) use guards::{Binding, Requests, TableKey, bindings};
pub(crate) use load::OVERPROVISIONING;
pub(crate) use routes::{Routes, Scope, closed_route, own_routes, shared_routes};
pub(crate) use upstream::{nodes, upstream};
