//! A request that could tell two proxies apart.

use std::collections::BTreeSet;

use amesh_simulator::Request;
use amesh_simulator::envoy::knows_method;

/// What makes a request unusual: kinds that the translation is allowed to treat differently, if it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// The path has percent-escapes, double slashes, dot segments or bytes that have to be escaped.
    PathNotNormal,
    /// The path has a fragment.
    Fragment,
    /// The host ends with a dot.
    TrailingDot,
    /// The host is no plain name with at most one plain port, or there are two.
    StrangeHost,
    /// A header comes in several lines.
    RepeatedHeader,
    /// A header name has other characters than letters, digits, `-` and `_`.
    StrangeHeader,
    /// A header name has an underscore.
    UnderscoreHeader,
    /// A header value or path has bytes beyond ASCII.
    NotAscii,
    /// A method that is not registered for HTTP, or TRACE.
    UnknownMethod,
    /// It asks for another protocol.
    Upgrade,
    /// It is gRPC's.
    Grpc,
    /// It says by which scheme a client came.
    ForwardedProto,
    /// The path has bytes beyond ASCII.
    NotAsciiPath,
    /// A cookie has quotes inside.
    QuotedCookie,
    /// The same cookie, or the same query parameter, comes twice.
    Repeated,
}

/// A request and what is unusual about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The request.
    pub request: Request,
    /// Found by looking at the request; see [`Probe::new`].
    pub oddities: BTreeSet<Oddity>,
}

impl Probe {
    /// Looks for what is unusual about a request.
    #[must_use]
    pub fn new(request: Request) -> Self {
        let oddities = oddities(&request);
        Self { request, oddities }
    }
}

fn oddities(request: &Request) -> BTreeSet<Oddity> {
    let path = request.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let names: Vec<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or(&[][..], |(_, host)| host.as_slice());
    let name = host.split(|byte| *byte == b':').next().unwrap_or_default();
    let ascii = request.target.is_ascii() && request.headers.iter().all(|(_, value)| value.is_ascii());
    [
        (Oddity::PathNotNormal, !is_normal(path)),
        (Oddity::Fragment, request.target.contains(&b'#')),
        (Oddity::TrailingDot, name.ends_with(b".")),
        (Oddity::StrangeHost, is_strange(host) || names.iter().filter(|name| *name == "host").count() > 1),
        (Oddity::RepeatedHeader, unique.len() < names.len()),
        (Oddity::StrangeHeader, !names.iter().all(|name| is_plain(name))),
        (Oddity::UnderscoreHeader, names.iter().any(|name| name.contains('_'))),
        (Oddity::NotAscii, !ascii),
        (Oddity::UnknownMethod, request.method == "TRACE" || !knows_method(&request.method)),
        (Oddity::Upgrade, names.iter().any(|name| name == "upgrade")),
        (Oddity::Grpc, is_grpc(request)),
        (Oddity::ForwardedProto, names.iter().any(|name| name == "x-forwarded-proto")),
        (Oddity::NotAsciiPath, !request.target.is_ascii()),
        (Oddity::QuotedCookie, has_quoted_cookie(request)),
        (Oddity::Repeated, repeats(request)),
    ]
    .into_iter()
    .filter_map(|(oddity, present)| present.then_some(oddity))
    .collect()
}

/// True for a host that proxies read differently.
fn is_strange(host: &[u8]) -> bool {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    let is_number = |port: &[u8]| port.iter().all(u8::is_ascii_digit) && !matches!(port.first(), None | Some(b'0'));
    let behind_address = host.iter().rposition(|byte| *byte == b']').unwrap_or(0);
    let port = host.get(behind_address..).unwrap_or_default().splitn(2, |byte| *byte == b':').nth(1);
    matches!(host.first(), None | Some(b'.' | b':'))
        || !host.iter().all(is_usual)
        || port.is_some_and(|port| !is_number(port))
}

/// True for a path that no normalisation changes.
fn is_normal(path: &[u8]) -> bool {
    let segments = || path.split(|byte| *byte == b'/').filter_map(|segment| segment.split(|byte| *byte == b';').next());
    path.starts_with(b"/")
        && !path.iter().any(|byte| b"%\\\"<>^`{|}".contains(byte))
        && !path.windows(2).any(|pair| pair == b"//")
        && !segments().any(|segment| matches!(segment, b"." | b".."))
}

/// nginx takes header names of other characters for invalid.
pub(crate) fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_grpc(request: &Request) -> bool {
    let is_type =
        |name: &str, value: &[u8]| name.eq_ignore_ascii_case("content-type") && value.starts_with(b"application/grpc");
    request.headers.iter().any(|(name, value)| is_type(name, value))
}

fn has_quoted_cookie(request: &Request) -> bool {
    request.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("cookie") && value.contains(&b'"'))
}

fn repeats(request: &Request) -> bool {
    let query = request.target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    let cookies = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    duplicates(query, b'&') || cookies.into_iter().any(|(_, value)| duplicates(value, b';'))
}

fn duplicates(text: &[u8], separator: u8) -> bool {
    let name = |part: &[u8]| part.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
    let names: Vec<_> = text.split(|byte| *byte == separator).map(name).collect();
    names.iter().collect::<BTreeSet<_>>().len() < names.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(request: Request) -> Vec<Oddity> {
        Probe::new(request).oddities.into_iter().collect()
    }

    #[test]
    fn usual_requests_have_none() {
        assert_eq!(of(Request::get("a.test:80", "/a.b/c?x=1&y=%20")), []);
    }

    #[test]
    fn each_is_seen() {
        assert_eq!(of(Request::get("a.test.:80", "/")), [Oddity::TrailingDot]);
        for host in [".a.test", "a.test:81:81", "a.test:81.", "a.test:081", "a.test:", "[::1]:x"] {
            assert_eq!(of(Request::get(host, "/")), [Oddity::StrangeHost], "{host}");
        }
        assert_eq!(of(Request::get("[::1]:80", "/")), []);
        for path in ["//a", "/%61", "/a/../b", "/a/."] {
            assert_eq!(of(Request::get("a.test", path)), [Oddity::PathNotNormal], "{path}");
        }
        assert_eq!(of(Request::get("a.test", "/").with_header("upgrade", "h2c")), [Oddity::Upgrade]);
        let repeated = Request::get("a.test", "/").with_header("x-a", "1").with_header("X-A", "2");
        assert_eq!(of(repeated), [Oddity::RepeatedHeader]);
        assert_eq!(of(Request::get("a.test", "/?a=1&a=2")), [Oddity::Repeated]);
    }
}
