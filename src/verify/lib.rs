//! Translation validation: does APISIX, running a translation, decide as Envoy, running its input?
//!
//! From a configuration follow the requests that could tell the two apart: the edges of every path, host, header and
//! query condition ([`probes`]). Each is put to the reference models of both proxies, and every difference is held
//! against the diagnostics of the translation ([`verify`]): one that no diagnostic declares is a fault of the
//! translator.
//!
//! Nothing here connects anywhere or judges by how the translator works: it sees the input, the output and the
//! diagnostics.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod chance;
mod compare;
mod declared;
mod fields;
mod headers;
mod hosts;
mod look;
mod manners;
mod mesh;
mod met;
mod minimise;
mod paths;
mod probe;
mod probes;
mod queries;
mod report;
mod responses;
mod sample;
mod seen;
mod sites;
mod subjects;
mod verify;

pub use chance::request_id;
pub use compare::{Aspect, Difference};
pub use mesh::{Mesh, MeshError};
pub use minimise::minimise_configuration;
pub use probe::{Oddity, Probe};
pub use probes::probes;
pub use report::{CounterExample, Report};
pub use subjects::{Subjects, SubjectsError};
pub use verify::{Budget, verify};
