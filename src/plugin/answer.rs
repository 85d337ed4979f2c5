//! Answers to the caller. Every one has a body: the host turns an error without one into a page of HTML.

use amesh_translator::{ChangeSet, Verdict};
use serde::Serialize;

use crate::config::Mode;

/// A whole answer. The body is never empty.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 200 to 599.
    pub(crate) status: u32,
    /// `Content-Type`.
    pub(crate) content_type: &'static str,
    /// JSON, or the text of the metrics.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        serde_json::to_vec(value).map_or_else(
            |error| Self::error(500, "internal", &format!("the answer cannot be written: {error}")),
            |body| Self { status: 200, content_type: "application/json", body },
        )
    }

    /// The answer to everything that may apply changes; `changes`: where nobody else applies them.
    pub(crate) fn report(report: &Report<'_>, changes: Option<&ChangeSet<'_>>) -> Self {
        let mut answer = Self::json(report);
        if let Some(changes) = changes
            && answer.body.pop_if(|last| *last == b'}').is_some()
        {
            answer.body.extend_from_slice(br#","changes":"#);
            changes.write_json(&mut answer.body);
            answer.body.push(b'}');
        }
        answer
    }

    /// An error with its machine-readable reason.
    pub(crate) fn error(status: u32, error: &str, message: &str) -> Self {
        let body = serde_json::json!({ "error": error, "message": message }).to_string().into_bytes();
        Self { status, content_type: "application/json", body }
    }

    /// A call is under way.
    pub(crate) fn busy() -> Self {
        Self::error(503, "busy", "a change is being applied; try again")
    }
}

/// How far the pending changes got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// In force.
    Applied,
    /// There was nothing to apply.
    Unchanged,
    /// Wanted resources have not arrived.
    Waiting,
    /// The caller said that more follows.
    Held,
    /// Too soon after the last change, or one of several steps is done: flush later.
    Deferred,
    /// APISIX could not be asked or could not take it now: flush later. Nothing is lost.
    Retry,
    /// APISIX refused the configuration; it is not offered again until it changes.
    Refused,
}

/// The `apply` part of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    /// The configured mode.
    pub(crate) mode: Mode,
    /// How far it got.
    pub(crate) state: State,
    /// When to flush, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Resources to create or replace since the last commit.
    pub(crate) upserts: usize,
    /// Resources to delete since the last commit.
    pub(crate) deletes: usize,
}

/// The answer to everything that may apply changes, but for the changes.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    /// Absent for a flush.
    #[serde(flatten)]
    pub(crate) verdict: Option<&'a Verdict>,
    /// How far the changes got.
    pub(crate) apply: &'a Outcome,
}
