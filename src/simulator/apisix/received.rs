//! What nginx makes of a request before APISIX sees it, including the requests it answers itself.

use super::headers::Lines;
use super::uri::{self, Target};
use crate::request::Request;

/// A request that reached the router.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) request: Request,
    pub(super) target: Target,
    /// `$host`: lower case, without port and trailing dot.
    pub(super) host: Vec<u8>,
    /// Header lines that nginx keeps, values trimmed.
    pub(super) headers: Lines,
}

/// An answer by nginx itself: the status and why. 494 is nginx's own for a 400 with another page.
pub(super) type Rejected = (u16, &'static str);

/// `$host` for a request that names none (HTTP/1.0): the `server_name` of APISIX's nginx.conf.
const SERVER_NAME: &[u8] = b"_";

impl Received {
    pub(super) fn new(request: &Request) -> Result<Self, Rejected> {
        check_method(&request.method)?;
        let target = uri::parse(&request.target).map_err(|why| (400, why))?;
        check_version(&request.version)?;
        check_size(request)?;
        let headers = headers(request)?;
        let host = host(&target, &headers, &request.version)?;
        match request.method.as_str() {
            "CONNECT" | "TRACE" => Err((405, "a method that nginx refuses")),
            _ => Ok(Self { request: request.clone(), target, host, headers }),
        }
    }

    /// All values of a header, joined as `$http_…` joins them; `name` in lower case with `_`.
    pub(super) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.headers.joined(name)
    }
}

fn check_method(method: &str) -> Result<(), Rejected> {
    let known = |byte| matches!(byte, b'A'..=b'Z' | b'_' | b'-');
    if method.is_empty() || !method.bytes().all(known) {
        return Err((400, "a method that is not upper case"));
    }
    Ok(())
}

fn check_version(version: &str) -> Result<(), Rejected> {
    let number = version.strip_prefix("HTTP/").and_then(|number| number.split_once('.'));
    match number.map(|(major, minor)| (major.parse::<u16>(), minor.parse::<u16>())) {
        Some((Ok(1), Ok(_))) => Ok(()),
        Some((Ok(2..), Ok(_))) => Err((505, "a version above HTTP/1")),
        _ => Err((400, "an unreadable version")),
    }
}

/// `client_header_buffer_size` 1k and `large_client_header_buffers` 4 8k: no line is split between buffers.
fn check_size(request: &Request) -> Result<(), Rejected> {
    const LARGE: usize = 8192;
    let first = request.method.len().saturating_add(request.target.len()).saturating_add(request.version.len());
    let header = |(name, value): &(String, Vec<u8>)| (name.len().saturating_add(value.len()).saturating_add(4), 494);
    let lines = std::iter::once((first.saturating_add(4), 414)).chain(request.headers.iter().map(header));
    let (mut left, mut buffers) = (1024_usize, 4_usize);
    for (length, status) in lines {
        left = match left.checked_sub(length) {
            Some(left) => left,
            None if length > LARGE || buffers == 0 => return Err((status, "a request head that is too large")),
            None => {
                buffers = buffers.saturating_sub(1);
                LARGE.saturating_sub(length)
            }
        };
    }
    Ok(())
}

fn headers(request: &Request) -> Result<Lines, Rejected> {
    let mut kept = Vec::new();
    for (name, value) in &request.headers {
        if name.is_empty() || name.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err((400, "a header name with a blank or control character"));
        }
        if value.contains(&0) {
            return Err((400, "a header value with a zero byte"));
        }
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            kept.push((name.clone(), trim(value).to_vec()));
        }
    }
    let kept = Lines(kept);
    match UNIQUE.iter().find(|name| kept.all(name).nth(1).is_some()) {
        Some(_) => Err((400, "a second line of a header that must be unique")),
        None => Ok(kept),
    }
}

