//! Header lines, as nginx keeps and changes them.

/// Header lines in order. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines(pub(super) Vec<(String, Vec<u8>)>);

impl Lines {
    /// The values of the lines of this name.
    pub(super) fn all<'l>(&'l self, name: &'l str) -> impl Iterator<Item = &'l [u8]> {
        let found = self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The first of them.
    pub(super) fn first(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The value of a variable that joins all lines of a name, `-` and `_` being the same.
    pub(super) fn joined(&self, underscored: &str) -> Option<Vec<u8>> {
        let same = |name: &str| name.len() == underscored.len() && variable(name) == underscored;
        let lines = self.0.iter().filter(|(name, _)| same(name));
        let values: Vec<&[u8]> = lines.map(|(_, value)| value.as_slice()).collect();
        let glue: &[u8] = if underscored == "cookie" { b"; " } else { b", " };
        (!values.is_empty()).then(|| values.join(glue))
    }

    /// Replaces all lines of a name by these values; the first stays where it was. Empty values remove.
    pub(super) fn set(&mut self, name: &str, values: &[Vec<u8>]) {
        let name = escape(name.as_bytes(), is_unsafe_in_name);
        let name = String::from_utf8_lossy(&name).into_owned();
        let values: Vec<&Vec<u8>> = values.iter().filter(|value| !value.is_empty()).collect();
        let Some((first, others)) = values.split_first() else {
            return self.remove(&name);
        };
        let first = escape(first, is_unsafe_in_value);
        let mut seen = false;
        self.0.retain_mut(|(other, value)| {
            if !other.eq_ignore_ascii_case(&name) {
                return true;
            }
            value.clone_from(&first);
            !std::mem::replace(&mut seen, true)
        });
        if !seen {
            self.0.push((name.clone(), first));
        }
        let others = others.iter().map(|value| (name.clone(), escape(value, is_unsafe_in_value)));
        self.0.extend(others);
    }

    /// Appends a line.
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        let name = escape(name.as_bytes(), is_unsafe_in_name);
        let name = String::from_utf8_lossy(&name).into_owned();
        self.0.push((name, escape(value, is_unsafe_in_value)));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }
}

/// A header name as variables spell it.
pub(super) fn variable(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// What Lua may not write into a header value, so that no line can be smuggled in.
fn is_unsafe_in_value(byte: u8) -> bool {
    byte != b'\t' && byte.is_ascii_control()
}

fn is_unsafe_in_name(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

/// What nginx escapes in a path that it puts into a request line.
pub(super) fn is_unsafe_in_path(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"#%<>?\\^`{|}".contains(&byte)
}

/// Percent-encodes some bytes.
pub(super) fn escape(text: &[u8], is_unsafe: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for &byte in text {
        if is_unsafe(byte) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(byte);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[(&str, &str)]) -> Lines {
        Lines(lines.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn setting_keeps_the_place_and_the_spelling() {
        let mut changed = lines(&[("X-A", "1"), ("X-B", "2"), ("x-a", "3"), ("X_A", "4")]);
        changed.set("x-A", &["n".into(), "m".into()]);
        assert_eq!(changed, lines(&[("X-A", "n"), ("X-B", "2"), ("X_A", "4"), ("x-A", "m")]));
        changed.set("X-A", &["".into()]);
        assert_eq!(changed, lines(&[("X-B", "2"), ("X_A", "4")]));
        changed.set("a b", &["x\r\ny".into()]);
        assert_eq!(changed.first("a%20b"), Some(b"x%0D%0Ay".as_slice()));
    }

    #[test]
    fn variables_join_lines() {
        let lines = lines(&[("X-A", "1"), ("x_a", "2"), ("Cookie", "a"), ("cookie", "b")]);
        assert_eq!(lines.joined("x_a").as_deref(), Some(b"1, 2".as_slice()));
        assert_eq!(lines.joined("cookie").as_deref(), Some(b"a; b".as_slice()));
        assert_eq!(lines.joined("x"), None);
    }
}
