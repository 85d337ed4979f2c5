//! `envoy.type.matcher.v3.StringMatcher`.

use super::object::{Object, Read};
use super::regex::Pattern;
use super::stop::{Known, NotModelled};

/// A condition on a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TextMatch {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    /// In lower case, compared so.
    IgnoringCase(Box<TextMatch>),
    Pattern(Box<Pattern>),
    NotModelled(String),
}

/// A kind of condition on a literal text.
pub(super) type Kind = fn(String) -> TextMatch;

impl TextMatch {
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        if let Some(pattern) = matcher.object("safe_regex")? {
            return Pattern::read(&pattern).map(Box::new).map(Self::Pattern);
        }
        if matcher.has("custom") {
            return Ok(Self::NotModelled(matcher.path_of("custom")));
        }
        let ignore_case = matcher.flag("ignore_case")?;
        let kinds: [(&str, Kind); 4] =
            [("exact", Self::Exact), ("prefix", Self::Prefix), ("suffix", Self::Suffix), ("contains", Self::Contains)];
        for (name, kind) in kinds {
            let Some(text) = matcher.text_if(name)? else { continue };
            if text.is_empty() && name != "exact" {
                return Err(matcher.refuse(name, "value length must be at least 1 characters"));
            }
            if ignore_case {
                return Ok(Self::IgnoringCase(Box::new(kind(text.to_ascii_lowercase()))));
            }
            return Ok(kind(text.into()));
        }
        Err(matcher.refuse("", "match_pattern: is required"))
    }

    pub(super) fn matches(&self, text: &[u8]) -> Known<bool> {
        Ok(match self {
            Self::Exact(exact) => text == exact.as_bytes(),
            Self::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_bytes()),
            Self::Contains(part) => text.windows(part.len()).any(|window| window == part.as_bytes()),
            Self::IgnoringCase(matcher) => matcher.matches(&text.to_ascii_lowercase())?,
            Self::Pattern(pattern) => pattern.matches(text)?,
            Self::NotModelled(what) => return NotModelled::because(what),
        })
    }
}
