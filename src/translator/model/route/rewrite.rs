//! What becomes of the path.

use amesh_xds::wire::envoy::config::core::v3::TypedExtensionConfig;
use amesh_xds::wire::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;

use super::template::{self, Template, TemplateError};
use crate::diagnostic::Code;
use crate::model::findings::Denied;
use crate::regex::{RegexError, ReplaceError, Replacement, to_replacement};
use crate::report::{Place, Report};

/// What becomes of the path; the query stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathRewrite {
    /// The part that was matched becomes this text, which begins with a slash.
    Matched(String),
    /// A pattern is replaced.
    Regex(Replacement),
    /// It stays, as the substitution names a group that there is not.
    Unchanged,
}

/// Why Envoy would refuse a rewrite.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RewriteError {
    /// Two ways to rewrite.
    #[error("prefix_rewrite, regex_rewrite and path_rewrite_policy exclude each other")]
    Two,
    /// A prefix where a template is matched.
    #[error("prefix_rewrite does not go with path_match_policy")]
    PrefixOfTemplate,
    /// A rewrite by template where none is matched.
    #[error("path_rewrite_policy goes with path_match_policy only")]
    NoTemplate,
    /// A template that Envoy does not take.
    #[error("path_rewrite_policy: {0}")]
    Template(#[from] TemplateError),
    /// A pattern that RE2 does not take, or none.
    #[error("regex_rewrite.pattern: {0}")]
    Regex(RegexError),
}

/// Converts `prefix_rewrite` and `regex_rewrite`. What cannot be done is denied.
pub(super) fn convert(
    prefix: String,
    regex: Option<RegexMatchAndSubstitute>,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathRewrite>, RewriteError> {
    match (prefix.is_empty(), regex) {
        (false, Some(_)) => Err(RewriteError::Two),
        (true, None) => Ok(None),
        (true, Some(regex)) => self::regex(&regex, denied, &place.field("regex_rewrite"), report),
        (false, None) if prefix.starts_with('/') => Ok(Some(PathRewrite::Matched(prefix))),
        (false, None) => {
            let why = "APISIX forwards no path without a slash at its beginning: the route answers 503";
            report.add(Code::RouteDenied, place.field("prefix_rewrite"), why);
            *denied = Denied(true);
            Ok(None)
        }
    }
}

fn regex(
    rewrite: &RegexMatchAndSubstitute,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathRewrite>, RewriteError> {
    let pattern = rewrite.pattern.as_ref().map(|pattern| pattern.regex.as_str()).unwrap_or_default();
    if pattern.is_empty() {
        return Err(RewriteError::Regex(RegexError::Syntax("the regex is empty".to_owned())));
    }
    replace(pattern, &rewrite.substitution, denied, place, report)
}

/// Converts `path_rewrite_policy`. What cannot be done is denied.
pub(super) fn by_template(
    policy: &TypedExtensionConfig,
    template: &Template,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathRewrite>, RewriteError> {
    let place = place.field("path_rewrite_policy");
    let told = template::rewrite(policy, template, &place, report)?;
    let Some((pattern, substitution)) = told else {
        *denied = Denied(true);
        return Ok(None);
    };
    replace(&pattern, &substitution, denied, &place, report)
}

fn replace(
    pattern: &str,
    substitution: &str,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PathRewrite>, RewriteError> {
    match to_replacement(pattern, substitution) {
        Ok(Some(replacement)) => {
            if !replacement.is_rooted {
                let why = "where the result does not begin with a slash, APISIX answers 500 or 502";
                report.add(Code::RewriteApproximated, place, why);
            }
            Ok(Some(PathRewrite::Regex(replacement)))
        }
        Ok(None) => Ok(Some(PathRewrite::Unchanged)),
        Err(ReplaceError::Regex(error @ (RegexError::Syntax(_) | RegexError::RepeatTooLarge))) => {
            Err(RewriteError::Regex(error))
        }
        Err(error) => {
            report.add(Code::RegexRefused, place, format!("{error}: the route answers 503"));
            *denied = Denied(true);
            Ok(None)
        }
    }
}
