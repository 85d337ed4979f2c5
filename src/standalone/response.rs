//! What the Admin API answers.

use serde::Deserialize;

/// Characters of a message of APISIX that are passed on.
const MESSAGE_LENGTH: usize = 2_000;

/// An answer of the Admin API.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status; 0 where it could not be read.
    pub status: u32,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> String {
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
    #[must_use]
    pub fn is_race(&self) -> bool {
        self.message().contains("_conf_version must be greater than")
    }
}
