//! Envoy's header matchers as conditions on nginx's header variables.

use super::Expr;
use super::text::{self, Lines};
use crate::regex::Pcre;

/// One header matcher, `envoy.config.route.v3.HeaderMatcher`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderMatch {
    /// `name`, in any case; pseudo headers begin with a colon.
    pub(crate) name: String,
    /// The match specifier.
    pub(crate) kind: HeaderKind,
    /// `string_match.ignore_case`; without meaning for [`HeaderKind::Regex`], [`HeaderKind::Range`] and
    /// [`HeaderKind::Present`].
    pub(crate) ignore_case: bool,
    /// `invert_match`.
    pub(crate) invert: bool,
    /// `treat_missing_header_as_empty`.
    pub(crate) treat_missing_as_empty: bool,
}

impl HeaderMatch {
    /// The value is exactly this.
    pub(crate) fn exact(name: &str, value: &str) -> Self {
        let kind = HeaderKind::Exact(value.to_owned());
        Self { name: name.to_owned(), kind, ignore_case: false, invert: false, treat_missing_as_empty: false }
    }
}

/// What a header value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderKind {
    /// This text.
    Exact(String),
    /// A text that begins like this.
    Prefix(String),
    /// A text that ends like this.
    Suffix(String),
    /// A text that contains this.
    Contains(String),
    /// A text that this pattern matches from end to end.
    Regex(Pcre),
    /// A decimal integer in the half-open range.
    Range {
        /// Smallest value that matches; `i64::MIN` for no bound.
        start: i64,
        /// Smallest value above `start` that does not match any more; `i64::MAX` for no bound.
        end: i64,
    },
    /// `present_match`: the header is there (`true`) or is not (`false`).
    Present(bool),
}

/// In what the condition can differ from Envoy's matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HeaderNote {
    /// Envoy compares each line of a repeated header, nginx one text of all lines joined by `, `.
    RepeatedLines,
    /// nginx does not tell `-` from `_` in header names: both spellings feed one variable.
    DashUnderscore,
    /// The pattern matches bytes where Envoy matches characters; values beyond ASCII may differ.
    BytesNotCharacters,
}

/// Why a header matcher has no translation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    /// nginx drops such a header on arrival, so neither its presence nor its absence can be seen.
    #[error("nginx drops headers named {0:?}, so no condition can see it")]
    DroppedByNginx(String),
    /// A pseudo header without a variable.
    #[error("pseudo header {0:?} has no counterpart in APISIX")]
    UnknownPseudoHeader(String),
    /// APISIX keeps 14 digits of a number in its configuration.
    #[error("range bound {0} has more than 14 digits, of which APISIX keeps 14")]
    RangeBound(i64),
    /// A pattern or a range on the host, whose port Envoy cuts off.
    #[error("a pattern or range on the host without the port that Envoy has cut off")]
    HostWithoutPort,
}

/// Decimal integers of up to 18 significant digits, all of which fit Envoy's 64 bits.
const INTEGER: &str = r"^[+-]?(?=[0-9])0*+[0-9]{0,18}\z";

/// The largest bound that survives the 14 significant digits of APISIX's JSON encoder.
const BOUND_MAX: u64 = 99_999_999_999_999;

impl HeaderKind {
    /// Holds for an empty text.
    pub(super) fn matches_empty(&self) -> bool {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) => text.is_empty(),
            Self::Regex(pcre) => pcre.matches_empty(),
            Self::Range { .. } => false,
            Self::Present(wanted) => *wanted,
        }
    }
}

impl HeaderMatch {
    /// The condition, and in what it is approximate.
    pub(crate) fn to_expr(&self) -> Result<(Expr, Vec<HeaderNote>), HeaderError> {
        self.lines_to_expr(Lines::AsOne)
    }

    /// As [`HeaderMatch::to_expr`], with a choice for headers in several lines.
    pub(crate) fn lines_to_expr(&self, lines: Lines) -> Result<(Expr, Vec<HeaderNote>), HeaderError> {
        let var = header_variable(&self.name)?;
        let lines = if is_repeatable(&var) { lines } else { Lines::AsOne };
        Ok((self.condition(&var, lines)?, self.notes(&var)))
    }

