//! Requests, replies and responses as values. No transport.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

/// One header line. Names keep the case they came with; the module sees request headers in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name, without colon.
    pub name: String,
    /// Value, any bytes.
    pub value: Vec<u8>,
}

impl Header {
    /// A header of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The value as text, bytes that are not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A request from the client, complete with its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// As sent.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Raw target as sent (`/w/x%2Fy?q=1`); the module's `:path`.
    pub target: String,
    /// All headers, Host included.
    pub headers: Vec<Header>,
    /// The whole body; empty for none.
    pub body: Bytes,
}

impl HttpRequest {
    /// A request over plain HTTP with a Host header and no body.
    pub fn new(method: impl Into<String>, target: impl Into<String>, host: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.into(),
            scheme: "http".into(),
            target: target.into(),
            headers: vec![Header::new("host", host)],
            body: Bytes::new(),
        }
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// An HTTP call that the module dispatched, as APISIX hands it to its HTTP client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// `host[:port]` as the module named it; where to connect.
    pub upstream: String,
    /// From `:method`.
    pub method: String,
    /// From `:scheme`.
    pub scheme: String,
    /// From `:path`, with a leading slash; empty if the module gave none (the client then sends `/`).
    pub path: String,
    /// All other headers in order. `:authority` comes as `host`; without one the client sends the upstream's text.
    pub headers: Vec<Header>,
    /// Empty for none.
    pub body: Bytes,
    /// None: no limit was given, the client's default holds.
    pub timeout: Option<Duration>,
}

impl HttpCall {
    /// Scheme, upstream and path in one.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.upstream, self.path)
    }
}

/// The reply to an HTTP call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpReply {
    /// Status code.
    pub status: u16,
    /// Headers in order; the module sees their names in lower case.
    pub headers: Vec<Header>,
    /// The whole body.
    pub body: Bytes,
}

impl HttpReply {
    /// A reply without headers.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }
}

/// Executes the HTTP calls of a module.
pub trait HttpCaller {
    /// Performs the call. None means that it failed, whatever the reason: the module's callback then sees 0 headers
    /// and 0 bytes of body.
    fn call(&mut self, call: HttpCall) -> Option<HttpReply>;
}

impl<F: FnMut(HttpCall) -> Option<HttpReply>> HttpCaller for F {
    fn call(&mut self, call: HttpCall) -> Option<HttpReply> {
        self(call)
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpResponse {
    /// The module answered.
    Local(LocalResponse),
    /// The module let the request go on to the route's upstream.
    Upstream(UpstreamRequest),
}

impl HttpResponse {
    /// The local response, if it is one.
    #[must_use]
    pub fn local(&self) -> Option<&LocalResponse> {
        match self {
            Self::Local(response) => Some(response),
            Self::Upstream(_) => None,
        }
    }
}

/// What the client receives when the module answers. Sent chunked: there is no Content-Length unless the module set
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// Status code.
    pub status: u16,
    /// In order; never `Server`, which APISIX sets itself.
    pub headers: Vec<Header>,
    /// The body as the client receives it.
    pub body: Bytes,
    /// Who made the body.
    pub source: BodySource,
}

impl LocalResponse {
    /// The first header of this name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.iter().find(|header| header.is(name)).map(Header::text)
    }
}

/// Who made the body of a [`LocalResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// The module; also an empty body.
    Module,
    /// nginx: its HTML page for a status of 300 and above when the module gave no body. Its exact text is
    /// nginx's affair.
    ErrorPage,
}

/// The request as it would go to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// As sent, or as the module set it.
    pub method: String,
    /// As sent, or the module's `:path` escaped as a path: it cannot carry a query.
    pub target: String,
    /// With the module's changes.
    pub headers: Vec<Header>,
    /// Headers that the module already set for the response.
    pub response_headers: Vec<Header>,
}
