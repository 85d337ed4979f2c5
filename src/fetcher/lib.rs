//! The xDS client and the xDS server of amesh: envelopes only, never the meaning of a resource.
//!
//! **Client** ([`Client`]): one ADS stream (state of the world) from a control plane, delivered byte for byte to a
//! receiver that speaks the ingest protocol ([`Ingest`]); subscriptions, ACK and NACK are what the receiver says. The
//! receiver is the plugin in a running APISIX ([`HttpIngest`]), or whatever carries the same requests ([`Carrier`]).
//!
//! **Server** ([`server`]): a real ADS server for a set of resources held in memory.
//!
//! Neither prints, reads the environment or handles signals: events go to a callback, and a cancellation token ends
//! both. What a resource means is never looked at; of a resource in a response only its name is read, see
//! [`envelope`].

mod backoff;
mod cache;
mod carrier;
mod client;
mod codec;
mod config;
mod delivery;
pub mod envelope;
mod event;
mod ingest;
pub mod protocol;
mod secret;
pub mod server;
mod session;
mod split;
mod subscription;
mod transport;
pub mod wire;

pub use carrier::{HttpCarrier, HttpIngest, IngestUrlError};
pub use client::Client;
pub use config::{ClientConfig, Identity, Tls};
pub use event::{Event, EventSink};
pub use ingest::{Carrier, Ingest, IngestError, Part, ProtocolIngest};
pub use split::split;
pub use tokio_util::sync::CancellationToken;
pub use transport::ConfigError;
