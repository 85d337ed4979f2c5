//! `envoy.extensions.filters.http.fault.v3.HTTPFault`: delays requests and answers them without an upstream.

use amesh_xds::wire::envoy::extensions::filters::common::fault::v3 as common;
use amesh_xds::wire::envoy::extensions::filters::common::fault::v3::fault_delay::FaultDelaySecifier;
use amesh_xds::wire::envoy::extensions::filters::http::fault::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::http::fault::v3::fault_abort::ErrorType;

use super::percent::{Percent, PercentError};
use crate::model::duration::{DurationError, milliseconds};
use crate::model::findings::Denied;
use crate::model::route::{HeaderMatcherError, header_match};
use crate::report::{Place, Report};
use crate::vars::HeaderMatch;

/// What the filter does to the requests that meet all of its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Comes first.
    pub(crate) delay: Option<Delay>,
    /// Comes after it.
    pub(crate) abort: Option<Abort>,
    /// `upstream_cluster`: the cluster that the request is for; empty: any.
    pub(crate) cluster: String,
    /// What all of the headers must be.
    pub(crate) headers: Vec<HeaderMatch>,
    /// `downstream_nodes`: values of `x-envoy-downstream-service-node`; empty: any.
    pub(crate) nodes: Vec<String>,
}

/// A delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    /// Above 0.
    pub(crate) milliseconds: u64,
    /// Of how many requests.
    pub(crate) percent: Percent,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Abort {
    /// What is answered.
    pub(crate) answer: Answer,
    /// The text; not for gRPC.
    pub(crate) body: String,
    /// To how many requests.
    pub(crate) percent: Percent,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An HTTP status, 200 to 599.
    Http(u16),
    /// A gRPC status to gRPC requests, 200 to others.
    Grpc(u32),
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FaultError {
    /// A status that is no answer.
    #[error("abort.http_status is {0}; it must be 200 to 599")]
    Status(u32),
    /// No answer.
    #[error("abort.error_type is not set: one of http_status, grpc_status, header_abort is needed")]
    NoAnswer,
    /// No delay.
    #[error("delay.fault_delay_secifier is not set: one of fixed_delay, header_delay is needed")]
    NoDelay,
    /// A delay of nothing.
    #[error("delay.fixed_delay must be above 0")]
    ZeroDelay,
    /// A delay that is no duration.
    #[error("delay.fixed_delay: {0}")]
    Delay(#[from] DurationError),
    /// A bad percentage.
    #[error("percentage: {0}")]
    Percent(#[from] PercentError),
    /// A bad header matcher.
    #[error("headers[{0}]: {1}")]
    Header(usize, HeaderMatcherError),
}

/// Envoy's text where none is configured.
const BODY: &str = "fault filter abort";

/// Validates the filter; `None` where it cannot be told for which requests it is. `scanned`: some of it may be set in a
/// way that is not read.
pub(super) fn convert(
    fault: wire::HttpFault,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Fault>, FaultError> {
    let mut headers = Vec::with_capacity(fault.headers.len());
    let mut told = true;
    for (index, header) in fault.headers.into_iter().enumerate() {
        let converted = header_match(header, Denied(false), &place.item("headers", index), report);
        let converted = converted.map_err(|error| FaultError::Header(index, error))?;
        told &= converted.is_some();
        headers.extend(converted);
    }
    let fault = Fault {
        delay: fault.delay.map_or(Ok(None), |delay| self::delay(&delay))?,
        abort: fault.abort.map_or(Ok(None), abort)?,
        cluster: fault.upstream_cluster,
        headers,
        nodes: fault.downstream_nodes,
    };
    Ok(told.then_some(fault))
}

fn delay(delay: &common::FaultDelay) -> Result<Option<Delay>, FaultError> {
    let percent = Percent::or_none(delay.percentage)?;
    let milliseconds = match &delay.fault_delay_secifier {
        None => return Err(FaultError::NoDelay),
        // What the request asks for is left out, as the scan has reported.
        Some(FaultDelaySecifier::HeaderDelay(_)) => return Ok(None),
        Some(FaultDelaySecifier::FixedDelay(duration)) => milliseconds(duration)?,
    };
    if milliseconds == 0 { Err(FaultError::ZeroDelay) } else { Ok(Some(Delay { milliseconds, percent })) }
}

fn abort(abort: wire::FaultAbort) -> Result<Option<Abort>, FaultError> {
    let percent = Percent::or_none(abort.percentage)?;
    let answer = match abort.error_type {
        None => return Err(FaultError::NoAnswer),
        Some(ErrorType::HeaderAbort(_)) => return Ok(None),
        Some(ErrorType::GrpcStatus(status)) => Answer::Grpc(status),
        Some(ErrorType::HttpStatus(status)) => {
            let known = u16::try_from(status).ok().filter(|status| (200..600).contains(status));
            Answer::Http(known.ok_or(FaultError::Status(status))?)
        }
    };
    let body = if abort.response_body.is_empty() { BODY.to_owned() } else { abort.response_body };
    Ok(Some(Abort { answer, body, percent }))
}
