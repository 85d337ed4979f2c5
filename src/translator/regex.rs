//! Envoy's regular expressions (RE2) as PCRE2 patterns, for nginx.
//!
//! RE2 matches in linear time and on characters; nginx runs PCRE2, which backtracks, on bytes, and gives up after 100,000
//! attempts, upon which a text counts as not matching, and as *matching* where the condition is inverted. So a pattern
//! is given out only if it is proved that for texts of up to 8 KiB the limit is not reached and the work stays small
//! (see `emit`). Longer values arise only where nginx joins repeated header lines.
//!
//! The pattern is written anew from the parsed expression, so no difference of notation can slip through. Expressions
//! that RE2 refuses are refused. Bytes and characters: a `.` or a negated class matches one byte where RE2 matches one
//! character, which [`Pcre::counts_bytes`] tells; repeated by `*` or `+` it differs on invalid UTF-8 only.
//!
//! An expression that can be proved only for texts without a newline is written so that it matches none with one; a
//! header value has none, and a path has one only as `%0A`, which Envoy does not decode.

mod emit;
mod node;
mod parse;
mod replace;
mod scan;
mod set;
mod work;

pub(crate) use replace::{ReplaceError, Replacement, to_replacement};

use node::Node;
use set::ByteSet;

/// RE2 has no such limit; what exceeds it is no pattern that a person wrote.
const LENGTH_MAX: usize = 4096;

/// A pattern that means in PCRE2, on bytes, what it meant in RE2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pcre {
    re2: String,
    pattern: String,
    head: String,
    shape: Shape,
    matches_empty: bool,
    counts_bytes: bool,
}

/// What an expression amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// `text`
    Text,
    /// `text.*`
    Prefix,
    /// `text(/.*)?`
    SeparatedPrefix,
    Other,
}

/// Why an expression has no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegexError {
    /// RE2 refuses it, and so does Envoy.
    #[error("not an RE2 expression: {0}")]
    Syntax(String),
    /// A counted repetition above 1000, nested ones multiplied, which RE2 refuses.
    #[error("repetition of more than 1000")]
    RepeatTooLarge,
    /// Longer than 4096 bytes, nested too deeply, or PCRE2's compiled form would be too large.
    #[error("expression is too large")]
    TooLarge,
    /// `\pL` and its like, of which PCRE knows nothing where it matches bytes.
    #[error("Unicode classes cannot be matched on bytes")]
    UnicodeClass,
    /// A character beyond ASCII in a class or under `(?i)`.
    #[error("a character beyond ASCII in a class or without case cannot be matched on bytes")]
    NonAscii,
    /// A repeated group that can match one text in several ways, or several texts from one place.
    #[error("a repetition inside a repetition can make nginx's matcher give up")]
    NestedRepetition,
    /// nginx's matcher may give up or take too long.
    #[error("nginx's matcher may need {steps} steps for a text of 8 KiB")]
    MayBacktrack {
        /// Upper bound of the bytes compared.
        steps: u64,
    },
}

/// The PCRE2 pattern of an RE2 expression.
pub(crate) fn to_pcre(re2: &str) -> Result<Pcre, RegexError> {
    convert(re2, ByteSet::EMPTY, r"\z")
}

/// The pattern of an expression for the part of a text before the first `stop`, an ASCII character.
fn to_pcre_before(re2: &str, stop: char) -> Result<Pcre, RegexError> {
    let stop = u8::try_from(stop).ok().filter(u8::is_ascii).map(ByteSet::byte).ok_or(RegexError::NonAscii)?;
    let mut pcre = convert(re2, stop, &format!(r"(?:{}|\z)", stop.to_pcre()))?;
    pcre.pattern = format!(r"{}(?:{}[\s\S]*+)?+", pcre.pattern, stop.to_pcre());
    Ok(pcre)
}

/// The pattern of an expression for a part of a text that has none of `stops`, which are ASCII, and before one of which
/// or the end of the text it ends: [`Pcre::part`].
pub(crate) fn to_pcre_part(re2: &str, stops: &str) -> Result<Pcre, RegexError> {
    let stops = stops.bytes().fold(ByteSet::EMPTY, |set, stop| set.union(ByteSet::byte(stop)));
    convert(re2, stops, &format!(r"(?:{}|\z)", stops.to_pcre()))
}

