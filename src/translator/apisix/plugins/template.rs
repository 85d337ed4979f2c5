//! Texts in which APISIX expands variables.
//!
//! In headers of proxy-rewrite, response-rewrite and fault-injection, and in the body of fault-injection, `$name` and
//! `${name ?? default}` stand for variables, unless a backslash stands before them.

use serde::Serialize;

/// A text with variables. Literal parts reach the client or the upstream as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Template(String);

/// A variable that does not exist, with a dollar as its default.
const DOLLAR: &str = "${_ ?? $}";
/// The same with a backslash before the dollar, which alone would keep APISIX from reading the variable.
const BACKSLASH_DOLLAR: &str = r"${_ ?? \$}";
const BACKSLASH: &str = r"${_ ?? \}";

impl Template {
    /// A text without variables.
    pub(crate) fn literal(text: &str) -> Self {
        let mut template = Self::default();
        template.push_literal(text);
        template
    }

    /// The value of a variable; empty where it has none.
    pub(crate) fn variable(name: &str) -> Self {
        let mut template = Self::default();
        template.push_variable(name);
        template
    }

    /// The value of a variable, or `default` where it has none; `None` where `default` cannot be written that way.
    pub(crate) fn variable_or(name: &str, default: &str) -> Option<Self> {
        let is_good = !default.is_empty() && default.trim() == default && !default.contains('}');
        (is_good && !default.contains("??")).then(|| Self(format!("${{{name} ?? {default}}}")))
    }

    /// Appends a text as it is.
    pub(crate) fn push_literal(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '$' if self.pop_backslash() => self.0.push_str(BACKSLASH_DOLLAR),
                '$' => self.0.push_str(DOLLAR),
                c => self.0.push(c),
            }
        }
    }

    /// Appends the value of a variable.
    pub(crate) fn push_variable(&mut self, name: &str) {
        if self.pop_backslash() {
            self.0.push_str(BACKSLASH);
        }
        self.0.push_str("${");
        self.0.push_str(name);
        self.0.push('}');
    }

    /// Appends another template.
    pub(crate) fn push(&mut self, other: &Self) {
        if other.0.starts_with('$') && self.pop_backslash() {
            self.0.push_str(BACKSLASH);
        }
        self.0.push_str(&other.0);
    }

    /// Puts a value in place of a text that stands for it.
    pub(super) fn fill(&mut self, mark: &str, value: &Self) {
        if self.0.contains(mark) {
            self.0 = self.0.replace(mark, &value.0);
        }
    }

    /// The text as APISIX reads it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn pop_backslash(&mut self) -> bool {
        if self.0.ends_with('\\') {
            self.0.pop();
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn dollars_are_literal() {
        assert_eq!(Template::literal("a$b$1").as_str(), "a${_ ?? $}b${_ ?? $}1");
        assert_eq!(Template::literal(r"a\$b\\c").as_str(), r"a${_ ?? \$}b\\c");
        assert_eq!(Template::literal("$secret://x").as_str(), "${_ ?? $}secret://x");
    }

    #[test]
    fn a_backslash_does_not_hide_a_variable() {
        let mut template = Template::literal(r"a\");
        template.push_variable("host");
        assert_eq!(template.as_str(), r"a${_ ?? \}${host}");
    }

    #[test]
    fn defaults_that_would_end_the_variable_are_refused() {
        assert_eq!(Template::variable_or("http_x-a", "v $1").unwrap().as_str(), "${http_x-a ?? v $1}");
        for default in ["", " v", "a}b", "a??b"] {
            assert_eq!(Template::variable_or("http_x-a", default), None);
        }
    }
}
