//! What is asked: the endpoints of the ingest protocol and the request's head, checked.
//!
//! Nothing here looks at a body or at the state of a session.

use amesh_translator::{Envelope, Variant};

use crate::answer::Answer;
use crate::config::Config;

/// What a path and a method stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /v1/session`: a fresh translator.
    Session,
    /// `POST /v1/stream`: one xDS response.
    Stream,
    /// `POST /v1/flush`: apply what is pending.
    Flush,
    /// `POST /v1/expire`: wanted resources that do not exist.
    Expire,
    /// `GET /v1/status`.
    Status,
    /// `GET /v1/config`.
    Config,
    /// `GET /v1/diagnostics`.
    Diagnostics,
    /// `GET /metrics`.
    Metrics,
}

impl Endpoint {
    fn find(prefix: &str, method: &str, target: &str) -> Result<(bool, Self), Answer> {
        let path = target.split('?').next().and_then(|path| path.strip_prefix(prefix)).unwrap_or_default();
        let (wanted, endpoint) = match path {
            "/v1/session" => ("POST", Self::Session),
            "/v1/stream" => ("POST", Self::Stream),
            "/v1/flush" => ("POST", Self::Flush),
            "/v1/expire" => ("POST", Self::Expire),
            "/v1/status" => ("GET", Self::Status),
            "/v1/config" => ("GET", Self::Config),
            "/v1/diagnostics" => ("GET", Self::Diagnostics),
            "/metrics" => ("GET", Self::Metrics),
            _ => return Err(Answer::error(404, "not-found", &format!("{prefix} has no such path"))),
        };
        let refusal = || Answer::error(405, "method-not-allowed", &format!("use {wanted}"));
        (method == wanted).then_some((wanted == "POST", endpoint)).ok_or_else(refusal)
    }
}

/// A request that may be served, without its body.
#[derive(Debug)]
pub(crate) struct Request {
    /// What is asked.
    pub(crate) endpoint: Endpoint,
    /// The answer depends on a body, even on an empty one.
    pub(crate) has_body: bool,
    /// `x-amesh-session`; well-formed where the endpoint takes a body.
    pub(crate) session: String,
    /// `x-amesh-sequence`; 0 where it is none.
    pub(crate) sequence: u64,
    /// `x-amesh-variant` and `x-amesh-more`.
    pub(crate) envelope: Envelope,
    /// `x-amesh-hold`: a replay, more messages follow.
    pub(crate) hold: bool,
}

impl Request {
    /// Reads the head through `header` (lower-case name to value, empty where absent) and decides whether it is served.
    pub(crate) fn admit(config: &Config, remote: &str, header: impl Fn(&str) -> String) -> Result<Self, Answer> {
        if !config.allows(remote) {
            return Err(Answer::error(403, "forbidden", "the plugin's configuration does not allow this address"));
        }
        if !config.authorizes(&header("authorization")) {
            return Err(Answer::error(401, "unauthorized", "the header Authorization: Bearer <token> is needed"));
        }
        let number = |name| header(name).parse::<u64>().unwrap_or_default();
        let (has_body, endpoint) = Endpoint::find(&config.prefix, &header(":method"), &header(":path"))?;
        check_length(config, number("content-length"))?;
        let session = header("x-amesh-session");
        if has_body && !is_session(&session) {
            return Err(bad_request("the header x-amesh-session must be 1 to 64 of A-Z a-z 0-9 -"));
        }
        let variant = match header("x-amesh-variant").as_str() {
            "" | "sotw" => Variant::Sotw,
            "delta" => Variant::Delta,
            _ => return Err(bad_request("the header x-amesh-variant must be sotw or delta")),
        };
        let envelope = Envelope { variant, more: header("x-amesh-more") == "1" };
        let (sequence, hold) = (number("x-amesh-sequence"), header("x-amesh-hold") == "1");
        Ok(Self { endpoint, has_body, session, sequence, envelope, hold })
    }
}

/// Refuses a body that is longer than `limits.message_bytes`.
pub(crate) fn check_length(config: &Config, length: u64) -> Result<(), Answer> {
    let limit = config.options().limits.message_bytes;
    let fits = usize::try_from(length).is_ok_and(|length| length <= limit);
    let message = format!("the message is larger than limits.message_bytes of the plugin's configuration, {limit}");
    if fits { Ok(()) } else { Err(Answer::error(413, "too-large", &message)) }
}

/// A header or the body is not what the endpoint wants.
pub(crate) fn bad_request(message: &str) -> Answer {
    Answer::error(400, "bad-request", message)
}

fn is_session(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
