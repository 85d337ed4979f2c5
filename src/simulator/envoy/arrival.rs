//! From the wire to the route table: what the HTTP/1 codec and the connection manager refuse, normalise and set.

use super::decision::{Answer, Line, Reply};
use super::exchange::{Connection, Exchange};
use super::headers::Headers;
use super::manager::{EscapedSlashes, Manager, Ports};
use super::path;
use crate::Request;

/// The methods that the parser knows and the model follows.
const METHODS: [&str; 33] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "MSEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Methods that the parser knows and the model does not follow.
const UNFOLLOWED: [&str; 2] = ["CONNECT", "QUERY"];

/// Whether Envoy's parser knows the method; requests with others are answered 400.
#[must_use]
pub fn knows_method(method: &str) -> bool {
    METHODS.contains(&method) || UNFOLLOWED.contains(&method)
}

/// Headers of one connection, and those that Envoy writes itself.
const DROPPED: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-client-cert",
    "x-request-id",
];

/// A request that got no further.
#[derive(Debug)]
pub(super) enum Refused {
    /// The codec or the model ends it.
    AtOnce(Answer),
    /// The connection manager answers; filters see the answer.
    ByManager(Box<Exchange>, Reject),
}

/// An answer of the connection manager, which has no body.
#[derive(Debug)]
pub(super) struct Reject {
    pub(super) status: u16,
    pub(super) location: Option<Vec<u8>>,
    pub(super) why: &'static str,
}

impl From<Answer> for Refused {
    fn from(answer: Answer) -> Self {
        Self::AtOnce(answer)
    }
}

fn reject(status: u16, why: &'static str) -> Reject {
    Reject { status, location: None, why }
}

/// An answer of the codec, which has the reason phrase as its body.
fn codec(status: u16, phrase: &str, why: &str) -> Answer {
    let headers = vec![("content-type".into(), b"text/plain".to_vec())];
    Answer::Reply(Reply { status, headers, body: phrase.into(), why: why.into() })
}

fn bad(why: &str) -> Answer {
    codec(400, "Bad Request", why)
}

fn unknown(what: impl Into<String>) -> Answer {
    Answer::NotModelled(what.into())
}

impl Exchange {
    /// The request as the route table sees it, or the answer to what does not get as far.
    pub(super) fn arrive(request: &Request, connection: Connection, manager: &Manager) -> Result<Self, Refused> {
        let line = RequestLine::read(request)?;
        let lines = header_lines(request, manager)?;
        if manager.may_be_internal && lines.iter().any(|(name, _)| name.starts_with("x-envoy-")) {
            return Err(unknown("x-envoy headers where clients may be internal").into());
        }
        let mut headers = Headers::of_request();
        headers.set(":method", request.method.clone());
        headers.set(":path", line.path);
        for (name, value) in &lines {
            let name = if name == "host" { ":authority" } else { name };
            headers.add(name, value.clone());
        }
        if let Some(host) = line.host {
            headers.set(":authority", host);
        }
        let host = headers.value(":authority");
        if host.iter().any(|byte| b"\"#<>/?\\^`{|} ".contains(byte) || !byte.is_ascii_graphic()) {
            return Err(bad("an invalid host").into());
        }
        let came_with_scheme = headers.has("x-forwarded-proto");
        let upgrade = upgrade(&lines)?;
        let mut exchange = Self { headers, connection, upgrade, came_as_grpc: false, came_with_scheme };
        exchange.came_as_grpc = exchange.is_grpc();
        exchange.set_scheme(line.scheme, manager)?;
        if let Err(reject) = exchange.normalise_path(manager) {
            return Err(Refused::ByManager(Box::new(exchange), reject));
        }
        exchange.normalise_host(manager);
        exchange.drop_headers();
        Ok(exchange)
    }

    /// `x-forwarded-proto` is what a client says, unless it is not trusted; the scheme follows it. The scheme of an
    /// absolute target wins.
    fn set_scheme(&mut self, of_target: Option<String>, manager: &Manager) -> Result<(), Refused> {
        let of_connection = if self.connection.tls { "https" } else { "http" };
        if manager.use_remote_address || !self.headers.has("x-forwarded-proto") {
            self.headers.set("x-forwarded-proto", of_connection);
        }
        let forwarded = self.headers.value("x-forwarded-proto").to_ascii_lowercase();
        if forwarded.is_empty() {
            return Err(unknown("an empty x-forwarded-proto").into());
        }
        let scheme = match (of_target, forwarded.as_slice()) {
            (Some(scheme), _) => scheme.into_bytes(),
            (None, b"http" | b"https") => forwarded,
            (None, _) => of_connection.into(),
        };
        self.headers.set(":scheme", scheme);
        Ok(())
    }

    fn normalise_path(&mut self, manager: &Manager) -> Result<(), Reject> {
        if !self.headers.has(":authority") {
            return Err(reject(400, "no host header"));
        }
        if self.path().contains(&b'#') {
            return Err(reject(400, "a path with a fragment"));
        }
        if !self.path().starts_with(b"/") {
            return Err(reject(404, "a target without a path"));
        }
        let plain = path::unescape_slashes(self.path()).filter(|_| manager.escaped_slashes != EscapedSlashes::Keep);
        let was_escaped = plain.is_some();
        if let Some(plain) = plain {
            self.headers.set(":path", plain);
        }
        if was_escaped && manager.escaped_slashes == EscapedSlashes::Reject {
            return Err(reject(400, "an escaped slash in the path"));
        }
        if manager.normalize_path {
            let path = path::normalise(self.path()).ok_or(reject(400, "a path that cannot be normalised"))?;
            self.headers.set(":path", path);
        }
        if manager.merge_slashes {
            let path = path::merge_slashes(self.path());
            self.headers.set(":path", path);
        }
        if was_escaped && manager.escaped_slashes == EscapedSlashes::UnescapeAndRedirect {
            if self.is_grpc() {
                return Err(reject(400, "an escaped slash in the path, which gRPC clients are not redirected for"));
            }
            let location = Some(self.path().to_vec());
            return Err(Reject { status: 307, location, why: "an escaped slash in the path" });
        }
        Ok(())
    }

