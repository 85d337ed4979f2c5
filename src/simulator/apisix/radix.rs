//! The tree in which both routers look up: texts with an optional `*`, by the order of
//! lua-resty-radixtree.

use std::collections::BTreeMap;

use super::pcre::Pattern;

/// Entries under keys with an optional `*`. Only the text before the first `*` is the key.
#[derive(Debug)]
pub(super) struct Tree<T> {
    exact: BTreeMap<Vec<u8>, Vec<Entry<T>>>,
    prefixes: BTreeMap<Vec<u8>, Vec<Entry<T>>>,
}

/// One text and what stands under it.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) text: String,
    priority: f64,
    rest: Option<Pattern>,
    pub(super) value: T,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { exact: BTreeMap::new(), prefixes: BTreeMap::new() }
    }
}

impl<T> Tree<T> {
    /// Inside one key: higher priority first, then the longer text, then the earlier insertion.
    pub(super) fn insert(&mut self, text: &str, priority: f64, value: T) {
        let (map, key) = match text.split_once('*') {
            Some((prefix, _)) => (&mut self.prefixes, prefix),
            None => (&mut self.exact, text),
        };
        let entry = Entry { text: text.into(), priority, rest: path_pattern(text), value };
        let list = map.entry(key.as_bytes().to_vec()).or_default();
        let place = list.iter().position(|other| entry.precedes(other));
        list.insert(place.unwrap_or(list.len()), entry);
    }

    /// The entries that may hold for `text`, in the order in which they are tried: those with
    /// exactly this text, then those with a prefix of it, the longest first.
    pub(super) fn candidates<'t>(&'t self, text: &[u8]) -> impl Iterator<Item = Candidate<'t, T>> {
        let exact = self.exact.get(text).into_iter().flatten();
        let exact = exact.map(|entry| Candidate { entry, rest: None });
        let lengths = (0..=text.len()).rev();
        let prefixes = lengths.filter_map(|length| self.prefixes.get(text.get(..length)?)).flatten();
        exact.chain(prefixes.map(|entry| Candidate { entry, rest: entry.rest.as_ref() }))
    }

    /// The value under exactly this text, if there is one.
    pub(super) fn get_mut(&mut self, text: &str) -> Option<&mut T> {
        let (map, key) = match text.split_once('*') {
            Some((prefix, _)) => (&mut self.prefixes, prefix),
            None => (&mut self.exact, text),
        };
        let entries = map.get_mut(key.as_bytes())?;
        entries.iter_mut().find(|entry| entry.text == text).map(|entry| &mut entry.value)
    }
}

impl<T> Entry<T> {
    #[allow(clippy::float_cmp, reason = "the comparison that Lua makes")]
    fn precedes(&self, other: &Self) -> bool {
        if self.priority == other.priority {
            return self.text.len() > other.text.len();
        }
        self.priority > other.priority
    }
}

/// An entry to try.
pub(super) struct Candidate<'t, T> {
    pub(super) entry: &'t Entry<T>,
    rest: Option<&'t Pattern>,
}

impl<'t, T> Candidate<'t, T> {
    /// The pattern that the text fails, if it fails one. Looked at last, after all conditions.
    pub(super) fn failing_pattern(&self, text: &[u8]) -> Option<&'t str> {
        let pattern = self.rest?;
        (pattern.find(text) != Some((0, text.len()))).then(|| pattern.text())
    }
}

/// The library's parameter matching: where a `/`-segment begins with `:` or `*`, the whole text
/// becomes a pattern, and its other segments go in unescaped.
fn path_pattern(text: &str) -> Option<Pattern> {
    let segments: Vec<&str> = text.trim_end_matches('/').split('/').collect();
    if !segments.iter().any(|segment| segment.starts_with([':', '*'])) {
        return None;
    }
    let patterns: Vec<&str> = segments.into_iter().map(segment_pattern).collect();
    let slash = if text.ends_with('/') { r"\/" } else { "" };
    Some(Pattern::new(patterns.join(r"\/") + slash, false))
}

fn segment_pattern(segment: &str) -> &str {
    match segment.bytes().next() {
        Some(b':') => r"([^\/]+)",
        Some(b'*') => r"((.|\n)*)",
        _ => segment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(texts: &[(&str, f64)], uri: &str) -> Vec<String> {
        let mut tree = Tree::default();
        for (text, priority) in texts {
            tree.insert(text, *priority, ());
        }
        let candidates = tree.candidates(uri.as_bytes());
        candidates
            .filter(|candidate| candidate.failing_pattern(uri.as_bytes()).is_none())
            .map(|candidate| candidate.entry.text.clone())
            .collect()
    }

    #[test]
    fn exact_first_then_longest_prefix() {
        let texts = [("/*", 9.0), ("/a*", 5.0), ("/a/b", 0.0), ("/a/*", 0.0)];
        assert_eq!(order(&texts, "/a/b"), ["/a/b", "/a/*", "/a*", "/*"]);
        assert_eq!(order(&texts, "/b"), ["/*"]);
        assert_eq!(order(&texts, "/a/"), ["/a/*", "/a*", "/*"]);
    }

    #[test]
    fn one_key_by_priority_then_length_then_insertion() {
        let texts = [("/a*", 0.0), ("/a*b", 0.0), ("/a*", 1.0), ("/a*c", 0.0)];
        assert_eq!(order(&texts, "/ax"), ["/a*", "/a*b", "/a*c", "/a*"]);
    }

    #[test]
    fn segments_read_as_a_pattern() {
        assert!(order(&[("/c++/*", 0.0)], "/c++/x").is_empty());
        assert!(order(&[("/:id/foo*", 0.0)], "/:id/foobar").is_empty());
        assert_eq!(order(&[("/:id/foo*", 0.0)], "/1/foo").len(), 0);
        assert_eq!(order(&[("/svc+*", 0.0)], "/svc+/x").len(), 1);
        assert_eq!(order(&[("/a*b", 0.0)], "/axyz").len(), 1);
        assert_eq!(order(&[("/a/*/b", 0.0)], "/a/x/y/b").len(), 1);
    }
}