    /// The condition on all lines as one text, joined by commas, of a matcher that is not inverted and tells a header that
    /// is missing.
    pub(crate) fn joined_to_expr(&self, lines: Lines) -> Result<(Expr, Vec<HeaderNote>), HeaderError> {
        let var = header_variable(&self.name)?;
        let is_plain = !is_repeatable(&var) || !text::sees_joints(&self.kind);
        let mut notes = self.notes(&var);
        notes.retain(|note| *note != HeaderNote::RepeatedLines || !is_plain);
        let one = text::condition(&var, &self.kind, self.ignore_case, Lines::AsOne)?;
        let several = || Expr::matches(&var, ", ");
        let expr = match lines {
            _ if is_plain => one,
            Lines::AsOne => one,
            Lines::AnyMayMatch => Expr::any([one, several()]),
            Lines::OneMustMatch => one.and(several().negate()),
        };
        Ok((expr, notes))
    }

    fn condition(&self, var: &str, lines: Lines) -> Result<Expr, HeaderError> {
        if let HeaderKind::Present(wanted) = self.kind {
            return Ok(match (self.treat_missing_as_empty, wanted != self.invert) {
                // A missing header counts as an empty one, so there always is a header.
                (true, result) => Expr::constant(result),
                (false, true) => Expr::present(var),
                (false, false) => Expr::present(var).negate(),
            });
        }
        let lines = if self.invert { lines.opposite() } else { lines };
        Ok(self.presented(var, text::condition(var, &self.kind, self.ignore_case, lines)?))
    }

    /// The condition of a matcher whose value meets `matched`: inverted, and with what a missing header means.
    pub(super) fn presented(&self, var: &str, matched: Expr) -> Expr {
        let missing_matches = self.treat_missing_as_empty && (self.kind.matches_empty() != self.invert);
        let result = if self.invert { matched.negate() } else { matched };
        // A plain comparison is false where the variable is missing and an inverted one is true.
        match (self.invert, missing_matches) {
            (false, true) => Expr::any([Expr::present(var).negate(), result]),
            (true, false) if !always_present(var) => Expr::present(var).and(result),
            _ => result,
        }
    }

    fn notes(&self, var: &str) -> Vec<HeaderNote> {
        let mut notes = Vec::new();
        let repeatable = is_repeatable(var);
        if repeatable && !matches!(self.kind, HeaderKind::Present(_)) {
            notes.push(HeaderNote::RepeatedLines);
        }
        if repeatable && var.trim_start_matches("http_").contains('_') {
            notes.push(HeaderNote::DashUnderscore);
        }
        if let HeaderKind::Regex(pcre) = &self.kind
            && pcre.counts_bytes()
        {
            notes.push(HeaderNote::BytesNotCharacters);
        }
        notes
    }
}

/// The APISIX variable that holds a request header or pseudo header.
pub(crate) fn header_variable(name: &str) -> Result<String, HeaderError> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        ":method" => Ok("request_method".to_owned()),
        ":path" => Ok("real_request_uri".to_owned()),
        ":authority" => Ok("http_host".to_owned()),
        ":scheme" => Ok("scheme".to_owned()),
        _ if lower.starts_with(':') => Err(HeaderError::UnknownPseudoHeader(lower)),
        _ if lower.is_empty() || !lower.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => {
            Err(HeaderError::DroppedByNginx(lower))
        }
        _ => Ok(format!("http_{}", lower.replace('-', "_"))),
    }
}

/// It stands for a part of the request line, or for the host.
pub(crate) fn is_pseudo_header(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

/// It may come in several lines.
fn is_repeatable(var: &str) -> bool {
    var.starts_with("http_") && var != "http_host"
}

fn always_present(var: &str) -> bool {
    !var.starts_with("http_")
}

pub(super) fn range(var: &str, start: i64, end: i64) -> Result<Expr, HeaderError> {
    if start >= end {
        return Ok(Expr::False);
    }
    let mut parts = vec![Expr::matches(var, INTEGER)];
    if start != i64::MIN {
        parts.push(Expr::at_least(var, checked_bound(start)?));
    }
    if end != i64::MAX {
        parts.push(Expr::below(var, checked_bound(end)?));
    }
    Ok(Expr::all(parts))
}

fn checked_bound(bound: i64) -> Result<i64, HeaderError> {
    if bound.unsigned_abs() > BOUND_MAX { Err(HeaderError::RangeBound(bound)) } else { Ok(bound) }
}