/// Request headers of which nginx takes one line at most (`ngx_http_process_unique_header_line`).
const UNIQUE: [&str; 10] = [
    "authorization",
    "content-length",
    "content-range",
    "expect",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "transfer-encoding",
];

/// A header value without the blanks around it.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let Some(rest) = value.strip_prefix(b" ").or_else(|| value.strip_suffix(b" ")) {
        value = rest;
    }
    value
}

/// The host of an absolute-form target wins over the header, which must be there all the same.
fn host(target: &Target, headers: &Lines, version: &str) -> Result<Vec<u8>, Rejected> {
    let mut sent = headers.all("host");
    let first = sent.next();
    if sent.next().is_some() {
        return Err((400, "more than one Host header"));
    }
    if first.is_none() && version != "HTTP/1.0" {
        return Err((400, "no Host header"));
    }
    match target.host.as_deref().or(first) {
        Some(host) => normalise_host(host).ok_or((400, "an invalid host")),
        None => Ok(SERVER_NAME.to_vec()),
    }
}

/// nginx's check of a host: no empty labels, blanks or slashes; the port is not looked at.
fn normalise_host(host: &[u8]) -> Option<Vec<u8>> {
    if host.iter().any(|&byte| byte <= b' ' || byte == 0x7f || byte == b'/') {
        return None;
    }
    if host.windows(2).any(|pair| pair == b"..") {
        return None;
    }
    let end = match host.first() {
        Some(b'[') => host.iter().position(|&byte| byte == b']').map(|end| end.saturating_add(1)),
        _ => host.iter().position(|&byte| byte == b':'),
    };
    let name = host.get(..end.unwrap_or(host.len()))?;
    let name = name.strip_suffix(b".").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(host: &str) -> Option<String> {
        normalise_host(host.as_bytes()).and_then(|host| String::from_utf8(host).ok())
    }

    #[test]
    fn hosts() {
        assert_eq!(host_of("Foo.COM:81").as_deref(), Some("foo.com"));
        assert_eq!(host_of("foo.com.").as_deref(), Some("foo.com"));
        assert_eq!(host_of("foo.com.:80").as_deref(), Some("foo.com"));
        assert_eq!(host_of("[::1]:80").as_deref(), Some("[::1]"));
        for bad in ["", ".", "..", "a..b", "a b", "a/b", ":80"] {
            assert_eq!(host_of(bad), None, "{bad:?}");
        }
    }

    fn status(request: &Request) -> u16 {
        Received::new(request).map_or_else(|(status, _)| status, |_| 0)
    }

    #[test]
    fn answers_of_nginx() {
        let plain = Request::get("a.test", "/");
        assert_eq!(status(&plain), 0);
        assert_eq!(status(&plain.clone().with_method("TRACE")), 405);
        assert_eq!(status(&plain.clone().with_method("get")), 400);
        assert_eq!(status(&plain.clone().with_header("Host", "a.test")), 400);
        assert_eq!(status(&plain.clone().with_header("a b", "1")), 400);
        assert_eq!(status(&plain.clone().with_header("If-Match", "1").with_header("if-match", "1")), 400);
        assert_eq!(status(&Request { headers: vec![], ..plain.clone() }), 400);
        assert_eq!(status(&Request { version: "HTTP/2.0".into(), ..plain }), 505);
    }

    #[test]
    fn header_lines_are_joined() {
        let request = Request::get("a.test", "/")
            .with_header("X-A", " 1 ")
            .with_header("x_a", "2")
            .with_header("x.a", "3")
            .with_header("Cookie", "a=1")
            .with_header("cookie", "b=2");
        let received = Received::new(&request).unwrap_or_else(|(_, why)| panic!("{why}"));
        assert_eq!(received.header("x_a").as_deref(), Some(b"1, 2".as_slice()));
        assert_eq!(received.header("cookie").as_deref(), Some(b"a=1; b=2".as_slice()));
        assert_eq!(received.header("x.a"), None);
    }
}
