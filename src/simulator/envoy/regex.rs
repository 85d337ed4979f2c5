//! Regular expressions as RE2 reads them.
//!
//! The engine is the `regex` crate, of the same family. Where the two read a pattern differently it is rewritten
//! first, or refused as RE2 refuses it; what only Unicode tells apart is not modelled.

use regex::bytes::{Regex, RegexBuilder};

use super::object::{Object, Read};
use super::re2;
use super::stop::{Known, NotModelled};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    whole: Regex,
    part: Regex,
    /// Whether bytes above ASCII could be read differently.
    source: String,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Pattern {
    /// Reads `envoy.type.matcher.v3.RegexMatcher`.
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        matcher.ignore(&["google_re2"]);
        let source = matcher.text("regex")?;
        if source.is_empty() {
            return Err(matcher.refuse("regex", "value length must be at least 1 characters"));
        }
        Self::new(source).map_err(|why| matcher.refuse("regex", why))
    }

    pub(super) fn new(source: &str) -> Result<Self, String> {
        let plain = re2::translate(source)?;
        let compile =
            |pattern: &str| RegexBuilder::new(pattern).unicode(false).build().map_err(|error| error.to_string());
        Ok(Self { whole: compile(&format!(r"\A(?:{plain})\z"))?, part: compile(&plain)?, source: source.into() })
    }

    fn known(&self, text: &[u8]) -> Known<()> {
        if self.source.is_ascii() && text.is_ascii() {
            return Ok(());
        }
        NotModelled::because(format!("the regex {} with characters that are not ASCII", self.source))
    }

    /// Whether the pattern describes the whole text.
    pub(super) fn matches(&self, text: &[u8]) -> Known<bool> {
        self.known(text).map(|()| self.whole.is_match(text))
    }

    /// All matches replaced by the substitution, in which `\1` is a group and `\\` a backslash.
    pub(super) fn replace_all(&self, text: &[u8], substitution: &str) -> Known<Vec<u8>> {
        self.known(text)?;
        let mut replaced = Vec::new();
        let mut last = 0;
        for captures in self.part.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            replaced.extend(text.get(last..whole.start()).unwrap_or_default());
            let mut rest = substitution.chars();
            while let Some(letter) = rest.next() {
                match (letter, letter == '\\').1.then(|| rest.next()).flatten() {
                    Some(digit) if digit.is_ascii_digit() => {
                        let group = usize::try_from(digit.to_digit(10).unwrap_or_default()).unwrap_or_default();
                        replaced.extend(captures.get(group).map(|group| group.as_bytes()).unwrap_or_default());
                    }
                    Some(other) => replaced.extend(other.to_string().bytes()),
                    None => replaced.extend(letter.to_string().bytes()),
                }
            }
            last = whole.end();
        }
        replaced.extend(text.get(last..).unwrap_or_default());
        Ok(replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let matches = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().matches(text.as_bytes()).unwrap();
        assert!(matches("[a[]", "["));
        assert!(matches("[]a]", "]"));
        assert!(matches("[a&&b]", "&"));
        assert!(matches("[[:digit:]x]+", "5x"));
        assert!(matches(r"\Qa.b\E+", "a.bb"));
        assert!(matches("a|ab", "ab"));
        assert!(matches("a{,2}", "a{,2}"));
        assert!(matches("a+?b{1,2}?", "aabb"));
        assert!(!matches("a", "ab"));
        for refused in ["a++", "(?=a)", "(?<=a)", r"a\Z", "a{2}{3}", r"(a)\1", "(?x)a", "a{1001}", "("] {
            assert!(Pattern::new(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn replacement() {
        let pattern = Pattern::new("(a)(b?)").unwrap();
        assert_eq!(pattern.replace_all(b"xabya", r"<\2\1\\>").unwrap(), b"x<ba\\>y<a\\>");
    }
}
