//! `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.

use std::collections::BTreeMap;

use super::action::upgrades;
use super::filters::Filter;
use super::object::{Object, Read};
use super::routes::RouteTable;
use super::scopes::Scopes;

/// A connection manager.
#[expect(clippy::struct_excessive_bools, reason = "as many independent options as Envoy has")]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manager {
    pub(super) routes: Routes,
    pub(super) filters: Vec<Filter>,
    pub(super) strip_ports: Ports,
    pub(super) strip_trailing_dot: bool,
    pub(super) normalize_path: bool,
    pub(super) merge_slashes: bool,
    pub(super) escaped_slashes: EscapedSlashes,
    pub(super) use_remote_address: bool,
    /// Some clients count as internal, which decides on their `x-envoy-*` headers; which, is not followed.
    pub(super) may_be_internal: bool,
    pub(super) rejects_underscores: bool,
    pub(super) drops_underscores: bool,
    pub(super) upgrades: BTreeMap<String, bool>,
    pub(super) not_modelled: Option<String>,
}

/// Where the routes are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Routes {
    Inline(Box<RouteTable>),
    Named(String),
    Scoped(Scopes),
}

/// Which ports of the host header are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    Keep,
    /// That of the connection.
    StripMatching,
    StripAny,
}

/// What becomes of `%2F` and `%5C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EscapedSlashes {
    Keep,
    Reject,
    UnescapeAndRedirect,
    UnescapeAndForward,
}

/// What counts, logs and traces, limits of size and time, and headers that Envoy sets for itself.
const IGNORED: [&str; 37] = [
    "@type",
    "access_log",
    "access_log_flush_interval",
    "access_log_options",
    "add_user_agent",
    "always_set_request_id_in_response",
    "append_local_overload",
    "append_x_forwarded_port",
    "codec_type",
    "delayed_close_timeout",
    "drain_timeout",
    "flush_access_log_on_new_request",
    "forward_client_cert_details",
    "generate_request_id",
    "http1_safe_max_connection_duration",
    "http2_protocol_options",
    "http3_protocol_options",
    "max_request_headers_kb",
    "preserve_external_request_id",
    "proxy_100_continue",
    "proxy_status_config",
    "request_headers_timeout",
    "request_id_extension",
    "request_timeout",
    "server_header_transformation",
    "server_name",
    "set_current_client_cert_details",
    "skip_xff_append",
    "stat_prefix",
    "stream_error_on_invalid_http_message",
    "stream_flush_timeout",
    "stream_idle_timeout",
    "tracing",
    "typed_header_validation_config",
    "xff_num_trusted_hops",
    "path_normalization_options",
    "represent_ipv4_remote_address_as_ipv4_mapped_ipv6",
];

const ESCAPED_SLASHES: [&str; 5] = [
    "IMPLEMENTATION_SPECIFIC_DEFAULT",
    "KEEP_UNCHANGED",
    "REJECT_REQUEST",
    "UNESCAPE_AND_REDIRECT",
    "UNESCAPE_AND_FORWARD",
];

impl Manager {
    pub(super) fn read(manager: &Object) -> Read<Self> {
        manager.ignore(&IGNORED);
        let underscores = underscores(manager)?;
        if let Some(http1) = manager.object("http_protocol_options")? {
            http1.ignore(&["header_key_format", "enable_trailers", "allow_chunked_length"]);
            // For HTTP/1.0, in which no request comes.
            http1.ignore(&["accept_http_10", "default_host_for_http_10"]);
        }
        let escaped_slashes = match manager.choice("path_with_escaped_slashes_action", &ESCAPED_SLASHES)? {
            "REJECT_REQUEST" => EscapedSlashes::Reject,
            "UNESCAPE_AND_REDIRECT" => EscapedSlashes::UnescapeAndRedirect,
            "UNESCAPE_AND_FORWARD" => EscapedSlashes::UnescapeAndForward,
            _ => EscapedSlashes::Keep,
        };
        Ok(Self {
            routes: Routes::read(manager)?,
            filters: Filter::read_all(manager)?,
            strip_ports: ports(manager)?,
            strip_trailing_dot: manager.flag("strip_trailing_host_dot")?,
            normalize_path: manager.flag("normalize_path")?,
            merge_slashes: manager.flag("merge_slashes")?,
            escaped_slashes,
            use_remote_address: manager.flag("use_remote_address")?,
            may_be_internal: internal(manager)?,
            rejects_underscores: underscores == "REJECT_REQUEST",
            drops_underscores: underscores == "DROP_HEADER",
            upgrades: upgrades(manager)?,
            not_modelled: manager.unread(),
        })
    }
}

fn internal(manager: &Object) -> Read<bool> {
    let config = manager.object("internal_address_config")?;
    Ok(config.inspect(Object::ignore_all).is_some())
}

fn ports(manager: &Object) -> Read<Ports> {
    Ok(match (manager.flag("strip_any_host_port")?, manager.flag("strip_matching_host_port")?) {
        (true, _) => Ports::StripAny,
        (false, true) => Ports::StripMatching,
        (false, false) => Ports::Keep,
    })
}

fn underscores(manager: &Object) -> Read<&'static str> {
    let Some(options) = manager.object("common_http_protocol_options")? else { return Ok("ALLOW") };
    options.ignore(&["idle_timeout", "max_connection_duration", "max_headers_count", "max_stream_duration"]);
    options.ignore(&["max_response_headers_kb", "max_requests_per_connection"]);
    options.choice("headers_with_underscores_action", &["ALLOW", "REJECT_REQUEST", "DROP_HEADER"])
}

impl Routes {
    /// The route configurations that stand in the connection manager.
    pub(super) fn inline(&self) -> Vec<&RouteTable> {
        match self {
            Self::Inline(table) => vec![table.as_ref()],
            Self::Named(_) => Vec::new(),
            Self::Scoped(scopes) => scopes.tables().collect(),
        }
    }

    fn read(manager: &Object) -> Read<Self> {
        if let Some(routes) = manager.object("route_config")? {
            return RouteTable::read(&routes).map(Box::new).map(Self::Inline);
        }
        if let Some(rds) = manager.object("rds")? {
            rds.ignore(&["config_source"]);
            return Ok(Self::Named(rds.text("route_config_name")?.into()));
        }
        if let Some(scoped) = manager.object("scoped_routes")? {
            return Scopes::read(&scoped).map(Self::Scoped);
        }
        Err(manager.refuse("", "route_specifier: is required"))
    }
}
