//! `typed_extension_protocol_options`: how HTTP is spoken to the endpoints.

use std::collections::BTreeMap;

use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use amesh_xds::wire::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use amesh_xds::wire::envoy::extensions::upstreams::http::v3::http_protocol_options::UpstreamProtocolOptions;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message as _;

use super::ClusterError;
use crate::model::findings::{Denied, Extension, extension};
use crate::model::rules::{filled, set};
use crate::report::{Place, Report};

/// Reports the options; denies where one cannot be left out safely.
pub(super) fn protocol_options(options: &BTreeMap<String, Any>, report: &mut Report) -> Result<Denied, ClusterError> {
    let place = Place::ROOT;
    let place = place.field("typed_extension_protocol_options");
    let mut denied = Denied(false);
    for any in options.values() {
        denied = denied.or(match extension("upstream_protocol_options", any, &place, report)? {
            Extension::Passed(denied) => denied,
            Extension::Read(_, bytes, denied) => denied.or(http_options(bytes, denied, &place, report)?),
        });
    }
    Ok(denied)
}

/// The protocol, which must be chosen, and the filters that run between routing and the endpoint.
fn http_options(
    bytes: &bytes::Bytes,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Denied, ClusterError> {
    let options = HttpProtocolOptions::decode(bytes.clone())?;
    let protocol = set(options.upstream_protocol_options, place.field("upstream_protocol_options"))?;
    if let UpstreamProtocolOptions::ExplicitHttpConfig(config) = protocol
        && !scanned.0
    {
        set(config.protocol_config, place.field("explicit_http_config").field("protocol_config"))?;
    }
    let mut denied = Denied(false);
    for (index, filter) in options.http_filters.iter().enumerate().filter(|(_, filter)| !filter.disabled) {
        let place = place.item("http_filters", index);
        filled(&filter.name, place.field("name"))?;
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        denied = denied.or(extension("http_filter", config, &place, report)?.denied());
    }
    Ok(denied)
}
