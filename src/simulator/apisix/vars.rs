//! The variables that conditions and templates read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::query::{self, Argument};
use super::received::Received;
use super::stop::Stop;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Lua's nil.
    Absent,
    /// A query parameter without `=`.
    True,
    Text(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Value {
    fn from(text: Option<Vec<u8>>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// The variables of one request, before it goes to an upstream.
pub(super) struct Vars<'r> {
    pub(super) received: &'r Received<'r>,
    /// Known once a route matched.
    pub(super) route_id: Option<&'r str>,
}

/// Variables of nginx and APISIX that exist at this point and are not modelled.
const NOT_MODELLED: &[&str] = &[
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

impl Vars<'_> {
    /// The value of variable `name`; names that neither nginx nor APISIX knows are absent.
    pub(super) fn get(&self, name: &str) -> Result<Value, Stop> {
        if let Some(rest) = name.strip_prefix("cookie_") {
            return Ok(self.cookie(rest));
        }
        if let Some(rest) = name.strip_prefix("arg_") {
            return Ok(self.argument(rest));
        }
        if let Some(rest) = name.strip_prefix("http_") {
            return Ok(self.header(&rest.to_ascii_lowercase().replace('-', "_")));
        }
        if name.starts_with("post_arg") || name.starts_with("graphql_") {
            return self.body(name);
        }
        self.plain(name)
    }

    fn plain(&self, name: &str) -> Result<Value, Stop> {
        let Received { request, target, host, .. } = self.received;
        Ok(match name {
            "uri" | "document_uri" => Value::Text(target.path.clone()),
            "real_request_uri" => Value::Text(target.raw.clone()),
            "request_uri" => Value::Text(self.normalised_target()),
            // nginx knows no empty query: `/a?` is as good as `/a`.
            "args" | "query_string" => non_empty(&target.args),
            "is_args" => if target.args.is_empty() { "" } else { "?" }.into(),
            "host" => Value::Text(host.clone()),
            "request_method" | "method" => request.method.as_str().into(),
            "scheme" => self.scheme().into(),
            "https" => if request.tls { "on" } else { "" }.into(),
            "server_protocol" => request.version.as_str().into(),
            "server_port" => request.server_port.to_string().as_str().into(),
            "server_addr" => request.server_addr.to_string().as_str().into(),
            "realip_remote_addr" => request.peer.to_string().as_str().into(),
            "remote_addr" => self.remote_addr().as_str().into(),
            "content_type" => self.header("content_type"),
            "content_length" => self.header("content_length"),
            "ssl_server_name" => request.sni.clone().map(String::into_bytes).into(),
            "connection_original_dst" => request.original_dst.clone().map(String::into_bytes).into(),
            // Set by proxy-rewrite, after everything that the model reads it for.
            "upstream_uri" => "".into(),
            "route_id" => self.route_id.map(|id| id.as_bytes().to_vec()).into(),
            "request_id" => match &request.request_id {
                Some(id) => id.as_str().into(),
                None => return Err(Stop::not_modelled("the random request_id is not given")),
            },
            name if is_known(name) => {
                return Err(Stop::not_modelled(format!("the variable {name}")));
            }
            _ => Value::Absent,
        })
    }

    /// `$http_…`. Three forwarding headers are overwritten and one is removed on every request.
    fn header(&self, name: &str) -> Value {
        let received = self.received;
        match name {
            "x_forwarded_proto" => self.scheme().into(),
            "x_forwarded_host" => match received.header("host") {
                Some(host) if !host.is_empty() => Value::Text(host),
                _ => Value::Text(received.host.clone()),
            },
            "x_forwarded_port" => self.forwarded_port(),
            "forwarded" => Value::Absent,
            _ => received.header(name).into(),
        }
    }

    /// The port of the Host header, else the one of the connection.
    fn forwarded_port(&self) -> Value {
        let host = self.received.header("host").unwrap_or_default();
        let port = host.rsplit(|&byte| byte == b':').next().unwrap_or_default();
        if port.len() < host.len() && !port.is_empty() && port.iter().all(u8::is_ascii_digit) {
            return Value::Text(port.to_vec());
        }
        self.received.request.server_port.to_string().as_str().into()
    }

    fn cookie(&self, name: &str) -> Value {
        let header = self.received.header("cookie").unwrap_or_default();
        query::cookie(&header, name).map(<[u8]>::to_vec).into()
    }

    fn argument(&self, name: &str) -> Value {
        match query::argument(&self.received.target.args, name) {
            None => Value::Absent,
            Some(Argument::Bare) => Value::True,
            Some(Argument::Text(text)) => Value::Text(text),
        }
    }

    /// Variables that read the body, which the model does not have: absent where the body would
    /// not be read.
    fn body(&self, name: &str) -> Result<Value, Stop> {
        let content_type = self.received.header("content_type").unwrap_or_default();
        let form = content_type.starts_with(b"application/x-www-form-urlencoded");
        let read = match name {
            _ if name.starts_with("post_arg_") => form,
            _ if name.starts_with("post_arg.") => self.received.header("content_length").is_some(),
            _ => match self.received.request.method.as_str() {
                "GET" => self.argument("query") != Value::Absent,
                "POST" => true,
                _ => false,
            },
        };
        if read {
            return Err(Stop::not_modelled(format!("the variable {name}, which reads the body")));
        }
        Ok(Value::Absent)
    }

    fn scheme(&self) -> &'static str {
        if self.received.request.tls { "https" } else { "http" }
    }

    /// `X-Real-IP`, with or without a port, is believed when the peer is 127.0.0.1.
    pub(super) fn remote_addr(&self) -> String {
        let peer = self.received.request.peer;
        let claimed = self.received.header("x_real_ip").and_then(|text| address(&text));
        let believed = claimed.filter(|_| peer == Ipv4Addr::LOCALHOST);
        believed.unwrap_or(peer).to_string()
    }

    fn normalised_target(&self) -> Vec<u8> {
        let target = &self.received.target;
        let mut text = target.path.clone();
        if !target.args.is_empty() {
            text.push(b'?');
            text.extend_from_slice(&target.args);
        }
        text
    }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(with_port)
}

fn non_empty(text: &[u8]) -> Value {
    (!text.is_empty()).then(|| text.to_vec()).into()
}

/// Spelled in capitals a variable may or may not be found: that is not modelled either.
fn is_known(name: &str) -> bool {
    NOT_MODELLED.contains(&name) || name.bytes().any(|byte| byte.is_ascii_uppercase())
}
