//! Regexes as nginx runs them: PCRE2 on bytes, unanchored, with APISIX's match limit.

use std::ops::Range;
use std::sync::OnceLock;

use pcre2::bytes::{Regex, RegexBuilder};

use super::substitute::Groups;

/// `lua_regex_match_limit` of the configuration that APISIX generates.
const MATCH_LIMIT: u32 = 100_000;

/// A pattern, compiled when it is first used (APISIX does not compile patterns when it takes a
/// configuration either).
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    caseless: bool,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    pub(super) fn new(text: impl Into<String>, caseless: bool) -> Self {
        Self { text: text.into(), caseless, compiled: OnceLock::new() }
    }

    /// The pattern as written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where the leftmost match lies. `None` also when the pattern does not compile or runs into
    /// the limit: the callers in APISIX drop those errors.
    pub(super) fn find(&self, subject: &[u8]) -> Option<(usize, usize)> {
        let found = self.regex()?.find(subject).ok()??;
        Some((found.start(), found.end()))
    }

    /// The text of a group in the leftmost match of each position, and where the match lies.
    pub(super) fn captures<'s>(&self, subject: &'s [u8]) -> Vec<pcre2::bytes::Captures<'s>> {
        let Some(regex) = self.regex() else { return Vec::new() };
        regex.captures_iter(subject).map_while(Result::ok).collect()
    }

    /// Where the leftmost match lies, and its groups. The error is the engine's: the pattern does not
    /// compile or runs into the limit.
    pub(super) fn groups(&self, subject: &[u8]) -> Result<Option<(Range<usize>, Groups)>, String> {
        let regex = self.compiled.get_or_init(|| self.compile()).as_ref().map_err(Clone::clone)?;
        let Some(found) = regex.captures(subject).map_err(|why| why.to_string())? else { return Ok(None) };
        let groups: Groups = (0..found.len()).map(|at| found.get(at).map(|group| group.as_bytes().to_vec())).collect();
        let span = found.get(0).map(|whole| whole.start()..whole.end()).unwrap_or_default();
        Ok(Some((span, groups)))
    }

    /// Why the pattern does not compile.
    pub(super) fn check(&self) -> Result<(), String> {
        self.compiled.get_or_init(|| self.compile()).as_ref().map(|_| ()).map_err(Clone::clone)
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| self.compile()).as_ref().ok()
    }

    fn compile(&self) -> Result<Regex, String> {
        let mut builder = RegexBuilder::new();
        builder.caseless(self.caseless).jit_if_available(true);
        let regex = builder.build(&format!("(*LIMIT_MATCH={MATCH_LIMIT}){}", self.text));
        regex.map_err(|why| why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_and_runaway_patterns_match_nothing() {
        assert_eq!(Pattern::new("(", false).find(b"("), None);
        let runaway = Pattern::new("^(a+)+$", false);
        assert_eq!(runaway.find(format!("{}b", "a".repeat(40)).as_bytes()), None);
        assert_eq!(runaway.find(b"aaa"), Some((0, 3)));
    }

    #[test]
    fn bytes_not_characters() {
        assert_eq!(Pattern::new("^.\\z", false).find("\u{e9}".as_bytes()), None);
        assert_eq!(Pattern::new("^\u{e9}\\z", false).find("\u{e9}".as_bytes()), Some((0, 2)));
        assert_eq!(Pattern::new("b", true).find(b"aB"), Some((1, 2)));
    }
}
