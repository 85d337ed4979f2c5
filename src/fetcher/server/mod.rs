//! An ADS server (state of the world) for resources held in memory: what `amesh serve` runs.
//!
//! Clients are served what is selected for their node, are pushed what changes, and are told the truth about
//! versions: equal versions mean equal bytes. A NACK is reported and not answered with the same again. There is no
//! TLS and no authentication here: it is meant for loopback and for trusted networks.

mod connections;
mod event;
mod snapshot;
mod stream;

pub use connections::serve;
pub use event::{ServerEvent, ServerEventSink};
pub use snapshot::{Snapshot, SnapshotError, SnapshotSet};
