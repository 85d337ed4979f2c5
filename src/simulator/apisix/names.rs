//! Lists of names of variables and headers.

/// Read before anything else happens to a request.
pub(super) const FIRST: [&str; 8] = [
    "scheme",
    "host",
    "uri",
    "real_request_uri",
    "request_uri",
    "http_x_forwarded_for",
    "request_method",
    "remote_addr",
];

/// Variables that are read anew each time.
pub(super) const UNCACHED: [&str; 3] = ["args", "is_args", "upstream_uri"];

/// Request headers of which nginx keeps one line.
pub(super) const SINGLE: [&str; 22] = [
    "Host",
    "Connection",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "If-Match",
    "If-None-Match",
    "User-Agent",
    "Referer",
    "Content-Type",
    "Range",
    "If-Range",
    "Transfer-Encoding",
    "Expect",
    "Upgrade",
    "Accept-Encoding",
    "Authorization",
    "Keep-Alive",
    "X-Real-IP",
    "Accept",
    "Accept-Language",
    "TE",
    "Date",
];

/// Variables of nginx and APISIX that exist at this point and are not modelled.
pub(super) const NOT_MODELLED: &[&str] = &[
    "apisix_request_id",
    "body_bytes_sent",
    "bytes_sent",
    "route_name",
    "service_id",
    "service_name",
    "status",
    "binary_remote_addr",
    "connection",
    "connection_requests",
    "connection_time",
    "document_root",
    "hostname",
    "msec",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_protocol_addr",
    "realip_remote_port",
    "realpath_root",
    "remote_port",
    "request",
    "request_body",
    "request_completion",
    "request_filename",
    "request_length",
    "request_line",
    "request_time",
    "server_name",
    "ssl_cipher",
    "ssl_client_escaped_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_verify",
    "ssl_protocol",
    "ssl_session_id",
    "time_iso8601",
    "time_local",
    "upstream_cache_key",
    "upstream_connection",
    "upstream_host",
    "upstream_mirror_host",
    "upstream_scheme",
    "upstream_upgrade",
];

/// Spelled in capitals a variable may or may not be found: that is not modelled either.
pub(super) fn is_known(name: &str) -> bool {
    NOT_MODELLED.contains(&name) || name.bytes().any(|byte| byte.is_ascii_uppercase())
}
