//! `typed_extension_protocol_options`: how HTTP is spoken to the endpoints.

use std::collections::BTreeMap;

use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use amesh_xds::wire::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message as _;

use super::ClusterError;
use crate::model::findings::{Denied, Extension, extension};
use crate::report::{Place, Report};

/// Reports the options; denies where one cannot be left out safely.
pub(super) fn protocol_options(options: &BTreeMap<String, Any>, report: &mut Report) -> Result<Denied, ClusterError> {
    let place = Place::ROOT;
    let place = place.field("typed_extension_protocol_options");
    let mut denied = Denied(false);
    for any in options.values() {
        denied = denied.or(match extension("upstream_protocol_options", any, &place, report)? {
            Extension::Passed(denied) => denied,
            Extension::Read(_, bytes, denied) => denied.or(upstream_filters(bytes, &place, report)?),
        });
    }
    Ok(denied)
}

/// Filters that run between routing and the endpoint.
fn upstream_filters(bytes: &bytes::Bytes, place: &Place<'_>, report: &mut Report) -> Result<Denied, ClusterError> {
    let options = HttpProtocolOptions::decode(bytes.clone())?;
    let mut denied = Denied(false);
    for (index, filter) in options.http_filters.iter().enumerate().filter(|(_, filter)| !filter.disabled) {
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        let place = place.item("http_filters", index);
        denied = denied.or(extension("http_filter", config, &place, report)?.denied());
    }
    Ok(denied)
}
