//! Filters with few fields.

use amesh_xds::wire::envoy::extensions::filters::http::buffer::v3 as buffer;
use amesh_xds::wire::envoy::extensions::filters::http::buffer::v3::buffer_per_route::Override as PerRoute;
use amesh_xds::wire::envoy::extensions::filters::http::ext_authz::v3 as ext_authz;
use amesh_xds::wire::envoy::extensions::filters::http::ext_authz::v3::ext_authz_per_route::Override as Authorization;
use amesh_xds::wire::envoy::extensions::filters::http::health_check::v3 as health_check;

use crate::model::findings::Denied;
use crate::model::route::{HeaderMatcherError, header_match};
use crate::report::{Place, Report};
use crate::vars::HeaderMatch;

/// Why Envoy would refuse a buffer filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BufferError {
    /// No limit.
    #[error("max_request_bytes is not set, or 0")]
    NoLimit,
    /// Nothing is said.
    #[error("override is not set: one of disabled, buffer is needed")]
    Unset,
    /// `disabled: false`.
    #[error("disabled must be true")]
    NotDisabled,
}

/// Bytes that a request body may have.
pub(super) fn buffer(buffer: buffer::Buffer) -> Result<u32, BufferError> {
    buffer.max_request_bytes.filter(|bytes| *bytes > 0).ok_or(BufferError::NoLimit)
}

/// Bytes that a request body may have; `None`: the filter does not run.
pub(super) fn buffer_per_route(own: buffer::BufferPerRoute) -> Result<Option<u32>, BufferError> {
    match own.r#override {
        None => Err(BufferError::Unset),
        Some(PerRoute::Disabled(true)) => Ok(None),
        Some(PerRoute::Disabled(false)) => Err(BufferError::NotDisabled),
        Some(PerRoute::Buffer(limit)) => buffer(limit).map(Some),
    }
}

/// Why Envoy would refuse what a route says about the authorization service.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExtAuthzError {
    /// Nothing is said.
    #[error("override is not set: one of disabled, check_settings is needed")]
    Unset,
}

/// Why the authorization service cannot be asked; `None`: it need not be. `scanned`: something in it is not read.
pub(super) fn ext_authz(own: ext_authz::ExtAuthzPerRoute, scanned: Denied) -> Result<Option<String>, ExtAuthzError> {
    match own.r#override {
        Some(Authorization::Disabled(true)) => Ok(None),
        None if !scanned.0 => Err(ExtAuthzError::Unset),
        _ => Ok(Some("the authorization service is not asked".to_owned())),
    }
}

/// Why Envoy would refuse a health check filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HealthCheckError {
    /// Nothing is said.
    #[error("pass_through_mode is not set")]
    Unset,
    /// A cache of nothing.
    #[error("cache_time must not be set where pass_through_mode is false")]
    Cache,
    /// A bad header matcher.
    #[error("headers[{0}]: {1}")]
    Header(usize, HeaderMatcherError),
}

/// What all of the headers of a health check are that is answered here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthCheck(pub(crate) Vec<HeaderMatch>);

/// Validates the filter; `None` where a header cannot be told.
pub(super) fn health_check(
    check: health_check::HealthCheck,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<HealthCheck>, HealthCheckError> {
    let passes = check.pass_through_mode.ok_or(HealthCheckError::Unset)?;
    if !passes && check.cache_time.is_some() {
        return Err(HealthCheckError::Cache);
    }
    let mut headers = Vec::with_capacity(check.headers.len());
    let mut told = true;
    for (index, header) in check.headers.into_iter().enumerate() {
        let converted = header_match(header, Denied(false), &place.item("headers", index), report);
        let converted = converted.map_err(|error| HealthCheckError::Header(index, error))?;
        told &= converted.is_some();
        headers.extend(converted);
    }
    Ok(told.then_some(HealthCheck(headers)))
}
