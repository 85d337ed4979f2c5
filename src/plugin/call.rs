//! Calls to APISIX's Admin API and what comes back, as values.

use amesh_translator::Verdict;
use serde::Deserialize;

/// Characters of a message of APISIX that are passed on.
const MESSAGE_LENGTH: usize = 2_000;

/// A call of the standalone endpoint. Address, key and headers without content are added by who makes it.
#[derive(Debug)]
pub(crate) enum Call {
    /// `GET`.
    Read,
    /// `PUT`.
    Write {
        /// The whole document.
        body: String,
        /// `X-Digest`: APISIX ignores a document with the digest that it has already.
        digest: String,
        /// False where another step must follow.
        last: bool,
    },
}

/// What waits for the outcome of a call.
#[derive(Debug)]
pub(crate) struct Job {
    /// The call under way.
    pub(crate) call: Call,
    /// The verdict that is part of the answer in the end.
    pub(crate) verdict: Option<Verdict>,
}

/// An answer of the Admin API.
#[derive(Debug)]
pub(crate) struct Response {
    /// The HTTP status; 0 where it could not be read.
    pub(crate) status: u32,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// What happened, for people.
    pub(crate) fn message(&self) -> String {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            error_msg: String,
        }
        let Body { error_msg } = serde_json::from_slice(&self.body).unwrap_or_default();
        let error_msg: String = error_msg.chars().take(MESSAGE_LENGTH).collect();
        format!("the Admin API answered {} {error_msg}", self.status)
    }

    /// Somebody else changed the document after it was read.
    pub(crate) fn is_race(&self) -> bool {
        self.message().contains("_conf_version must be greater than")
    }
}
