//! `RetryPolicy`: how often a failed request is sent again.

use amesh_xds::wire::envoy::config::route::v3 as wire;

use crate::diagnostic::Code;
use crate::model::duration::{DurationError, milliseconds};
use crate::report::{Place, Report};

/// How often a failed request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Further tries.
    pub(crate) retries: u32,
    /// Milliseconds for one try; 0 is none.
    pub(crate) per_try_timeout: u64,
}

/// Conditions that cover endpoints that cannot be reached or break off, which is what nginx tries again.
const COVERED: [&str; 5] = ["5xx", "connect-failure", "gateway-error", "reset", "reset-before-request"];

/// Converts a policy. Conditions that APISIX does not know are reported.
pub(super) fn convert(
    policy: &wire::RetryPolicy,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Retry, DurationError> {
    let per_try_timeout = policy.per_try_timeout.as_ref().map(milliseconds).transpose()?.unwrap_or(0);
    let words: Vec<&str> = policy.retry_on.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let others: Vec<&str> = words.iter().filter(|word| !COVERED.contains(word)).copied().collect();
    let retries = if others.len() < words.len() { policy.num_retries.unwrap_or(1) } else { 0 };
    if !others.is_empty() {
        let why = format!("not tried again for {}", others.join(", "));
        report.add(Code::RetryApproximated, place.field("retry_on"), why);
    }
    if retries > 0 {
        report.add(Code::RetryApproximated, place, NGINX);
    }
    Ok(Retry { retries, per_try_timeout })
}

const NGINX: &str = "nginx tries again at once after a connection error or a timeout, but requests that are not idempotent \
    only if nothing was sent; a status from the endpoint is never tried again, and where time is up the answer is 502";
