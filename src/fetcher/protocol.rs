//! The answers of the ingest protocol: JSON, as the plugin gives them under `{prefix}/v1`.
//!
//! Only what steers the fetcher is typed; what it merely passes on (diagnostics, the change set) stays JSON text, so
//! that nothing of the translator is known here and a large change set is not parsed twice.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

/// ACK or NACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Every resource of the message is in use.
    Ack,
    /// At least one was refused.
    Nack,
}

/// A change of the names wanted of one type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// The resource type.
    pub type_url: String,
    /// Everything of this type is wanted.
    #[serde(default)]
    pub wildcard: bool,
    /// Names wanted from now on.
    #[serde(default)]
    pub added: Vec<String>,
    /// Names not wanted any more.
    #[serde(default)]
    pub removed: Vec<String>,
}

/// How the resources of one message fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Valid and in use.
    #[serde(default)]
    pub accepted: u32,
    /// The same bytes as before.
    #[serde(default)]
    pub unchanged: u32,
    /// Refused.
    #[serde(default)]
    pub refused: u32,
    /// Gone.
    #[serde(default)]
    pub removed: u32,
}

/// How the plugin applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplyMode {
    /// The change set is in the answer; the caller does with it what it likes.
    None,
    /// By PUT to APISIX's API-driven standalone endpoint.
    Standalone,
    /// Per resource through APISIX's Admin API.
    Admin,
}

/// How far the apply got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplyState {
    /// The configuration is in force.
    Applied,
    /// There was nothing to apply.
    Unchanged,
    /// Resources that are referred to have not arrived.
    Waiting,
    /// The message said hold or more.
    Held,
    /// Too soon after the last PUT: flush later.
    Deferred,
    /// APISIX cannot be reached or was changed meanwhile: flush later.
    Retry,
    /// APISIX refused the configuration; the change set was abandoned.
    Refused,
}

/// What became of the change set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Apply {
    /// How the plugin applies.
    pub mode: ApplyMode,
    /// How far it got.
    pub state: ApplyState,
    /// With `deferred` and `retry`: when to flush.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// For people; with `refused` what APISIX says.
    #[serde(default)]
    pub message: Option<String>,
    /// Objects made or changed.
    #[serde(default)]
    pub upserts: u32,
    /// Objects deleted.
    #[serde(default)]
    pub deletes: u32,
}

impl Apply {
    /// When to flush; `None`: no flush is called for.
    #[must_use]
    pub fn flush_after(&self) -> Option<Duration> {
        const DEFAULT: Duration = Duration::from_secs(1);
        let asked = self.retry_after_ms.map_or(DEFAULT, Duration::from_millis);
        matches!(self.state, ApplyState::Deferred | ApplyState::Retry).then_some(asked)
    }
}

/// The mode alone, as the answer to `POST session` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Mode {
    /// How the plugin applies.
    pub mode: ApplyMode,
}

/// The answer to `POST session`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionOpened {
    /// The session id, as it was sent.
    pub session: String,
    /// How the plugin applies.
    pub apply: Mode,
    /// What to subscribe to first.
    pub subscribe: Vec<Subscription>,
}

/// The answer to `POST stream` and `POST expire`: the verdict, and what became of the change set.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamAnswer {
    /// What to tell the control plane once the changes are applied.
    pub verdict: Answer,
    /// The message's type.
    pub type_url: String,
    /// The message's `version_info`.
    pub version: String,
    /// The message's nonce.
    pub nonce: String,
    /// With a NACK: what is wrong, one error a line.
    #[serde(default)]
    pub error_detail: Option<String>,
    /// Changes of the wanted names, in the order to send them.
    #[serde(default)]
    pub subscribe: Vec<Subscription>,
    /// False while resources that are referred to have not arrived.
    pub ready: bool,
    /// How many wanted resources have not arrived.
    #[serde(default)]
    pub outstanding: u32,
    /// How the resources fared.
    #[serde(default)]
    pub counts: Counts,
    /// Diagnostics that are new since the last verdict; a JSON array, passed on unread.
    #[serde(default)]
    pub diagnostics: Option<Box<RawValue>>,
    /// What became of the change set.
    pub apply: Apply,
    /// In mode `none`, state `applied`: `{"upserts":[...],"deletes":[...]}`, passed on unread.
    #[serde(default)]
    pub changes: Option<Box<RawValue>>,
}

/// The answer to `POST flush`.
#[derive(Clone, Debug, Deserialize)]
pub struct FlushAnswer {
    /// What became of the change set.
    pub apply: Apply,
    /// As in [`StreamAnswer`].
    #[serde(default)]
    pub changes: Option<Box<RawValue>>,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ErrorAnswer {
    /// The stable name of the error, such as `unknown-session`.
    pub error: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_a_verdict_with_everything_and_with_the_least() {
        let full = r#"{"verdict":"nack","type_url":"t","version":"1","nonce":"n","error_detail":"e",
            "subscribe":[{"type_url":"u","wildcard":false,"added":["a"],"removed":[]}],"ready":true,"outstanding":0,
            "counts":{"accepted":1,"unchanged":2,"refused":3,"removed":4},"diagnostics":[{"code":"AM0001"}],
            "apply":{"mode":"none","state":"applied","upserts":2,"deletes":1},"changes":{"upserts":[],"deletes":[]}}"#;
        let answer: StreamAnswer = serde_json::from_str(full).unwrap();
        assert_eq!((answer.verdict, answer.counts.removed), (Answer::Nack, 4));
        assert_eq!(answer.diagnostics.unwrap().get(), r#"[{"code":"AM0001"}]"#);
        let least = r#"{"apply":{"mode":"standalone","state":"deferred"}}"#;
        let flush: FlushAnswer = serde_json::from_str(least).unwrap();
        assert_eq!(flush.apply.flush_after(), Some(Duration::from_secs(1)));
    }
}
