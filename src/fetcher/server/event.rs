//! What the server tells whoever watches.

use std::sync::Arc;

/// Receives the events of a server, from several tasks; it should return at once.
pub type ServerEventSink = Arc<dyn Fn(ServerEvent) + Send + Sync>;

/// One thing that happened. `node` is the id that the client gave itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A client has said who it is.
    Connected {
        /// The node id.
        node: String,
        /// The node's cluster.
        cluster: String,
        /// Something is served to this node.
        known: bool,
    },
    /// A client asks for other names than before.
    Subscribed {
        /// The node id.
        node: String,
        /// The resource type.
        type_url: String,
        /// How many names; `None`: all.
        names: Option<usize>,
    },
    /// A response was sent.
    Sent {
        /// The node id.
        node: String,
        /// The resource type.
        type_url: String,
        /// Its version.
        version: String,
        /// How many resources it holds.
        resources: usize,
    },
    /// The client uses this version.
    Ack {
        /// The node id.
        node: String,
        /// The resource type.
        type_url: String,
        /// The version in use.
        version: String,
    },
    /// The client refuses a version.
    Nack {
        /// The node id.
        node: String,
        /// The resource type.
        type_url: String,
        /// The version refused.
        version: String,
        /// What the client says.
        detail: String,
    },
    /// The stream ended.
    Closed {
        /// The node id; empty where it was never said.
        node: String,
        /// Why.
        reason: String,
    },
    /// A connection failed, or could not be accepted.
    ConnectionFailed {
        /// Why.
        reason: String,
    },
}
