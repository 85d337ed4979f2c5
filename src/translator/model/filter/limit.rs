//! `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`: a bucket of tokens, of which each request takes one.

mod descriptors;

pub(crate) use descriptors::{Descriptor, Part, Untold};

use amesh_xds::wire::envoy::config::core::v3::{HeaderValueOption, RuntimeFractionalPercent};
use amesh_xds::wire::envoy::extensions::filters::http::local_ratelimit::v3 as wire;
use amesh_xds::wire::envoy::r#type::v3::{StatusCode, TokenBucket};

use super::percent::{Percent, PercentError};
use crate::model::duration::{DurationError, milliseconds};
use crate::model::headers::{self, HeaderListError};
use crate::model::rules::{RuleError, defined, filled, set};
use crate::report::{Place, Report};

/// How many requests pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// For requests that no descriptor is for; `None`: all of them pass.
    pub(crate) bucket: Option<Bucket>,
    /// Requests that a descriptor is for count here as well.
    pub(crate) always: bool,
    /// Buckets for some of the requests.
    pub(crate) descriptors: Vec<Descriptor>,
    /// The status of requests that do not pass, at least 400.
    pub(crate) status: u16,
    /// How many requests take a token.
    pub(crate) enabled: Percent,
    /// How many of those without a token do not pass.
    pub(crate) enforced: Percent,
}

/// `envoy.type.v3.TokenBucket`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Tokens of a full bucket; 0: no request passes.
    pub(crate) tokens: u32,
    /// Tokens that come in each interval, at least 1.
    pub(crate) refill: u32,
    /// Milliseconds, at least 50.
    pub(crate) interval: u64,
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// Not one of Envoy's statuses.
    #[error("status.code is {0}, which is no HTTP status")]
    Status(i32),
    /// Too large.
    #[error("stage is {0}; it must be 0 to 10")]
    Stage(u32),
    /// No time, or a bad one.
    #[error("token_bucket.fill_interval: {0}")]
    Interval(#[from] DurationError),
    /// Too short.
    #[error("token_bucket.fill_interval must be 50 ms or more")]
    TooShort,
    /// No tokens come.
    #[error("token_bucket.tokens_per_fill must be above 0")]
    NoRefill,
    /// A route needs a bucket.
    #[error("token_bucket is not set, which it must be in the configuration of a route")]
    NoBucket,
    /// A bad descriptor.
    #[error("{0}")]
    Descriptor(#[from] descriptors::DescriptorError),
    /// A bad percentage.
    #[error("filter_enabled or filter_enforced: {0}")]
    Percent(#[from] PercentError),
    /// Bad headers.
    #[error("headers to add: {0}")]
    Headers(#[from] HeaderListError),
    /// Too many headers.
    #[error("more than 10 headers to add")]
    TooManyHeaders,
}

/// Validates the filter; `None` where nothing is limited. `in_route`: a route configures it.
pub(super) fn convert(
    limit: wire::LocalRateLimit,
    in_route: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Result<Limit, Untold>>, LimitError> {
    filled(&limit.stat_prefix, "stat_prefix")?;
    if limit.stage > 10 {
        return Err(LimitError::Stage(limit.stage));
    }
    let status = limit.status.map_or(Ok(429), |status| self::status(status.code))?;
    let enabled = percent(limit.filter_enabled, "filter_enabled")?;
    let enforced = percent(limit.filter_enforced, "filter_enforced")?;
    added(&limit.response_headers_to_add)?;
    added(&limit.request_headers_to_add_when_not_enforced)?;
    let descriptors = descriptors::convert(limit.descriptors, limit.rate_limits, place, report)?;
    if limit.token_bucket.is_none() && in_route {
        return Err(LimitError::NoBucket);
    }
    let bucket = limit.token_bucket.map_or(Ok(None), bucket)?;
    let always = limit.always_consume_default_token_bucket.unwrap_or(true);
    let limits = enabled.0 > 0 && enforced.0 > 0;
    let whole = |descriptors| Limit { bucket, always, descriptors, status, enabled, enforced };
    Ok(match descriptors {
        Err(untold) => limits.then_some(Err(untold)),
        Ok(all) => (limits && (bucket.is_some() || !all.is_empty())).then(|| Ok(whole(all))),
    })
}

/// Envoy answers 429 in place of what is no error.
fn status(code: i32) -> Result<u16, LimitError> {
    let known = defined::<StatusCode>(code, "status.code").map_err(|_| LimitError::Status(code))?;
    match (known, u16::try_from(code)) {
        (StatusCode::Empty, _) | (_, Err(_)) => Err(LimitError::Status(code)),
        (_, Ok(code)) => Ok(if code < 400 { 429 } else { code }),
    }
}

fn percent(fraction: Option<RuntimeFractionalPercent>, path: &str) -> Result<Percent, LimitError> {
    let Some(fraction) = fraction else { return Ok(Percent::default()) };
    let default = set(fraction.default_value, format_args!("{path}.default_value"))?;
    Ok(Percent::new(default)?)
}

fn added(options: &Vec<HeaderValueOption>) -> Result<(), LimitError> {
    if options.len() > 10 {
        return Err(LimitError::TooManyHeaders);
    }
    let nothing = (&Vec::new(), &Vec::new());
    headers::convert((options, nothing.1), nothing)?;
    Ok(())
}

/// `None`: the interval is shorter than what Envoy counts in, and it limits nothing.
fn bucket(bucket: TokenBucket) -> Result<Option<Bucket>, LimitError> {
    let interval = set(bucket.fill_interval, "token_bucket.fill_interval")?;
    let rounded_up = milliseconds(&interval)?;
    let is_whole = interval.nanos.checked_rem(1_000_000) == Some(0);
    let interval = if is_whole { rounded_up } else { rounded_up.saturating_sub(1) };
    let refill = bucket.tokens_per_fill.unwrap_or(1);
    if refill == 0 {
        return Err(LimitError::NoRefill);
    }
    match interval {
        0 if rounded_up == 0 => Err(LimitError::TooShort),
        0 => Ok(None),
        1..50 => Err(LimitError::TooShort),
        _ => Ok(Some(Bucket { tokens: bucket.max_tokens, refill, interval })),
    }
}
