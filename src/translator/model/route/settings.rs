//! What a `RouteConfiguration` says for all of its virtual hosts.

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::route::v3 as wire;

use super::mirror::{self, MirrorError};
use super::overrides::{self, OverrideError};
use crate::diagnostic::Code;
use crate::model::findings::{Denied, scan};
use crate::model::headers::{HeaderListError, header_mutations};
use crate::report::{Place, Report};
use crate::table::Settings;
use crate::vars::header_variable;

/// `max_direct_response_body_size_bytes` where it is not set.
const LARGEST_BODY: u32 = 4096;
const SEVERAL_LINES: &str = "requests with this header in several lines, or with a comma and a space in it, are answered \
    503: which line comes first is not known";
const UNDERSCORES: &str = "header names with underscores are taken for those with dashes";
const ROUTE_CONFIGURATION: &str = "envoy.config.route.v3.RouteConfiguration";

/// Why a route configuration is refused before its virtual hosts are looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Filter configuration that cannot be read.
    #[error("{0}")]
    Override(#[from] OverrideError),
    /// Copies that Envoy does not take.
    #[error("{0}")]
    Mirror(#[from] MirrorError),
    /// No name of a header.
    #[error("vhost_header has a line break or a NUL")]
    HostHeader,
    /// Headers that Envoy does not take.
    #[error("{0}")]
    Headers(#[from] HeaderListError),
}

/// Scans an encoded route configuration, without its virtual hosts, and reads its settings.
pub(crate) fn scanned_settings(
    bytes: &[u8],
    config: &wire::RouteConfiguration,
    report: &mut Report,
) -> Result<Settings, SettingsError> {
    let denied = scan(ROUTE_CONFIGURATION, bytes, &Place::ROOT, report)?;
    settings(config, denied, &Place::ROOT, report)
}

/// The settings of a route configuration that has been scanned.
pub(crate) fn settings(
    config: &wire::RouteConfiguration,
    scanned: Denied,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Settings, SettingsError> {
    if config.validate_clusters == Some(true) {
        let why = "validate_clusters: routes to unknown clusters are answered as without it, and are not refused";
        report.add(Code::FieldApproximated, place.field("validate_clusters"), why);
    }
    let filters = overrides::convert(&config.typed_per_filter_config, place, report)?;
    let mutations = header_mutations!(config)?;
    let mirror = mirror::convert(&config.request_mirror_policies, place, report)?;
    let (host_variable, unseen) = host_variable(&config.vhost_header, place, report)?;
    Ok(Settings {
        mirror,
        host_variable,
        largest_body: config.max_direct_response_body_size_bytes.unwrap_or(LARGEST_BODY),
        ignore_port: config.ignore_port_in_host_matching,
        filters,
        ignore_path_parameters: config.ignore_path_parameters_in_path_matching,
        mutations,
        most_specific_wins: config.most_specific_header_mutations_wins,
        denied: scanned.0 || unseen.0,
    })
}

/// The variable of `vhost_header`; `None`: virtual hosts go by the host, or nothing is known of the header.
fn host_variable(
    name: &str,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Option<String>, Denied), SettingsError> {
    if name.contains(['\0', '\r', '\n']) {
        return Err(SettingsError::HostHeader);
    }
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "" | "host" | ":authority") {
        return Ok((None, Denied(false)));
    }
    let place = place.field("vhost_header");
    match header_variable(&lower) {
        Ok(var) if var != "http_cookie" => {
            report.add(Code::RouteDenied, place, SEVERAL_LINES);
            if lower.contains(['-', '_']) {
                report.add(Code::MatcherApproximated, place, UNDERSCORES);
            }
            Ok((Some(var), Denied(false)))
        }
        Ok(_) => {
            report.add(Code::RouteDenied, place, "virtual hosts cannot go by cookies: every route answers 503");
            Ok((None, Denied(true)))
        }
        Err(error) => {
            report.add(Code::RouteDenied, place, format!("{error}: every route answers 503"));
            Ok((None, Denied(true)))
        }
    }
}
