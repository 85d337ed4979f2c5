//! The HTTP connection manager.

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, StripPortMode,
};
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use bytes::Bytes;
use prost::Message as _;

use super::{HttpSettings, Ports, RouteSource};
use crate::diagnostic::Code;
use crate::model::findings::{Denied, extension};
use crate::report::{Place, Report};

/// Why Envoy would refuse a connection manager.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// A filter that is not the message it should be.
    #[error("http_filters: {0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// No routes of any kind.
    #[error("route_specifier is not set: one of rds, route_config, scoped_routes is needed")]
    NoRoutes,
    /// RDS without a name.
    #[error("rds.route_config_name is empty")]
    UnnamedRoutes,
}

/// What is read of a connection manager.
pub(super) struct Manager {
    pub(super) routes: RouteSource,
    pub(super) denied: Denied,
    pub(super) settings: HttpSettings,
}

/// Decodes and validates a connection manager that has been scanned. `denied`: it cannot be used safely as it is.
pub(super) fn convert(
    bytes: &Bytes,
    denied: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Manager, HttpError> {
    let manager = wire::HttpConnectionManager::decode(bytes.clone())?;
    let denied = denied.or(filters(&manager, place, report)?);
    let settings = HttpSettings {
        ports: ports(&manager),
        strips_client_cert: manager.forward_client_cert_details() != ForwardClientCertDetails::AlwaysForwardOnly,
        rejects_escaped_slashes: manager.path_with_escaped_slashes_action()
            == PathWithEscapedSlashesAction::RejectRequest,
    };
    let routes = match manager.route_specifier {
        Some(RouteSpecifier::Rds(rds)) if rds.route_config_name.is_empty() => return Err(HttpError::UnnamedRoutes),
        Some(RouteSpecifier::Rds(rds)) => RouteSource::Named(rds.route_config_name),
        Some(RouteSpecifier::RouteConfig(config)) => RouteSource::Inline(Box::new(config)),
        // The one that is set is not read, which the scan has reported.
        None if denied.0 => RouteSource::Nowhere,
        None => return Err(HttpError::NoRoutes),
    };
    if denied.0 {
        report.add(Code::ListenerDenied, place, "all requests to this filter chain are answered 503");
    } else {
        report.add(Code::PathNormalised, place, PATHS);
    }
    Ok(Manager { routes, denied, settings })
}

const PATHS: &str = "APISIX matches on the path after decoding %-escapes, resolving dot segments and merging slashes, and \
    on the host without a trailing dot; requests that have none of these are matched exactly as by Envoy";

fn filters(manager: &wire::HttpConnectionManager, place: &Place<'_>, report: &mut Report) -> Result<Denied, WireError> {
    let mut denied = Denied(false);
    for (index, filter) in manager.http_filters.iter().enumerate().filter(|(_, filter)| !filter.disabled) {
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        let place = place.item("http_filters", index);
        denied = denied.or(extension("http_filter", config, &place, report)?.denied());
    }
    Ok(denied)
}

fn ports(manager: &wire::HttpConnectionManager) -> Ports {
    match manager.strip_port_mode {
        Some(StripPortMode::StripAnyHostPort(true)) => Ports::Ignored,
        _ if manager.strip_matching_host_port => Ports::OwnIgnored,
        _ => Ports::Compared,
    }
}
