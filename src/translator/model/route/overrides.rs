//! `typed_per_filter_config`: configuration of HTTP filters for a part of the routes.

use std::collections::BTreeMap;

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::route::v3::FilterConfig;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message as _;

use crate::diagnostic::Code;
use crate::model::findings::{Denied, Extension, extension};
use crate::report::{Place, Report};

const KIND: &str = "per_route_config";
const WRAPPER: &str = "envoy.config.route.v3.FilterConfig";

/// Why a filter's configuration is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverrideError {
    /// Not the message it should be.
    #[error("typed_per_filter_config[{0:?}]: {1}")]
    Decode(String, WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("typed_per_filter_config[{0:?}]: {1}")]
    Text(String, prost::DecodeError),
    /// A wrapper around nothing, which does not switch the filter off either.
    #[error("typed_per_filter_config[{0:?}]: neither config nor disabled is set")]
    Empty(String),
}

/// Reports every configuration; denies where one cannot be left out safely.
pub(super) fn inspect(
    configs: &BTreeMap<String, Any>,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Denied, OverrideError> {
    let mut denied = Denied(false);
    for (filter, any) in configs {
        denied = denied.or(inspect_one(filter, any, place, report)?);
    }
    Ok(denied)
}

fn inspect_one(filter: &str, any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Denied, OverrideError> {
    let place = place.field("typed_per_filter_config");
    let bad = |error| OverrideError::Decode(filter.to_owned(), error);
    match extension(KIND, any, &place, report).map_err(bad)? {
        Extension::Read(WRAPPER, bytes, denied) => {
            let config = FilterConfig::decode(bytes.clone());
            let config = config.map_err(|error| OverrideError::Text(filter.to_owned(), error))?;
            Ok(denied.or(wrapped(filter, &config, &place, report)?))
        }
        Extension::Read(_, _, denied) | Extension::Passed(denied) => Ok(denied),
    }
}

/// A wrapper switches a filter off, or on with a configuration.
fn wrapped(
    filter: &str,
    config: &FilterConfig,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Denied, OverrideError> {
    if config.disabled {
        let message = "a filter is switched off for these routes, which is not translated: they keep what it does";
        report.add(Code::ExtensionIgnored, place, message);
        return Ok(Denied(false));
    }
    let any = config.config.as_ref().ok_or_else(|| OverrideError::Empty(filter.to_owned()))?;
    // A wrapper inside a wrapper is no configuration of any filter.
    match extension(KIND, any, place, report).map_err(|error| OverrideError::Decode(filter.to_owned(), error))? {
        Extension::Read(WRAPPER, ..) => {
            report.add(Code::ExtensionDenied, place, "a FilterConfig inside a FilterConfig configures no filter");
            Ok(Denied(true))
        }
        Extension::Read(_, _, denied) | Extension::Passed(denied) => {
            if denied.0 && config.is_optional {
                report.add(Code::ExtensionIgnored, place, "the filter is optional, but may deny requests");
            }
            Ok(denied)
        }
    }
}
