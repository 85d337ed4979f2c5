//! Where the fetcher delivers to: the four calls of the ingest protocol, as a trait.
//!
//! [`ProtocolIngest`] implements it over anything that carries an HTTP request to the plugin ([`Carrier`]): the
//! persistent connection of [`HttpCarrier`](crate::carrier::HttpCarrier), or a host that runs the module in this process.
//! Nothing here decides when to call what; that is the client's part.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::protocol::{ErrorAnswer, FlushAnswer, SessionOpened, StreamAnswer};

/// One message, or one part of a message, to ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The session id.
    pub session: String,
    /// 1, 2, 3 and so on within the session.
    pub sequence: u64,
    /// More parts of the same response follow.
    pub more: bool,
    /// Ingest, do not apply: more of a replay follows.
    pub hold: bool,
    /// A `DiscoveryResponse`.
    pub body: Bytes,
}

/// Why a call was not answered with success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// The receiver does not know the session, or missed a message of it: open a new one and replay.
    #[error("the ingest session is lost: {0}")]
    SessionLost(String),
    /// The receiver is at work for an earlier call.
    #[error("the ingest is busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The receiver cannot be reached, fails, or does not let us in; it may later.
    #[error("the ingest is unavailable: {0}")]
    Unavailable(String),
    /// The receiver will never take this message.
    #[error("the ingest refuses the message: {0}")]
    Rejected(String),
}

/// The receiver of what the fetcher receives.
///
/// Calls are made one at a time. After an error other than [`IngestError::SessionLost`] the same call is made again;
/// `Busy` and `Unavailable` mean that the call had no effect or that the next one will be answered `SessionLost`.
#[async_trait]
pub trait Ingest: Send {
    /// Opens a session under the given id (1 to 64 of `[A-Za-z0-9-]`), in place of any earlier one.
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError>;

    /// Delivers a message or a part of one.
    async fn stream(&mut self, part: Part) -> Result<StreamAnswer, IngestError>;

    /// Has what is pending applied.
    async fn flush(&mut self, session: &str) -> Result<FlushAnswer, IngestError>;

    /// Says that these wanted resources did not come and are to be treated as absent.
    async fn expire(&mut self, session: &str, type_url: &str, names: &[String]) -> Result<StreamAnswer, IngestError>;

    /// How long the client may leave the receiver alone before it flushes, to keep a connection open and to notice a
    /// receiver that has lost its state. `None`: for ever.
    fn heartbeat(&self) -> Option<Duration> {
        None
    }
}

#[async_trait]
impl<T: Ingest + ?Sized> Ingest for Box<T> {
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError> {
        (**self).session(id).await
    }

    async fn stream(&mut self, part: Part) -> Result<StreamAnswer, IngestError> {
        (**self).stream(part).await
    }

    async fn flush(&mut self, session: &str) -> Result<FlushAnswer, IngestError> {
        (**self).flush(session).await
    }

    async fn expire(&mut self, session: &str, type_url: &str, names: &[String]) -> Result<StreamAnswer, IngestError> {
        (**self).expire(session, type_url, names).await
    }

    fn heartbeat(&self) -> Option<Duration> {
        (**self).heartbeat()
    }
}

/// Carries one HTTP request to the plugin and its answer back.
#[async_trait]
pub trait Carrier: Send {
    /// Sends the request (its URI is a path such as `/amesh/v1/stream`) and reads the whole answer.
    /// The error says why there is none, in one line.
    async fn send(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, String>;

    /// As [`Ingest::heartbeat`].
    fn heartbeat(&self) -> Option<Duration> {
        None
    }
}

/// The ingest protocol over a [`Carrier`].
pub struct ProtocolIngest<C> {
    carrier: C,
    prefix: String,
}

impl<C: Carrier> ProtocolIngest<C> {
    /// `prefix` is the path the plugin answers under, without a slash at its end, such as `/amesh`.
    pub fn new(carrier: C, prefix: impl Into<String>) -> Self {
        Self { carrier, prefix: prefix.into() }
    }

    /// The carrier, for what goes beyond the protocol's four calls.
    pub fn carrier(&mut self) -> &mut C {
        &mut self.carrier
    }

    async fn call<T: DeserializeOwned>(&mut self, call: Call<'_>) -> Result<T, IngestError> {
        let request = call.request(&self.prefix).map_err(|error| IngestError::Rejected(error.to_string()))?;
        let response = self.carrier.send(request).await.map_err(IngestError::Unavailable)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&response));
        }
        serde_json::from_slice(response.body())
            .map_err(|error| IngestError::Unavailable(format!("{} answers what is no verdict: {error}", call.name)))
    }
}

