//! Envoy's header map: names in lower case, lines in order, and some names that hold one value only.

use super::decision::Line;

/// Names of a request whose lines Envoy joins to one: it keeps a slot for each.
const OF_REQUEST: [&str; 30] = [
    ":authority",
    ":path",
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "cdn-loop",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "origin",
    "pragma",
    "referer",
    "te",
    "upgrade",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// The same of a response.
const OF_RESPONSE: [&str; 24] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-allow-private-network",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "proxy-status",
    "server",
    "vary",
    "via",
    "x-request-id",
];

/// The headers of a request, the pseudo headers `:method`, `:authority`, `:path` and `:scheme` among them, or of a
/// response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headers {
    lines: Vec<Line>,
    joined: &'static [&'static str],
}

impl Headers {
    pub(super) fn of_request() -> Self {
        Self { lines: Vec::new(), joined: &OF_REQUEST }
    }

    pub(super) fn of_response() -> Self {
        Self { lines: Vec::new(), joined: &OF_RESPONSE }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All values of a name, in order.
    pub(super) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.lines.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.lines.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice())
    }

    /// The first value, or nothing.
    pub(super) fn value(&self, name: &str) -> &[u8] {
        self.get(name).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.lines.retain(|(other, _)| other != name);
    }

    /// Replaces all lines of a name by one.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.lines.push((name.into(), value.into()));
    }

    /// Adds a line, or to the one line that a name has.
    pub(super) fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let value = value.into();
        if let Some((_, present)) =
            self.lines.iter_mut().find(|(other, _)| other == name && self.joined.contains(&name))
        {
            if !present.is_empty() && !value.is_empty() {
                present.extend(b",");
            }
            present.extend(value);
        } else {
            self.lines.push((name.into(), value));
        }
    }
}
