//! Keys of APISIX's path tree.

use crate::vars::{Expr, escape_pcre};

/// A set of paths that APISIX can look up: one path, or all that begin with a text. Keys sort so that a prefix stands
/// directly before everything it covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    text: String,
    exact: bool,
}

impl Key {
    /// The path `text`; `None` if APISIX cannot look it up, because it reads every `*` as a wildcard.
    pub(super) fn exact(text: &str) -> Option<Self> {
        (text.starts_with('/') && !text.contains('*')).then(|| Self { text: text.to_owned(), exact: true })
    }

    /// The smallest set that covers all paths beginning with `text`, which begins with a slash.
    pub(super) fn prefix(text: &str) -> Self {
        Self { text: safe_head(text).to_owned(), exact: false }
    }

    /// The text that all its paths begin with, or the path itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The key stands for one path.
    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// As an item of a route's `uris`.
    pub(super) fn to_uri(&self) -> String {
        let star = if self.exact { "" } else { "*" };
        format!("{}{star}", self.text)
    }

    /// The path is one of this key's.
    pub(super) fn condition(&self) -> Expr {
        if self.exact {
            return Expr::equal("uri", &self.text);
        }
        Expr::matches("uri", format!("^{}", escape_pcre(&self.text)))
    }

    /// A key that covers this one and is not longer than `length` bytes, or this one if it is short enough.
    pub(super) fn cut(&self, length: usize) -> Self {
        if self.text.len() <= length {
            return self.clone();
        }
        let end = (1..=length).rev().find(|end| self.text.is_char_boundary(*end)).unwrap_or(1);
        Self::prefix(self.text.get(..end).unwrap_or("/"))
    }
}

/// The longest head of `text` that APISIX takes literally when a star follows. The router splits such a uri at its
/// slashes; if a segment begins with `:` or `*` it makes a regular expression of the whole, in which all other text
/// stands unescaped. So there is no star in the head, no segment that begins with a colon, and where the head ends with
/// a slash (the star is then a segment) no character that has a meaning in a pattern.
fn safe_head(text: &str) -> &str {
    let star = text.find('*').unwrap_or(text.len());
    let colon = text.find("/:").map_or(text.len(), |slash| slash.saturating_add(1));
    let mut head = text.get(..star.min(colon)).unwrap_or_default();
    if head.contains(is_meta) {
        head = head.trim_end_matches('/');
    }
    if head.is_empty() { "/" } else { head }
}

/// A dot is none: as a pattern it accepts the text that the tree has already compared.
fn is_meta(c: char) -> bool {
    r"\^$|?+()[]{}".contains(c)
}
