//! `Route.match`: the path and the headers.

use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use amesh_xds::wire::envoy::config::route::v3::route_match::PathSpecifier;
use amesh_xds::wire::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use amesh_xds::wire::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};

use super::Fraction;
use super::conditions::{self, ConditionError};
use super::template::{self, Template, TemplateError};
use crate::diagnostic::Code;
use crate::model::findings::Denied;
use crate::model::rules::{RuleError, filled, one_line};
use crate::order::PathMatch;
use crate::regex::{Pcre, RegexError, to_pcre};
use crate::report::{Place, Report};
use crate::vars::{Expr, HeaderKind, HeaderMatch, TextMatch};

/// Why Envoy would refuse a match.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MatchError {
    /// `match` is not set.
    #[error("is not set")]
    Missing,
    /// No path specifier is set.
    #[error("path_specifier is not set: one of prefix, path, safe_regex, path_separated_prefix is needed")]
    NoPath,
    /// `path_separated_prefix` has a form Envoy does not take.
    #[error("path_separated_prefix {0:?} must begin with a slash, not end with one, and have no ? or #")]
    SeparatedPrefix(String),
    /// A pattern that RE2 does not take.
    #[error("{0}")]
    Regex(RegexError),
    /// A template that Envoy does not take.
    #[error("path_match_policy: {0}")]
    Template(#[from] TemplateError),
    /// A header matcher that Envoy does not take.
    #[error("headers[{0}]: {1}")]
    Header(usize, HeaderMatcherError),
    /// Another matcher that Envoy does not take.
    #[error("{0}")]
    Condition(#[from] ConditionError),
}

/// Why Envoy would refuse a header matcher.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderMatcherError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A pattern that RE2 does not take.
    #[error("{0}")]
    Regex(#[from] RegexError),
    /// `string_match` of no kind.
    #[error("string_match.match_pattern is not set")]
    NoPattern,
}

/// What a request must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    /// `None` where it is not told, which denies the route.
    pub(crate) path: Option<PathMatch>,
    /// `path_match_policy`, even where it cannot be told.
    pub(crate) template: Option<Template>,
    /// Of the path.
    pub(crate) case_sensitive: bool,
    /// All must match.
    pub(crate) headers: Vec<HeaderMatch>,
    /// Query parameters, cookies and more.
    pub(crate) others: Expr,
    /// The share of requests.
    pub(crate) fraction: Option<Fraction>,
}

/// Converts a match. What cannot be told makes the match wider and the route denied.
pub(crate) fn convert(
    matcher: wire::RouteMatch,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Matched, Denied), MatchError> {
    let mut denied = Denied(false);
    let others = conditions::convert(&matcher, &mut denied, place, report)?;
    let fraction = conditions::fraction(&matcher)?;
    let mut template = None;
    let path = match matcher.path_specifier {
        Some(PathSpecifier::PathMatchPolicy(config)) => {
            let (told, pattern) = template::matcher(&config, &place.field("path_match_policy"), report)?;
            denied = denied.or(Denied(pattern.is_none()));
            template = Some(told);
            pattern.map(PathMatch::Template)
        }
        Some(specifier) => path(specifier, &mut denied, place, report)?,
        // The one that is set is not read, which the scan has reported.
        None if scanned.0 => None,
        None => return Err(MatchError::NoPath),
    };
    let mut headers = Vec::with_capacity(matcher.headers.len());
    for (index, header) in matcher.headers.into_iter().enumerate() {
        let converted = header_match(header, scanned, &place.item("headers", index), report);
        match converted.map_err(|error| MatchError::Header(index, error))? {
            Some(header) => headers.push(header),
            None => denied = Denied(true),
        }
    }
    let case_sensitive = matcher.case_sensitive.unwrap_or(true);
    Ok((Matched { path, template, case_sensitive, headers, others, fraction }, denied))
}

