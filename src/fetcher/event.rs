//! What the client tells whoever watches: for narration and for metrics. Nothing is printed here.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::protocol::{Apply, ApplyMode, StreamAnswer};

/// Receives the events of a client, in order, from the task that runs it; it should return at once.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection to the control plane is being made.
    Connecting {
        /// The control plane's URL.
        target: String,
    },
    /// The control plane has accepted the stream.
    Connected {
        /// The control plane's URL.
        target: String,
    },
    /// The receiver has opened a session. In mode `none` the change sets start from nothing again: what earlier ones
    /// made and later ones do not make again is gone.
    SessionOpened {
        /// The session id.
        id: String,
        /// How the plugin applies.
        mode: ApplyMode,
    },
    /// The receiver lost its state and is told again what is in the raw cache.
    Replaying {
        /// Why.
        reason: String,
        /// How many responses.
        messages: usize,
    },
    /// The names wanted of a type were sent.
    Subscribed {
        /// The resource type.
        type_url: String,
        /// Everything of the type is wanted.
        wildcard: bool,
        /// How many names are wanted.
        names: usize,
    },
    /// A response came.
    Response {
        /// The resource type.
        type_url: String,
        /// `version_info`.
        version: String,
        /// How many resources it holds.
        resources: usize,
        /// Its size.
        bytes: usize,
        /// Since the names of its type were sent, where it is the first response since; `None`: pushed unasked.
        elapsed: Option<Duration>,
    },
    /// A response came of a type that was never asked for; it was ignored.
    Unsolicited {
        /// The resource type.
        type_url: String,
    },
    /// The receiver has answered for a message; of a split one this is the answer for the last part.
    Verdict {
        /// The answer, without the change set, which comes with [`Event::Apply`].
        answer: Box<StreamAnswer>,
        /// How long it took.
        elapsed: Duration,
        /// The message was replayed: its diagnostics were told before.
        replayed: bool,
    },
    /// Something was applied, or was found to be in force already, or was refused, or has to wait.
    Apply {
        /// What became of the change set.
        apply: Apply,
        /// In mode `none`: the change set.
        changes: Option<Box<RawValue>>,
        /// How long the call took.
        elapsed: Duration,
    },
    /// An ACK was sent.
    Ack {
        /// The resource type.
        type_url: String,
        /// The version accepted.
        version: String,
    },
    /// A NACK was sent.
    Nack {
        /// The resource type.
        type_url: String,
        /// The version that stays in force.
        version: String,
        /// What the control plane was told.
        detail: String,
    },
    /// These wanted resources did not come in time; the receiver was told that they do not exist.
    Expired {
        /// The resource type.
        type_url: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The stream or the connection ended, or could not be made.
    Reconnecting {
        /// Why.
        reason: String,
        /// How long until the next attempt.
        wait: Duration,
    },
    /// The receiver could not take a call; the same call is made again.
    IngestFailed {
        /// Why.
        reason: String,
        /// How long until the next attempt.
        wait: Duration,
    },
    /// The client was told to stop and has stopped.
    Stopped,
}
