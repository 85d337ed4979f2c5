//! Texts that are compared, and headers that may come in several lines.

use super::header::{HeaderError, HeaderKind, range};
use super::{Expr, escape_pcre};

/// One text matcher, `envoy.type.matcher.v3.StringMatcher`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextMatch {
    /// What the text must be; neither a range nor a presence.
    pub(crate) kind: HeaderKind,
    /// `ignore_case`; without meaning for [`HeaderKind::Regex`].
    pub(crate) ignore_case: bool,
}

/// How a header in several lines is compared. Envoy compares each line; nginx has one text, in which the lines and a
/// comma with a blank in a single line look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The text is one line.
    AsOne,
    /// The condition holds wherever one of the lines may match.
    AnyMayMatch,
    /// The text is one line, and what is negated holds wherever one of the lines may match.
    OneMustMatch,
}

impl Lines {
    /// For what is negated.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::AsOne => Self::AsOne,
            Self::AnyMayMatch => Self::OneMustMatch,
            Self::OneMustMatch => Self::AnyMayMatch,
        }
    }
}

impl TextMatch {
    /// The condition on a variable.
    pub(crate) fn to_expr(&self, var: &str) -> Result<Expr, HeaderError> {
        condition(var, &self.kind, self.ignore_case, Lines::AsOne)
    }

    /// The empty text matches.
    pub(crate) fn matches_empty(&self) -> bool {
        self.kind.matches_empty()
    }
}

/// The variable has a value like this.
pub(super) fn condition(var: &str, kind: &HeaderKind, ignore_case: bool, lines: Lines) -> Result<Expr, HeaderError> {
    let any_line = lines == Lines::AnyMayMatch;
    let (start, end) = if any_line { ("(?:^|, )", r"(?:, |\z)") } else { ("^", r"\z") };
    let pattern = match kind {
        HeaderKind::Exact(text) if !ignore_case && !any_line => return Ok(Expr::equal(var, text)),
        HeaderKind::Exact(text) => format!("{start}{}{end}", escape_pcre(text)),
        HeaderKind::Prefix(text) => format!("{start}{}", escape_pcre(text)),
        HeaderKind::Suffix(text) => format!("{}{end}", escape_pcre(text)),
        HeaderKind::Contains(text) if text.is_empty() => return Ok(Expr::present(var)),
        HeaderKind::Contains(text) => escape_pcre(text),
        HeaderKind::Regex(pcre) => return Ok(several(var, Expr::matches(var, pcre.full_match()), any_line)),
        HeaderKind::Range { start, end } => return Ok(several(var, range(var, *start, *end)?, any_line)),
        HeaderKind::Present(_) => return Ok(Expr::present(var)),
    };
    Ok(if ignore_case { Expr::matches_caseless(var, pattern) } else { Expr::matches(var, pattern) })
}

/// The condition may tell lines that Envoy has joined by a comma from those that nginx has joined by a comma and a blank.
pub(super) fn sees_joints(kind: &HeaderKind) -> bool {
    match kind {
        HeaderKind::Exact(text) | HeaderKind::Prefix(text) => text.contains(','),
        HeaderKind::Suffix(text) | HeaderKind::Contains(text) => text.contains(',') || text.starts_with(' '),
        HeaderKind::Present(_) => false,
        HeaderKind::Regex(_) | HeaderKind::Range { .. } => true,
    }
}

/// What cannot be looked for in the middle of a text may be in any that may have several lines.
fn several(var: &str, one: Expr, any_line: bool) -> Expr {
    if any_line { Expr::any([one, Expr::matches(var, ", ")]) } else { one }
}
