//! The request target as nginx reads it: `$uri`, `$args`, the raw target, the host of absolute forms.

/// A request target, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The host of an absolute-form target (`http://host/path`), port included.
    pub(super) host: Option<Vec<u8>>,
    /// As received, without scheme and host: APISIX's `real_request_uri`.
    pub(super) raw: Vec<u8>,
    /// `$uri`: percent-decoded, without double slashes and dot segments.
    pub(super) path: Vec<u8>,
    /// `$args`: what stands after the first `?`, undecoded.
    pub(super) args: Vec<u8>,
}

/// Why nginx answers 400 to the request line.
pub(super) type Bad = &'static str;

/// Reads a target in origin form or absolute form.
pub(super) fn parse(target: &[u8]) -> Result<Target, Bad> {
    if target.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
        return Err("a blank or control character in the target");
    }
    let (host, raw) = match target.first() {
        Some(b'/') => (None, target),
        _ => split_authority(target)?,
    };
    let raw = if raw.is_empty() { b"/" } else { raw };
    let path_end = position(raw, b"?#").unwrap_or(raw.len());
    let (path, rest) = raw.split_at(path_end);
    Ok(Target {
        host: host.map(<[u8]>::to_vec),
        raw: raw.to_vec(),
        path: resolve(&decode(path)?)?,
        args: args(rest).to_vec(),
    })
}

/// `scheme://authority` and what follows it.
fn split_authority(target: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Bad> {
    const BAD: Bad = "a target that is neither a path nor an absolute form";
    let colon = target.windows(3).position(|window| window == b"://").ok_or(BAD)?;
    let (scheme, rest) = target.split_at(colon);
    let rest = rest.get(3..).ok_or(BAD)?;
    if scheme.is_empty() || !scheme.iter().all(|&byte| is_scheme(byte)) {
        return Err(BAD);
    }
    let end = position(rest, b"/?").unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.is_empty() || !authority.iter().all(|&byte| is_authority(byte)) {
        return Err(BAD);
    }
    Ok((Some(authority), rest))
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

fn is_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte)
}

fn position(text: &[u8], stops: &[u8]) -> Option<usize> {
    text.iter().position(|byte| stops.contains(byte))
}

/// The query: after `?`, up to `#`. A target whose path ends at `#` has none.
fn args(rest: &[u8]) -> &[u8] {
    let Some(query) = rest.strip_prefix(b"?") else { return &[] };
    query.split(|&byte| byte == b'#').next().unwrap_or_default()
}

/// Percent escapes, once. A decoded byte is then treated like a typed one: `%2F` separates segments
/// and `%2e` makes dot segments.
fn decode(path: &[u8]) -> Result<Vec<u8>, Bad> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let escape = hex(bytes.next()).zip(hex(bytes.next()));
        match escape.map(|(high, low)| high << 4 | low) {
            None => return Err("an incomplete percent escape"),
            Some(0) => return Err("%00"),
            Some(byte) => decoded.push(byte),
        }
    }
    Ok(decoded)
}

/// The value of one hexadecimal digit.
pub(super) fn hex(digit: Option<&u8>) -> Option<u8> {
    let value = char::from(*digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Merges slashes and resolves `.` and `..`.
fn resolve(path: &[u8]) -> Result<Vec<u8>, Bad> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop().ok_or("a path that leaves the root")?;
            }
            _ => kept.push(segment),
        }
    }
    let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut resolved = Vec::with_capacity(path.len());
    for segment in &kept {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if kept.is_empty() || matches!(last, b"" | b"." | b"..") {
        resolved.push(b'/');
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(target: &str) -> Option<String> {
        let target = parse(target.as_bytes()).ok()?;
        String::from_utf8(target.path).ok()
    }

    #[test]
    fn normalises_like_nginx() {
        for (target, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a//b", "/a/b"),
            ("//", "/"),
            ("/a/", "/a/"),
            ("/a/.", "/a/"),
            ("/a/./b", "/a/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/../b", "/b"),
            ("/a/...", "/a/..."),
            ("/a%2Fb", "/a/b"),
            ("/%2e/a", "/a"),
            ("/a%252Fb", "/a%2Fb"),
            ("/a%3Fb?c", "/a?b"),
            ("/a#f", "/a"),
            ("http://h", "/"),
            ("http://h?x", "/"),
            ("http://h/a", "/a"),
        ] {
            assert_eq!(path(target).as_deref(), Some(expected), "{target}");
        }
    }

    #[test]
    fn refuses_like_nginx() {
        for target in [
            "",
            "*",
            "a",
            "/..",
            "/a/../..",
            "/%2e%2e/a",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%00",
            "/a b",
            "h:80",
            "http:///a",
            "/a\x7f",
        ] {
            assert_eq!(path(target), None, "{target}");
        }
    }

    #[test]
    fn takes_the_query_and_the_host() {
        let parsed = parse(b"http://h.test:81/a?x=1?y#f").unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(parsed.host.as_deref(), Some(b"h.test:81".as_slice()));
        assert_eq!(parsed.args, b"x=1?y");
        assert_eq!(parsed.raw, b"/a?x=1?y#f");
        assert!(parse(b"/a#f?x").is_ok_and(|target| target.args.is_empty()));
    }
}
