//! Query parameters and cookies, read as APISIX's Lua code reads them.

use super::uri::hex;

/// The first value of a query parameter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// `a=1`
    Text(Vec<u8>),
    /// `a` without `=`: the boolean true.
    Bare,
}

/// `ngx.req.get_uri_args`: names and values decoded, `+` is a blank, parts without a name dropped.
pub(super) fn argument(args: &[u8], name: &str) -> Option<Argument> {
    args.split(|&byte| byte == b'&').find_map(|part| {
        let mut halves = part.splitn(2, |&byte| byte == b'=');
        let key = decode(halves.next()?);
        if key.is_empty() || key != name.as_bytes() {
            return None;
        }
        Some(halves.next().map_or(Argument::Bare, |value| Argument::Text(decode(value))))
    })
}

/// The query without a parameter. `None`: more than one other parameter stays, or one that would be
/// spelled otherwise (Lua writes them in no certain order).
pub(super) fn without(args: &[u8], name: &str) -> Option<Vec<u8>> {
    let is_other = |part: &&[u8]| part.split(|&byte| byte == b'=').next().map(decode) != Some(name.as_bytes().to_vec());
    let others: Vec<&[u8]> = args.split(|&byte| byte == b'&').filter(is_other).collect();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(byte);
    match others.as_slice() {
        [] => Some(Vec::new()),
        [one] if one.iter().all(plain) && one.split(|&byte| byte == b'=').count() == 2 => Some(one.to_vec()),
        _ => None,
    }
}

/// Form decoding; an incomplete escape stays as it is.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = hex(tail.first()).zip(hex(tail.get(1)));
        let (plain, after) = match (byte, escape, tail.get(2..)) {
            (b'%', Some((high, low)), Some(after)) => (high << 4 | low, after),
            (b'+', ..) => (b' ', tail),
            _ => (byte, tail),
        };
        decoded.push(plain);
        rest = after;
    }
    decoded
}

/// lua-resty-cookie: a name runs to the next `=`, a value to the next `;` or blank; of several
/// cookies with one name the last counts.
pub(super) fn cookie<'c>(header: &'c [u8], name: &str) -> Option<&'c [u8]> {
    let mut rest = header;
    let mut found = None;
    loop {
        while let Some(tail) = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t")) {
            rest = tail;
        }
        let Some((key, tail)) = split_once(rest, b"=") else { return found };
        let (value, tail) = split_once(tail, b"; \t").unwrap_or((tail, &[]));
        if key == name.as_bytes() {
            found = Some(value);
        }
        rest = tail;
    }
}

fn split_once<'t>(text: &'t [u8], separators: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = text.iter().position(|byte| separators.contains(byte))?;
    let (before, after) = text.split_at(at);
    Some((before, after.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &str) -> Option<String> {
        match argument(args.as_bytes(), "a")? {
            Argument::Text(text) => String::from_utf8(text).ok(),
            Argument::Bare => Some("<true>".into()),
        }
    }

    #[test]
    fn arguments() {
        for (args, expected) in [
            ("a=1", Some("1")),
            ("a=1&a=2", Some("1")),
            ("%61=%31", Some("1")),
            ("a=1+2", Some("1 2")),
            ("a=1%2B2", Some("1+2")),
            ("a", Some("<true>")),
            ("a=", Some("")),
            ("b&a=1=2", Some("1=2")),
            ("a=%zz%", Some("%zz%")),
            ("A=1", None),
            ("=1", None),
            ("", None),
        ] {
            assert_eq!(text(args).as_deref(), expected, "{args}");
        }
    }

    #[test]
    fn cookies() {
        for (header, expected) in [
            ("c=1", Some("1")),
            ("a=0; c=1; b=2", Some("1")),
            ("c=1; c=2", Some("2")),
            ("c=\"1\"", Some("\"1\"")),
            ("c=1 d; x=1", Some("1")),
            ("a; c=1", None),
            ("c", None),
            ("", None),
        ] {
            let found = cookie(header.as_bytes(), "c");
            assert_eq!(found, expected.map(str::as_bytes), "{header}");
        }
    }
}
