//! The variables that conditions and templates read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::consumer::Consumer;
use super::headers::{Lines, variable};
use super::names::{FIRST, SINGLE, UNCACHED, is_known};
use super::query::{self, Argument};
use super::received::Received;
use super::response::{Draft, Response};
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

/// What requests may ask about the whole configuration.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// The ids of all upstreams.
    pub(super) upstreams: BTreeSet<String>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) tls_port: Option<u16>,
}

/// One request as it stands, and the variables that conditions and templates read of it.
#[derive(Debug, Clone)]
pub(super) struct Vars {
    /// As it came in.
    pub(super) received: Arc<Received>,
    pub(super) method: String,
    /// nginx's `$uri`, which [`Vars::get`] only gives as it was at first.
    pub(super) path: Vec<u8>,
    pub(super) args: Vec<u8>,
    pub(super) headers: Lines,
    /// What goes into the request line upstream; empty: what came in.
    pub(super) upstream_uri: Vec<u8>,
    /// Known once a route matched.
    pub(super) route_id: Option<Arc<str>>,
    pub(super) common: Arc<Common>,
    /// What is known of the response.
    pub(super) response: Draft,
    /// The upstream's, once there is one.
    upstream: Option<Lines>,
    pub(super) upstream_status: Option<u16>,
    /// Request headers that another server decides.
    pub(super) open_headers: Vec<String>,
    /// Every variable that was read, by the spelling it was read with: APISIX reads most of them once.
    cache: RefCell<BTreeMap<String, Value>>,
}

impl Vars {
    /// The request as it reaches the router. Three forwarding headers are overwritten and one is removed.
    pub(super) fn new(received: Arc<Received>, common: Arc<Common>) -> Self {
        let mut vars = Self {
            method: received.request.method.clone(),
            path: received.target.path.clone(),
            args: received.target.args.clone(),
            headers: received.headers.clone(),
            upstream_uri: Vec::new(),
            route_id: None,
            common,
            response: Draft::default(),
            upstream: None,
            upstream_status: None,
            open_headers: Vec::new(),
            cache: RefCell::default(),
            received,
        };
        vars.headers.set("X-Forwarded-Proto", &[vars.scheme().into()]);
        let host = vars.headers.first("host").filter(|host| !host.is_empty());
        let host = host.unwrap_or(&vars.received.host).to_vec();
        vars.headers.set("X-Forwarded-Host", &[host]);
        vars.headers.set("X-Forwarded-Port", &[vars.forwarded_port()]);
        vars.headers.remove("Forwarded");
        for name in FIRST {
            // All of them are modelled.
            let _ = vars.get(name);
        }
        vars
    }

    /// The value of variable `name`; names that neither nginx nor APISIX knows are absent.
    pub(super) fn get(&self, name: &str) -> Result<Value, Stop> {
        if let Some(value) = self.cache.borrow().get(name) {
            return Ok(value.clone());
        }
        let value = self.read(name)?;
        if value != Value::Absent && !UNCACHED.contains(&name) {
            self.cache.borrow_mut().insert(name.into(), value.clone());
        }
        Ok(value)
    }

    /// The same as a text; absent variables are empty.
    pub(super) fn text(&self, name: &str) -> Result<Vec<u8>, Stop> {
        Ok(match self.get(name)? {
            Value::Text(text) => text,
            Value::True => b"true".to_vec(),
            Value::Absent => Vec::new(),
        })
    }

    fn read(&self, name: &str) -> Result<Value, Stop> {
        if let Some(rest) = name.strip_prefix("cookie_") {
            return self.open("cookie").map(|()| self.cookie(rest));
        }
        if let Some(rest) = name.strip_prefix("arg_") {
            return Ok(self.argument(rest));
        }
        if let Some(rest) = name.strip_prefix("http_") {
            let rest = variable(rest);
            return self.open(&rest).map(|()| self.headers.joined(&rest).into());
        }
        if let Some(rest) = name.strip_prefix("sent_http_") {
            return Ok(self.response.headers.joined(&variable(rest)).into());
        }
        if let Some(rest) = name.strip_prefix("upstream_http_") {
            return self.upstream_header(&variable(rest));
        }
        if name.starts_with("post_arg") || name.starts_with("graphql_") {
            return self.body(name);
        }
        self.plain(name)
    }

    /// Changes a header of the request. Only the variable of this very spelling notices.
    pub(super) fn set_header(&mut self, name: &str, values: &[Vec<u8>]) -> Result<(), Stop> {
        if name.eq_ignore_ascii_case("content-length") {
            return Err(Stop::not_modelled("a plugin that changes Content-Length"));
        }
        self.headers.set(name, values);
        self.cache.get_mut().remove(&format!("http_{}", name.to_ascii_lowercase()));
        Ok(())
    }