#[async_trait]
impl<C: Carrier> Ingest for ProtocolIngest<C> {
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError> {
        self.call(Call { name: "session", session: id, part: None, body: Bytes::new() }).await
    }

    async fn stream(&mut self, part: Part) -> Result<StreamAnswer, IngestError> {
        self.call(Call { name: "stream", session: &part.session, part: Some(&part), body: part.body.clone() }).await
    }

    async fn flush(&mut self, session: &str) -> Result<FlushAnswer, IngestError> {
        self.call(Call { name: "flush", session, part: None, body: Bytes::new() }).await
    }

    async fn expire(&mut self, session: &str, type_url: &str, names: &[String]) -> Result<StreamAnswer, IngestError> {
        let body = serde_json::json!({ "type_url": type_url, "names": names }).to_string().into();
        self.call(Call { name: "expire", session, part: None, body }).await
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.carrier.heartbeat()
    }
}

struct Call<'a> {
    name: &'static str,
    session: &'a str,
    part: Option<&'a Part>,
    body: Bytes,
}

impl Call<'_> {
    fn request(&self, prefix: &str) -> Result<Request<Bytes>, http::Error> {
        let content_type = match self.name {
            "stream" => "application/x-protobuf",
            _ => "application/json",
        };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{prefix}/v1/{}", self.name))
            .header(header::CONTENT_TYPE, content_type)
            .header("x-amesh-session", self.session);
        if let Some(part) = self.part {
            request = request.header("x-amesh-sequence", part.sequence).header("x-amesh-variant", "sotw");
            if part.more {
                request = request.header("x-amesh-more", HeaderValue::from_static("1"));
            }
            if part.hold {
                request = request.header("x-amesh-hold", HeaderValue::from_static("1"));
            }
        }
        request.body(self.body.clone())
    }
}

/// What an answer other than 200 means.
fn refusal(response: &Response<Bytes>) -> IngestError {
    let status = response.status();
    let answer = serde_json::from_slice::<ErrorAnswer>(response.body()).ok();
    let text = match &answer {
        Some(answer) if answer.message.is_empty() => format!("{status}: {}", answer.error),
        Some(answer) => format!("{status}: {}", answer.message),
        None => format!("{status}, not an answer of the plugin"),
    };
    match (status.as_u16(), answer.as_ref().map(|answer| answer.error.as_str())) {
        (409, _) => IngestError::SessionLost(text),
        (503, Some("busy")) => IngestError::Busy { retry_after: retry_after(response) },
        // A body that is too large for nginx itself is answered with a page of its own.
        (413, _) | (400, Some(_)) => IngestError::Rejected(text),
        _ => IngestError::Unavailable(text),
    }
}

fn retry_after(response: &Response<Bytes>) -> Duration {
    let value = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Duration::from_secs(value.and_then(|text| text.parse().ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn answer(status: u16, body: &'static str) -> IngestError {
        refusal(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[test]
    fn tells_lost_busy_unavailable_and_rejected_apart() {
        let lost = answer(409, r#"{"error":"unknown-session","message":"no such session"}"#);
        assert_eq!(lost, IngestError::SessionLost("409 Conflict: no such session".into()));
        let busy = answer(503, r#"{"error":"busy","message":""}"#);
        assert_eq!(busy, IngestError::Busy { retry_after: Duration::from_secs(1) });
        assert!(matches!(answer(503, "<html>"), IngestError::Unavailable(_)));
        assert!(matches!(answer(404, r#"{"error_msg":"404 Route Not Found"}"#), IngestError::Unavailable(_)));
        assert!(matches!(answer(401, r#"{"error":"unauthorized"}"#), IngestError::Unavailable(_)));
        assert!(matches!(answer(413, "<html>"), IngestError::Rejected(_)));
        assert!(matches!(answer(400, r#"{"error":"bad-request"}"#), IngestError::Rejected(_)));
    }

    #[test]
    fn a_part_carries_its_headers() {
        let part = Part { session: "s".into(), sequence: 3, more: true, hold: false, body: Bytes::from_static(b"x") };
        let call = Call { name: "stream", session: "s", part: Some(&part), body: part.body.clone() };
        let request = call.request("/amesh").unwrap();
        assert_eq!(request.uri(), "/amesh/v1/stream");
        assert_eq!(request.headers()["x-amesh-sequence"], "3");
        assert_eq!(request.headers()["x-amesh-more"], "1");
        assert!(!request.headers().contains_key("x-amesh-hold"));
    }
}