    fn normalise_host(&mut self, manager: &Manager) {
        let mut host = self.authority().to_vec();
        if manager.strip_trailing_dot
            && let Some(dot) = host.iter().rposition(|&byte| byte == b'.')
            && matches!(host.get(dot.saturating_add(1)), None | Some(b':'))
        {
            host.remove(dot);
        }
        let port = port_start(&host).and_then(|at| {
            let text = std::str::from_utf8(host.get(at.checked_add(1)?..)?).ok()?;
            Some((at, text.parse::<u32>().ok()?))
        });
        if let Some((at, port)) = port
            && match manager.strip_ports {
                Ports::Keep => false,
                Ports::StripMatching => port == u32::from(self.connection.port),
                Ports::StripAny => true,
            }
        {
            host.truncate(at);
        }
        self.headers.set(":authority", host);
    }

    fn drop_headers(&mut self) {
        for name in DROPPED {
            self.headers.remove(name);
        }
        // A list is cut down to what Envoy knows.
        let te = self.headers.value("te").to_vec();
        self.headers.remove("te");
        if te.split(|&byte| byte == b',').any(|token| token.trim_ascii() == b"trailers") {
            self.headers.set("te", "trailers");
        }
        if self.headers.value("expect").eq_ignore_ascii_case(b"100-continue") {
            self.headers.remove("expect");
        }
    }
}

/// Where the port of a host begins, at its colon.
pub(super) fn port_start(host: &[u8]) -> Option<usize> {
    let colon = host.iter().rposition(|&byte| byte == b':')?;
    let bracket = host.iter().rposition(|&byte| byte == b']');
    bracket.is_none_or(|bracket| bracket < colon).then_some(colon)
}

struct RequestLine {
    path: Vec<u8>,
    /// Of an absolute target.
    host: Option<Vec<u8>>,
    scheme: Option<String>,
}

impl RequestLine {
    fn read(request: &Request) -> Result<Self, Refused> {
        if UNFOLLOWED.contains(&request.method.as_str()) {
            return Err(unknown(format!("the method {}", request.method)).into());
        }
        if !METHODS.contains(&request.method.as_str()) {
            return Err(bad("an unknown method").into());
        }
        if !request.version.starts_with("HTTP/") {
            return Err(bad("an unreadable version").into());
        }
        let target = request.target.as_slice();
        if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
            return Err(bad("an invalid character in the target").into());
        }
        if request.version != "HTTP/1.1" {
            return Err(codec(426, "Upgrade Required", "a version other than HTTP/1.1").into());
        }
        if target.starts_with(b"/") || request.method == "OPTIONS" && target == b"*" {
            return Ok(Self { path: target.into(), host: None, scheme: None });
        }
        let text = std::str::from_utf8(target).map_err(|_| bad("an invalid target"))?;
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("a target that is no URL"))?;
        let scheme = scheme.to_ascii_lowercase();
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        if !["http", "https"].contains(&scheme.as_str()) || host.is_empty() || rest.contains('#') {
            return Err(bad("a target that is no URL").into());
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { path: path.into(), host: Some(host.into()), scheme: Some(scheme) })
    }
}

/// The lines with names in lower case and trimmed values.
fn header_lines(request: &Request, manager: &Manager) -> Result<Vec<Line>, Refused> {
    let mut lines = Vec::new();
    for (name, value) in &request.headers {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(bad("an invalid header name").into());
        }
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(bad("an invalid header value").into());
        }
        let name = name.to_ascii_lowercase();
        if name.contains('_') && manager.rejects_underscores {
            return Err(bad("a header name with an underscore").into());
        }
        if name.starts_with("x-envoy-") {
            return Err(unknown(format!("the request header {name}")).into());
        }
        if !(name.contains('_') && manager.drops_underscores) {
            lines.push((name, value.trim_ascii().to_vec()));
        }
    }
    Ok(lines)
}

/// The protocol that `Upgrade` asks for, where `Connection` says that it is meant.
fn upgrade(lines: &[Line]) -> Result<Option<String>, Refused> {
    let all = |name: &str| {
        let values = lines.iter().filter(|(other, _)| other == name).map(|(_, value)| value.to_ascii_lowercase());
        String::from_utf8_lossy(&values.collect::<Vec<_>>().join(&b',')).into_owned()
    };
    let protocol = all("upgrade");
    let connection = all("connection");
    if protocol.is_empty() || !connection.split(',').any(|token| token.trim() == "upgrade") {
        if connection.split(',').all(|token| ["", "close", "keep-alive"].contains(&token.trim())) {
            return Ok(None);
        }
        return Err(unknown(format!("the request header connection: {connection}")).into());
    }
    if protocol != "websocket" && protocol.contains("h2c") {
        return Err(unknown("an upgrade to HTTP/2").into());
    }
    Ok(Some(protocol))
}