fn convert(re2: &str, excluded: ByteSet, end: &str) -> Result<Pcre, RegexError> {
    if re2.len() > LENGTH_MAX {
        return Err(RegexError::TooLarge);
    }
    let parsed = parse::parse(re2)?;
    let mut node = parsed.node.strip_start().strip_end();
    let (head, shape) = head(&node);
    if !excluded.is_empty() {
        node = node.without(excluded);
    }
    let matches_empty = node.matches_empty();
    let pattern = emit::emit(&node, end).or_else(|error| match error {
        RegexError::MayBacktrack { .. } => emit::emit(&node.without(ByteSet::byte(b'\n')), end),
        other => Err(other),
    })?;
    Ok(Pcre { re2: re2.to_owned(), pattern, head, shape, matches_empty, counts_bytes: parsed.counts_bytes })
}

impl Pcre {
    /// The same expression for the part of a text before the first `stop`, an ASCII character. For
    /// `RouteConfiguration.ignore_path_parameters_in_path_matching`, see [`crate::order::PathOptions`].
    pub(crate) fn before(&self, stop: char) -> Result<Pcre, RegexError> {
        to_pcre_before(&self.re2, stop)
    }

    /// The pattern that holds for a text if the expression matches it from end to end.
    #[must_use]
    pub(crate) fn full_match(&self) -> String {
        format!(r"^{}\z", self.pattern)
    }

    /// The pattern for a part of a text, to stand between what comes before it and a look at what ends it.
    #[must_use]
    pub(crate) fn part(&self) -> &str {
        &self.pattern
    }

    /// Text with which every match begins; may be empty.
    #[must_use]
    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    /// The one text that matches, if the expression is plain text.
    #[must_use]
    pub(crate) fn literal(&self) -> Option<&str> {
        (self.shape == Shape::Text).then_some(self.head.as_str())
    }

    /// True where [`Pcre::literal`], [`Pcre::prefix`] or [`Pcre::separated_prefix`] says everything.
    pub(crate) fn is_text(&self) -> bool {
        self.shape != Shape::Other
    }

    /// The text with which any text must begin to match, if that is all the expression asks for: `text.*`. The dot's
    /// refusal of a newline is left out, as neither a raw path nor a header value contains one.
    #[must_use]
    pub(crate) fn prefix(&self) -> Option<&str> {
        (self.shape == Shape::Prefix).then_some(self.head.as_str())
    }

    /// As [`Pcre::prefix`], where the text is all or a slash follows: `text(/.*)?`.
    #[must_use]
    pub(crate) fn separated_prefix(&self) -> Option<&str> {
        (self.shape == Shape::SeparatedPrefix).then_some(self.head.as_str())
    }

    /// The empty text matches.
    #[must_use]
    pub(crate) fn matches_empty(&self) -> bool {
        self.matches_empty
    }

    /// The result may differ from RE2's for a text that is not plain ASCII.
    #[must_use]
    pub(crate) fn counts_bytes(&self) -> bool {
        self.counts_bytes
    }
}

/// The text that all matches begin with, and what the rest amounts to.
fn head(node: &Node) -> (String, Shape) {
    let (bytes, rest) = match node {
        Node::Concat(parts) => {
            let literal = parts.iter().map_while(only_byte).collect::<Vec<u8>>();
            let rest = parts.get(literal.len()..).unwrap_or_default();
            (literal, rest)
        }
        other => match only_byte(other) {
            Some(byte) => (vec![byte], [].as_slice()),
            None => (Vec::new(), std::slice::from_ref(other)),
        },
    };
    let text = String::from_utf8_lossy(&bytes);
    // A cut inside a character cannot be told as text.
    let text = text.split(char::REPLACEMENT_CHARACTER).next().unwrap_or_default().to_owned();
    let shape = match rest {
        [] => Shape::Text,
        [tail] if is_anything(tail) => Shape::Prefix,
        [Node::Repeat { body, min: 0, max: Some(1) }] if is_slash_and_anything(body) => Shape::SeparatedPrefix,
        _ => Shape::Other,
    };
    (text, shape)
}

fn only_byte(node: &Node) -> Option<u8> {
    if let Node::Set(set) = node { set.only() } else { None }
}

fn is_anything(node: &Node) -> bool {
    let Node::Repeat { body, min: 0, max: None } = node else { return false };
    matches!(**body, Node::Set(set) if ByteSet::byte(b'\n').complement().is_subset(set))
}

fn is_slash_and_anything(node: &Node) -> bool {
    let Node::Concat(parts) = node else { return false };
    matches!(parts.as_slice(), [slash, rest] if only_byte(slash) == Some(b'/') && is_anything(rest))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_types
)]
mod tests;
