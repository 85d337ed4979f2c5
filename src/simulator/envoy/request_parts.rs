//! Cookies and query parameters, as Envoy takes them apart.

use super::headers::Headers;
use super::path;

/// The first value of a query parameter; nothing is decoded. Without `=` the value is empty.
pub(super) fn parameter<'p>(target: &'p [u8], name: &str) -> Option<&'p [u8]> {
    let query = path::split(target).1.strip_prefix(b"?")?;
    query.split(|&byte| byte == b'&').find_map(|pair| {
        let (key, value) = at_equals(pair).unwrap_or((pair, &[]));
        (key == name.as_bytes()).then_some(value)
    })
}

/// The first value of a query parameter; names and values are decoded.
pub(super) fn decoded_parameter(target: &[u8], name: &str) -> Option<Vec<u8>> {
    let query = path::split(target).1.strip_prefix(b"?")?;
    query.split(|&byte| byte == b'&').find_map(|pair| {
        let (key, value) = at_equals(pair).unwrap_or((pair, &[]));
        (decoded(key) == name.as_bytes()).then(|| decoded(value))
    })
}

/// What is no escape stays as it is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = digits.filter(is_hex).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (plain, after) = match value.filter(|_| byte == b'%') {
            Some(value) => (value, after.get(2..).unwrap_or_default()),
            None => (byte, after),
        };
        out.push(plain);
        rest = after;
    }
    out
}

/// The first value of a cookie, without the quotes around it.
pub(super) fn cookie<'h>(headers: &'h Headers, name: &str) -> Option<&'h [u8]> {
    let pairs = headers.all("cookie").flat_map(|line| line.split(|&byte| byte == b';'));
    let named = |pair: &'h [u8]| {
        let (key, value) = at_equals(pair.trim_ascii_start())?;
        (key == name.as_bytes()).then_some(value)
    };
    let value = pairs.map(named).find_map(|found| found)?;
    Some(value.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(value))
}

fn at_equals(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = pair.iter().position(|&byte| byte == b'=')?;
    let (key, value) = pair.split_at_checked(at)?;
    Some((key, value.get(1..)?))
}
