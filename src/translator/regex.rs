//! Envoy's regular expressions (RE2) as PCRE2 patterns.

/// A pattern that means in PCRE2, on bytes, what it meant in RE2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pcre {
    pattern: String,
    head: String,
    shape: Shape,
    matches_empty: bool,
    counts_bytes: bool,
}

/// What an expression amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Text,
    Prefix,
    Other,
}

impl Pcre {
    /// The pattern that holds for a text if the expression matches it from end to end.
    #[must_use]
    pub fn full_match(&self) -> String {
        format!(r"^(?:{})\z", self.pattern)
    }

    /// Text with which every match begins; may be empty.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The one text that matches, if the expression is plain text.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        (self.shape == Shape::Text).then_some(self.head.as_str())
    }

    /// The text with which any text must begin to match, if that is all the expression asks for: `text.*`. The dot's
    /// refusal of a newline is left out, as neither a raw path nor a header value contains one.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        (self.shape == Shape::Prefix).then_some(self.head.as_str())
    }

    /// The empty text matches.
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        self.matches_empty
    }

    /// The result may differ from RE2's for a text that is not plain ASCII.
    #[must_use]
    pub fn counts_bytes(&self) -> bool {
        self.counts_bytes
    }

    #[cfg(test)]
    pub(crate) fn for_tests(pattern: &str, matches_empty: bool) -> Self {
        Self {
            pattern: pattern.to_owned(),
            head: String::new(),
            shape: Shape::Other,
            matches_empty,
            counts_bytes: false,
        }
    }
}