fn path(
    specifier: PathSpecifier,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathMatch>, MatchError> {
    Ok(Some(match specifier {
        PathSpecifier::Prefix(prefix) => PathMatch::Prefix(prefix),
        PathSpecifier::Path(path) => PathMatch::Exact(path),
        PathSpecifier::PathSeparatedPrefix(prefix) => PathMatch::SeparatedPrefix(separated(prefix)?),
        PathSpecifier::SafeRegex(matcher) => {
            let pattern = regex(&matcher, &place.field("safe_regex"), report).map_err(MatchError::Regex)?;
            *denied = denied.or(Denied(pattern.is_none()));
            return Ok(pattern.map(PathMatch::Regex));
        }
        PathSpecifier::PathMatchPolicy(_) => return Ok(None),
    }))
}

fn separated(prefix: String) -> Result<String, MatchError> {
    let is_good = prefix.len() > 1 && prefix.starts_with('/') && !prefix.ends_with('/') && !prefix.contains(['?', '#']);
    if is_good { Ok(prefix) } else { Err(MatchError::SeparatedPrefix(prefix)) }
}

/// A pattern; `None` where it is good for RE2 and must not reach PCRE, which denies the route.
fn regex(matcher: &RegexMatcher, place: &Place<'_>, report: &mut Report) -> Result<Option<Pcre>, RegexError> {
    if matcher.regex.is_empty() {
        return Err(RegexError::Syntax("the regex is empty".to_owned()));
    }
    match to_pcre(&matcher.regex) {
        Ok(pattern) => Ok(Some(pattern)),
        // Envoy refuses these too; the others are fine for RE2 and must not reach PCRE.
        Err(error @ (RegexError::Syntax(_) | RegexError::RepeatTooLarge)) => Err(error),
        Err(error) => {
            report.add(Code::RegexRefused, place, error.to_string());
            Ok(None)
        }
    }
}

/// A header matcher; `None` where it cannot be told whether a request meets it.
pub(crate) fn header_match(
    header: wire::HeaderMatcher,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<HeaderMatch>, HeaderMatcherError> {
    filled(&header.name, "name")?;
    one_line(&header.name, "name")?;
    let kind = kind(header.header_match_specifier, scanned, place, report)?;
    Ok(kind.map(|(kind, ignore_case)| HeaderMatch {
        name: header.name,
        kind,
        ignore_case,
        invert: header.invert_match,
        treat_missing_as_empty: header.treat_missing_header_as_empty,
    }))
}

/// What the value must be, and whether case is ignored.
fn kind(
    specifier: Option<HeaderMatchSpecifier>,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<(HeaderKind, bool)>, HeaderMatcherError> {
    let kind = match specifier {
        // Envoy: without a specifier the header must be there.
        None => HeaderKind::Present(true),
        Some(HeaderMatchSpecifier::ExactMatch(text)) => HeaderKind::Exact(text),
        Some(HeaderMatchSpecifier::PrefixMatch(text)) => HeaderKind::Prefix(part(text, "prefix_match")?),
        Some(HeaderMatchSpecifier::SuffixMatch(text)) => HeaderKind::Suffix(part(text, "suffix_match")?),
        Some(HeaderMatchSpecifier::ContainsMatch(text)) => HeaderKind::Contains(part(text, "contains_match")?),
        Some(HeaderMatchSpecifier::PresentMatch(present)) => HeaderKind::Present(present),
        Some(HeaderMatchSpecifier::RangeMatch(range)) => HeaderKind::Range { start: range.start, end: range.end },
        Some(HeaderMatchSpecifier::SafeRegexMatch(matcher)) => {
            return pattern_kind(&matcher, &place.field("safe_regex_match"), report);
        }
        Some(HeaderMatchSpecifier::StringMatch(matcher)) => {
            return string_kind(matcher, scanned, &place.field("string_match"), report);
        }
    };
    Ok(Some((kind, false)))
}

/// A part of a text must not be empty.
fn part(text: String, field: &str) -> Result<String, RuleError> {
    filled(&text, field)?;
    Ok(text)
}

/// A text matcher; `None` where it cannot be told whether a text meets it.
pub(crate) fn text_match(
    matcher: StringMatcher,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<TextMatch>, HeaderMatcherError> {
    Ok(string_kind(matcher, Denied(false), place, report)?.map(|(kind, ignore_case)| TextMatch { kind, ignore_case }))
}

fn string_kind(
    matcher: StringMatcher,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<(HeaderKind, bool)>, HeaderMatcherError> {
    let kind = match matcher.match_pattern {
        // The one that is set is not read, which the scan has reported.
        None if scanned.0 => return Ok(None),
        None => return Err(HeaderMatcherError::NoPattern),
        Some(MatchPattern::Exact(text)) => HeaderKind::Exact(text),
        Some(MatchPattern::Prefix(text)) => HeaderKind::Prefix(part(text, "string_match.prefix")?),
        Some(MatchPattern::Suffix(text)) => HeaderKind::Suffix(part(text, "string_match.suffix")?),
        Some(MatchPattern::Contains(text)) => HeaderKind::Contains(part(text, "string_match.contains")?),
        Some(MatchPattern::SafeRegex(matcher)) => return pattern_kind(&matcher, &place.field("safe_regex"), report),
    };
    Ok(Some((kind, matcher.ignore_case)))
}

fn pattern_kind(
    matcher: &RegexMatcher,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<(HeaderKind, bool)>, HeaderMatcherError> {
    Ok(regex(matcher, place, report)?.map(|pattern| (HeaderKind::Regex(pattern), false)))
}
