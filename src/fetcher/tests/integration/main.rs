//! The client and the server of this crate against each other and against real programs, over real sockets.
//!
//! The receiver in these tests is a mock (`support::Receiver`): it knows which names are in which resource because the
//! test made them, and answers as scripted. The real receiver is tested where the plugin is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs, unreachable_pub)]

mod dependencies;
mod envoy;
mod http_ingest;
mod istio;
mod limits;
mod loopback;
mod mesh;
mod support;
mod tls;
