//! What Envoy makes of a path before it looks for a route, where it is told to.

/// The part before the query.
pub(super) fn without_query(path: &[u8]) -> &[u8] {
    split(path).0
}

/// Every segment up to its first semicolon.
pub(super) fn without_parameters(path: &[u8]) -> Vec<u8> {
    let name = |segment: &[u8]| segment.split(|&byte| byte == b';').next().unwrap_or_default().to_vec();
    path.split(|&byte| byte == b'/').map(name).collect::<Vec<_>>().join(&b'/')
}

/// The path, and the query with its question mark.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().position(|&byte| byte == b'?').unwrap_or(path.len());
    path.split_at_checked(end).unwrap_or((path, &[]))
}

/// `%2F` and `%5C` of the path as the characters they stand for; `None` where there are none.
pub(super) fn unescape_slashes(target: &[u8]) -> Option<Vec<u8>> {
    let (path, query) = split(target);
    let mut plain = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = escape(rest).filter(|byte| b"/\\".contains(byte));
        plain.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    (plain.len() < path.len()).then(|| [plain.as_slice(), query].concat())
}

/// The byte that an escape at the beginning stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)
}

/// RFC 3986 with the reading of browsers: needless escapes undone, dot segments resolved (also those with a path
/// parameter, `..;x`), backslashes as slashes, unsafe characters escaped. `None`: Envoy refuses the path.
pub(super) fn normalise(target: &[u8]) -> Option<Vec<u8>> {
    let (path, query) = split(target);
    let mut segments: Vec<Vec<u8>> = Vec::new();
    let mut ends_in_slash = false;
    for raw in path.strip_prefix(b"/")?.split(|byte| b"/\\".contains(byte)) {
        let segment = characters(without_parameter(raw))?;
        ends_in_slash = matches!(segment.as_slice(), b"." | b"..");
        match segment.as_slice() {
            b"." => {}
            b".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    Some([assemble(&segments, ends_in_slash).as_slice(), query].concat())
}

/// A dot segment without its path parameter; dots that are escaped do not count.
fn without_parameter(raw: &[u8]) -> &[u8] {
    match raw.split(|&byte| byte == b';').next() {
        Some(name @ (b"." | b"..")) => name,
        _ => raw,
    }
}

fn assemble(segments: &[Vec<u8>], ends_in_slash: bool) -> Vec<u8> {
    let mut path = Vec::new();
    for segment in segments {
        path.push(b'/');
        path.extend(segment);
    }
    if ends_in_slash || path.is_empty() {
        path.push(b'/');
    }
    path
}

/// One segment with needless escapes undone and unsafe characters escaped.
fn characters(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut segment = Vec::new();
    while let Some((&byte, after)) = raw.split_first() {
        let decoded = escape(raw);
        match decoded {
            Some(0) => return None,
            Some(plain) if plain.is_ascii_alphanumeric() || b"-._~".contains(&plain) => segment.push(plain),
            Some(_) => segment.extend(raw.get(..3).unwrap_or_default()),
            None if b"\"<>^`{|}".contains(&byte) => segment.extend(format!("%{byte:02X}").into_bytes()),
            None => segment.push(byte),
        }
        raw = if decoded.is_some() { raw.get(3..).unwrap_or_default() } else { after };
    }
    Some(segment)
}

/// Runs of slashes in the path as one; of nothing but slashes two are left.
pub(super) fn merge_slashes(target: &[u8]) -> Vec<u8> {
    let (path, query) = split(target);
    if path.len() > 1 && path.iter().all(|&byte| byte == b'/') {
        return [b"//", query].concat();
    }
    let mut merged: Vec<u8> = Vec::new();
    for &byte in path {
        if byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(byte);
        }
    }
    [merged.as_slice(), query].concat()
}
