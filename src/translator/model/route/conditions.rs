//! `Route.match` beside path and headers: query parameters, cookies, samples, gRPC and TLS.

use amesh_xds::wire::envoy::config::core::v3::RuntimeFractionalPercent;
use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use amesh_xds::wire::envoy::r#type::matcher::v3::StringMatcher;
use amesh_xds::wire::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

use super::Fraction;
use crate::diagnostic::Code;
use crate::model::findings::Denied;
use crate::model::rules::{RuleError, defined};
use crate::regex::{RegexError, to_pcre_part};
use crate::report::{Place, Report};
use crate::vars::{Comparison, Expr, PartPattern, cookie, query_parameter, query_present};

/// Why Envoy would refuse one of these.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConditionError {
    /// `name` is empty.
    #[error("{0}[{1}].name is empty")]
    Unnamed(&'static str, usize),
    /// Nothing to compare with.
    #[error("{0}[{1}].string_match has no pattern")]
    NoPattern(&'static str, usize),
    /// A pattern that RE2 does not take.
    #[error("{0}[{1}]: {2}")]
    Regex(&'static str, usize, RegexError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// No share.
    #[error("runtime_fraction.default_value is not set")]
    NoFraction,
}

const QUERY: &str = "query_parameters";
const COOKIES: &str = "cookies";

/// All conditions; where one cannot be told it is left out and the route denied.
pub(super) fn convert(
    matcher: &wire::RouteMatch,
    denied: &mut Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Expr, ConditionError> {
    let mut parts = Vec::new();
    for (index, parameter) in matcher.query_parameters.iter().enumerate() {
        let place = place.item(QUERY, index);
        parts.extend(told(query(parameter, index, &place, report)?, denied));
    }
    for (index, matcher) in matcher.cookies.iter().enumerate() {
        let place = place.item(COOKIES, index);
        if matcher.name.is_empty() {
            return Err(ConditionError::Unnamed(COOKIES, index));
        }
        let value = matcher.string_match.as_ref();
        let plain = pattern(value, ";", (COOKIES, index), &place, report)?;
        let quoted = pattern(value, ";\"", (COOKIES, index), &place, report)?;
        let found = told(plain.zip(quoted), denied).map(|(plain, quoted)| cookie(&matcher.name, &plain, &quoted));
        report.add(Code::MatcherApproximated, place, "a cookie in quotes with quotes inside counts as not matching");
        parts.extend(found.map(|found| if matcher.invert_match { found.negate() } else { found }));
    }
    if matcher.grpc.is_some() {
        parts.push(Expr::matches("http_content_type", r"^application/grpc(?:\+|\z)"));
    }
    parts.extend(matcher.tls_context.map(|context| tls(context, place, report)));
    Ok(Expr::all(parts))
}

/// What all query parameters must be; `None` where one cannot be told.
pub(crate) fn query_parameters(
    parameters: &[wire::QueryParameterMatcher],
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Expr>, ConditionError> {
    let mut parts = Vec::with_capacity(parameters.len());
    for (index, parameter) in parameters.iter().enumerate() {
        parts.push(query(parameter, index, &place.item(QUERY, index), report)?);
    }
    Ok(parts.into_iter().collect::<Option<Vec<_>>>().map(Expr::all))
}

fn told<T>(condition: Option<T>, denied: &mut Denied) -> Option<T> {
    *denied = denied.or(Denied(condition.is_none()));
    condition
}

fn query(
    parameter: &wire::QueryParameterMatcher,
    index: usize,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Expr>, ConditionError> {
    let name = &parameter.name;
    if name.is_empty() {
        return Err(ConditionError::Unnamed(QUERY, index));
    }
    Ok(match &parameter.query_parameter_match_specifier {
        None | Some(QueryParameterMatchSpecifier::PresentMatch(true)) => Some(query_present(name)),
        Some(QueryParameterMatchSpecifier::PresentMatch(false)) => Some(query_present(name).negate()),
        Some(QueryParameterMatchSpecifier::StringMatch(matcher)) => {
            let pattern = pattern(Some(matcher), "&", (QUERY, index), place, report)?;
            pattern.map(|pattern| query_parameter(name, &pattern))
        }
    })
}

/// A pattern for values that have none of `stops`; `None` where it must not reach PCRE.
fn pattern(
    matcher: Option<&StringMatcher>,
    stops: &str,
    (field, index): (&'static str, usize),
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<PartPattern>, ConditionError> {
    let matcher = matcher.ok_or(ConditionError::NoPattern(field, index))?;
    let (comparison, text) = match &matcher.match_pattern {
        // A custom matcher, which the scan has denied.
        None => return Ok(None),
        Some(MatchPattern::Exact(text)) => (Comparison::Exact, text),
        Some(MatchPattern::Prefix(text)) => (Comparison::Prefix, text),
        Some(MatchPattern::Suffix(text)) => (Comparison::Suffix, text),
        Some(MatchPattern::Contains(text)) => (Comparison::Contains, text),
        Some(MatchPattern::SafeRegex(matcher)) => {
            return match to_pcre_part(&matcher.regex, stops) {
                Ok(pcre) => Ok(Some(PartPattern::regex(&pcre))),
                Err(error @ (RegexError::Syntax(_) | RegexError::RepeatTooLarge)) => {
                    Err(ConditionError::Regex(field, index, error))
                }
                Err(error) => {
                    report.add(Code::RegexRefused, place, error.to_string());
                    Ok(None)
                }
            };
        }
    };
    Ok(Some(PartPattern::text(comparison, text, matcher.ignore_case, stops)))
}

/// nginx asks for client certificates only where it knows whom to trust.
fn tls(context: wire::route_match::TlsContextMatchOptions, place: &Place<'_>, report: &mut Report) -> Expr {
    let why = "client certificates are those that nginx has asked for";
    report.add(Code::MatcherApproximated, place.field("tls_context"), why);
    let verify = "ssl_client_verify";
    let wanted = |wanted: Option<bool>, expr: Expr| match wanted {
        None => Expr::True,
        Some(true) => expr,
        Some(false) => expr.negate(),
    };
    let presented = wanted(context.presented, Expr::matches(verify, r"^(?!NONE\z)."));
    presented.and(wanted(context.validated, Expr::equal(verify, "SUCCESS")))
}

/// The share of requests that a route is for.
pub(super) fn fraction(matcher: &wire::RouteMatch) -> Result<Option<Fraction>, ConditionError> {
    matcher.runtime_fraction.as_ref().map(share).transpose()
}

/// A share as its default says: there is no runtime.
pub(super) fn share(fraction: &RuntimeFractionalPercent) -> Result<Fraction, ConditionError> {
    let value = fraction.default_value.as_ref().ok_or(ConditionError::NoFraction)?;
    let denominator = defined(value.denominator, "runtime_fraction.default_value.denominator")?;
    Ok(Fraction::new(value.numerator, denominator))
}