    /// Appends a header line; nginx keeps some headers singly, and what it does then is not recorded.
    pub(super) fn add_header(&mut self, name: &str, value: &[u8]) -> Result<(), Stop> {
        let single = SINGLE.iter().any(|single| single.eq_ignore_ascii_case(name));
        if single && self.headers.first(name).is_some() {
            return Err(Stop::not_modelled(format!("a second line of {name}")));
        }
        self.headers.add(name, value);
        self.cache.get_mut().remove(&format!("http_{}", name.to_ascii_lowercase()));
        Ok(())
    }

    /// What the upstream answered.
    pub(super) fn set_upstream_response(&mut self, response: &Response) {
        self.upstream = Some(Lines(response.headers.clone()));
        self.upstream_status = Some(response.status);
    }

    fn open(&self, header: &str) -> Result<(), Stop> {
        if self.open_headers.iter().any(|open| variable(open) == header) {
            return Err(Stop::not_modelled(format!("the header {header}, which the auth service decides")));
        }
        Ok(())
    }

    /// Before there is an upstream no such header is there. An absent one of an answer was only recorded
    /// for `Server`, and was there as an empty text.
    fn upstream_header(&self, name: &str) -> Result<Value, Stop> {
        let Some(lines) = &self.upstream else { return Ok(Value::Absent) };
        match lines.joined(name) {
            Some(value) => Ok(Value::Text(value)),
            None if name == "server" => Ok("".into()),
            None => Err(Stop::not_modelled(format!("upstream_http_{name} of an upstream that does not send it"))),
        }
    }

    fn plain(&self, name: &str) -> Result<Value, Stop> {
        let Received { request, target, host, .. } = self.received.as_ref();
        Ok(match name {
            "uri" | "document_uri" => Value::Text(self.path.clone()),
            "real_request_uri" => Value::Text(target.raw.clone()),
            "request_uri" => Value::Text(self.normalised_target()),
            // nginx knows no empty query: `/a?` is as good as `/a`.
            "args" | "query_string" => non_empty(&self.args),
            "is_args" => if self.args.is_empty() { "" } else { "?" }.into(),
            "host" => Value::Text(host.clone()),
            "request_method" | "method" => self.method.as_str().into(),
            "scheme" => self.scheme().into(),
            "https" => if request.tls { "on" } else { "" }.into(),
            "server_protocol" => request.version.as_str().into(),
            "server_port" => request.server_port.to_string().as_str().into(),
            "server_addr" => request.server_addr.to_string().as_str().into(),
            "realip_remote_addr" => request.peer.to_string().as_str().into(),
            "remote_addr" => self.remote_addr().as_str().into(),
            "content_type" => self.headers.joined("content_type").into(),
            "content_length" => self.headers.joined("content_length").into(),
            "ssl_server_name" => request.sni.clone().map(String::into_bytes).into(),
            "connection_original_dst" => request.original_dst.clone().map(String::into_bytes).into(),
            "upstream_uri" => Value::Text(self.upstream_uri.clone()),
            "route_id" => self.route_id.as_deref().map(|id| id.as_bytes().to_vec()).into(),
            "status" if self.response.status > 0 => self.response.status.to_string().as_str().into(),
            "upstream_status" => self.upstream_status.map(|status| status.to_string().into_bytes()).into(),
            // Known once there is an upstream, or a consumer.
            "balancer_ip" | "balancer_port" | "upstream_addr" | "upstream_response_time" if self.upstream.is_none() => {
                Value::Absent
            }
            "consumer_name" | "consumer_group_id" if self.route_id.is_none() => Value::Absent,
            "balancer_ip"
            | "balancer_port"
            | "upstream_addr"
            | "upstream_response_time"
            | "consumer_name"
            | "consumer_group_id" => return Err(Stop::not_modelled(format!("the variable {name}"))),
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

    /// The port of the Host header, else the one of the connection.
    fn forwarded_port(&self) -> Vec<u8> {
        let host = self.headers.first("host").unwrap_or_default();
        let port = host.rsplit(|&byte| byte == b':').next().unwrap_or_default();
        if port.len() < host.len() && !port.is_empty() && port.iter().all(u8::is_ascii_digit) {
            return port.to_vec();
        }
        self.received.request.server_port.to_string().into_bytes()
    }

    fn cookie(&self, name: &str) -> Value {
        let header = self.headers.joined("cookie").unwrap_or_default();
        query::cookie(&header, name).map(<[u8]>::to_vec).into()
    }

    /// Takes a parameter out of the query, which is written anew.
    pub(super) fn remove_argument(&mut self, name: &str) -> Result<(), Stop> {
        let kept = query::without(&self.args, name);
        self.args = kept.ok_or_else(|| Stop::not_modelled("a query written anew by Lua"))?;
        Ok(())
    }

    /// A query parameter.
    pub(super) fn argument(&self, name: &str) -> Value {
        match query::argument(&self.args, name) {
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

    pub(super) fn scheme(&self) -> &'static str {
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
