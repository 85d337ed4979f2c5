//! The HTTP connection manager.

use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, StripPortMode,
};
use bytes::Bytes;
use prost::Message as _;

use super::scope::{self, Scope, ScopeError};
use super::{ClientAddress, HttpSettings, Ports, RouteSource};
use crate::diagnostic::Code;
use crate::model::filter::{FilterError, Filters, installed};
use crate::model::findings::Denied;
use crate::model::rules::{RuleError, defined, filled, set};
use crate::report::{Place, Report};

/// Why Envoy would refuse a connection manager.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// A filter that Envoy would refuse.
    #[error("http_filters[{0}]: {1}")]
    Filter(usize, FilterError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// No routes of any kind.
    #[error("route_specifier is not set: one of rds, route_config, scoped_routes is needed")]
    NoRoutes,
    /// RDS without a name.
    #[error("rds.route_config_name is empty")]
    UnnamedRoutes,
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// Scopes that Envoy would refuse.
    #[error("scoped_routes: {0}")]
    Scope(#[from] ScopeError),
    /// Both ways to cut ports off.
    #[error("strip_matching_host_port and strip_any_host_port are both set")]
    BothStripped,
}

/// What is read of a connection manager.
pub(super) struct Manager {
    /// For requests without a scope, where there are some.
    pub(super) routes: RouteSource,
    pub(super) scopes: Vec<Scope>,
    pub(super) denied: Denied,
    pub(super) settings: HttpSettings,
    pub(super) filters: Filters,
}

/// Decodes and validates a connection manager that has been scanned. `denied`: it cannot be used safely as it is.
pub(super) fn convert(
    bytes: &Bytes,
    mut denied: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Manager, HttpError> {
    let manager = wire::HttpConnectionManager::decode(bytes.clone())?;
    filled(&manager.stat_prefix, "stat_prefix")?;
    defined::<CodecType>(manager.codec_type, "codec_type")?;
    if manager.strip_matching_host_port && ports(&manager) == Ports::Ignored {
        return Err(HttpError::BothStripped);
    }
    let client_cert_details: ForwardClientCertDetails =
        defined(manager.forward_client_cert_details, "forward_client_cert_details")?;
    let filters = installed(&manager.http_filters, denied.0, place, report);
    let filters = filters.map_err(|(index, error)| HttpError::Filter(index, error))?;
    let settings = HttpSettings {
        ports: ports(&manager),
        strips_client_cert: client_cert_details != ForwardClientCertDetails::AlwaysForwardOnly,
        rejects_escaped_slashes: manager.path_with_escaped_slashes_action()
            == PathWithEscapedSlashesAction::RejectRequest,
        websocket: websocket(&manager, place, report),
        client: client(&manager),
    };
    let mut scopes = Vec::new();
    let routes = match manager.route_specifier {
        Some(RouteSpecifier::Rds(rds)) if rds.route_config_name.is_empty() => return Err(HttpError::UnnamedRoutes),
        Some(RouteSpecifier::Rds(rds)) => {
            if !rds.route_config_name.starts_with(XDSTP) {
                set(rds.config_source, "rds.config_source")?;
            }
            RouteSource::Named(rds.route_config_name)
        }
        Some(RouteSpecifier::RouteConfig(config)) => RouteSource::Inline(Box::new(config)),
        // The one that is set is not read, which the scan has reported.
        None | Some(RouteSpecifier::ScopedRoutes(_)) if denied.0 => RouteSource::Nowhere,
        Some(RouteSpecifier::ScopedRoutes(config)) => {
            let told = scope::convert(config, place, report)?;
            denied = denied.or(Denied(told.is_none()));
            scopes = told.unwrap_or_default();
            RouteSource::Inline(Box::default())
        }
        None => return Err(HttpError::NoRoutes),
    };
    if denied.0 {
        report.add(Code::ListenerDenied, place, "all requests to this filter chain are answered 503");
    } else {
        report.add(Code::PathNormalised, place, PATHS);
        report.add(Code::GatewayManners, place, MANNERS);
    }
    Ok(Manager { routes, scopes, denied, settings, filters: Filters::Known(filters.into()) })
}

const MANNERS: &str = "nginx sets server, date, x-real-ip, x-forwarded-* and with a status of 5xx \
    x-apisix-upstream-status itself, goes by the connection's scheme where Envoy goes by x-forwarded-proto, drops \
    expect and headers with other characters than letters, digits, - and _ in their names, passes proxy-connection \
    on, joins repeated header lines and refuses a second line of authorization, expect, content-range and \
    conditional headers, names the character set of texts (charset=utf-8, unless nginx_config.http.charset is off), \
    writes hosts in redirects in lower case, has pages of its own for errors of its own, answers gRPC clients with \
    the plain status where Envoy's own answers are 200 with grpc-status, refuses TRACE, and routes methods and bytes \
    in paths that Envoy answers with 400 and upgrades that Envoy answers with 403";

const PATHS: &str = "APISIX matches on the path after decoding %-escapes, resolving dot segments and merging slashes, and \
    on the host without a trailing dot, and reads hosts in its own way that are no plain names with at most one plain \
    port; requests that have none of these are matched exactly as by Envoy";

/// Names that say themselves where the resource is found.
const XDSTP: &str = "xdstp:";

fn client(manager: &wire::HttpConnectionManager) -> ClientAddress {
    if manager.xff_num_trusted_hops > 0 || !manager.original_ip_detection_extensions.is_empty() {
        return ClientAddress::Elsewhere;
    }
    let from_peer = manager.use_remote_address.unwrap_or(false);
    if from_peer { ClientAddress::Peer } else { ClientAddress::ForwardedFor }
}

fn websocket(manager: &wire::HttpConnectionManager, place: &Place<'_>, report: &mut Report) -> bool {
    let mut websocket = false;
    for (index, config) in manager.upgrade_configs.iter().enumerate() {
        if config.upgrade_type.eq_ignore_ascii_case("websocket") {
            websocket = config.enabled.unwrap_or(true);
        } else {
            let why = format!("upgrades to {:?} are not done", config.upgrade_type);
            report.add(Code::FieldIgnored, place.item("upgrade_configs", index), why);
        }
    }
    websocket
}

fn ports(manager: &wire::HttpConnectionManager) -> Ports {
    match manager.strip_port_mode {
        Some(StripPortMode::StripAnyHostPort(true)) => Ports::Ignored,
        _ if manager.strip_matching_host_port => Ports::OwnIgnored,
        _ => Ports::Compared,
    }
}
