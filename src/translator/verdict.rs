//! The answer to one xDS message: what the fetcher tells the control plane and asks for next.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;

/// ACK or NACK, in the sense of the xDS protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Every resource of the message is in use.
    Ack,
    /// At least one resource was refused; the others are in use (gRFC A46).
    Nack,
}

/// A change of the resource names wanted of one type. Names are added before others are removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The type, such as `type.googleapis.com/envoy.config.route.v3.RouteConfiguration`.
    pub type_url: String,
    /// True for types that are wanted whole (listeners and clusters).
    #[serde(default)]
    pub wildcard: bool,
    /// Names wanted from now on, sorted.
    #[serde(default)]
    pub added: Vec<String>,
    /// Names not wanted any more, sorted.
    #[serde(default)]
    pub removed: Vec<String>,
}

/// How the resources of one message fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Decoded, valid and in use from now on.
    pub accepted: u32,
    /// The same bytes as before; not decoded again.
    pub unchanged: u32,
    /// Refused; the last good version of each stays in force.
    pub refused: u32,
    /// Gone from the control plane.
    pub removed: u32,
}

/// The verdict on one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What to tell the control plane once the changes are applied.
    pub verdict: Answer,
    /// The message's type, empty where none could be read.
    pub type_url: String,
    /// `version_info` (`system_version_info` for delta) of the message.
    pub version: String,
    /// The message's nonce.
    pub nonce: String,
    /// For a NACK: every error, one a line, as the control plane's operator should read it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_detail: Option<String>,
    /// Changes of the wanted names, in the order to send them.
    pub subscribe: Vec<Subscription>,
    /// False while resources that are referred to have not arrived: nothing should be applied yet.
    pub ready: bool,
    /// How many wanted resources have not arrived.
    pub outstanding: u32,
    /// How the resources fared.
    pub counts: Counts,
    /// Diagnostics that are new since the last verdict.
    pub diagnostics: Vec<Diagnostic>,
}
