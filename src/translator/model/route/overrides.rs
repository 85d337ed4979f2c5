//! `typed_per_filter_config`: configuration of HTTP filters for a part of the routes.

use std::collections::BTreeMap;

use amesh_xds::wire::google::protobuf::Any;

use crate::model::filter::{FilterError, Overrides, per_route};
use crate::report::{Place, Report};

/// Why a filter's configuration is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("typed_per_filter_config[{0:?}]: {1}")]
pub(crate) struct OverrideError(String, Box<FilterError>);

/// Reads every configuration. Whether one matters depends on the filters of the listener.
pub(super) fn convert(
    configs: &BTreeMap<String, Any>,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Overrides, OverrideError> {
    let place = place.field("typed_per_filter_config");
    let mut overrides = Overrides::new();
    for (filter, any) in configs {
        let read = per_route(any, &place, report).map_err(|error| OverrideError(filter.clone(), Box::new(error)))?;
        overrides.extend(read.map(|read| (filter.clone(), read)));
    }
    Ok(overrides)
}
