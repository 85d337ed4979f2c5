//! Responses: what nginx and the plugins make of them on the way back.

use std::sync::Arc;

use super::exchange::Exchange;
use super::headers::Lines;
use super::number::tonumber;
use super::page::error_page;
use super::plugin::Phase;
use super::plugins::Instance;
use super::stop::Stop;

/// A response: an upstream's, or what a client gets. Header lines that frame the body or name the
/// time (`Content-Length`, `Transfer-Encoding`, `Connection`, `Date`) need not be given and are not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The header lines in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body. Compression is told by the headers only.
    pub body: Vec<u8>,
}

/// What happens to the response of an upstream, and the state of the request that it depends on.
#[derive(Debug, Clone)]
pub struct ResponseFilters {
    pub(super) exchange: Exchange,
    pub(super) plugins: Vec<(bool, Arc<Instance>)>,
    pub(super) global_not_modelled: Option<String>,
}

impl ResponseFilters {
    /// What the client gets when the upstream answers this. The error says what is not modelled.
    pub fn apply(&self, upstream: &Response) -> Result<Response, String> {
        let mut exchange = self.exchange.clone();
        exchange.vars.set_upstream_response(upstream);
        exchange.vars.response.status = upstream.status;
        let lines = upstream.headers.iter().filter(|(name, _)| !is_hidden(name));
        exchange.vars.response.headers.0.extend(lines.cloned());
        exchange.vars.response.body.clone_from(&upstream.body);
        exchange.vars.response.has_length = true;
        if (500..600).contains(&upstream.status) {
            let status = upstream.status.to_string().into_bytes();
            exchange.vars.response.headers.set("X-APISIX-Upstream-Status", &[status]);
        }
        let is_head = exchange.vars.received.request.method == "HEAD";
        let filters = Self { exchange, ..self.clone() };
        let mut draft = filters.run().map_err(|stop| match stop {
            Stop::NotModelled(what) => what,
            Stop::Raised(why) => format!("a Lua error on the way back: {why}"),
        })?;
        if is_head || matches!(draft.status, 204 | 304) {
            draft.body.clear();
        }
        Ok(Response { status: draft.status, headers: draft.headers.0, body: draft.body })
    }

    /// What the client gets when no upstream answered: nginx's status for each try, 502 or 504. A last 0
    /// says that there was no further node, or no more time, for another one.
    pub fn failed(&self, tries: &[u16]) -> Result<Response, String> {
        let mut exchange = self.exchange.clone();
        let gave_up = tries.last() == Some(&0);
        let told: Vec<String> = tries.iter().filter(|&&status| status > 0).map(ToString::to_string).collect();
        let told = told.join(", ") + if gave_up { " :" } else { "" };
        let status = if gave_up { 502 } else { tries.last().copied().unwrap_or(502) };
        let draft = &mut exchange.vars.response;
        draft.begin(status, None, "");
        draft.headers.set("X-APISIX-Upstream-Status", &[told.into_bytes()]);
        let filters = Self { exchange, ..self.clone() };
        let draft = filters.run().map_err(|stop| format!("{stop:?}"))?;
        Ok(Response { status: draft.status, headers: draft.headers.0, body: draft.body })
    }

    /// Lets the plugins see the response that is in the exchange.
    pub(super) fn run(self) -> Result<Draft, Stop> {
        if let Some(what) = &self.global_not_modelled {
            return Err(Stop::not_modelled(what));
        }
        let mut exchange = self.exchange;
        exchange.vars.response.headers.set("Server", &[SERVER.into()]);
        for (global, instance) in &self.plugins {
            exchange.run(*global, instance, Phase::Response)?;
        }
        let is_own = exchange.vars.upstream_status != Some(exchange.vars.response.status);
        let mut response = exchange.vars.response;
        if is_own && matches!(response.status, 204 | 304) {
            response.headers.remove("Content-Type");
        }
        add_charset(&mut response);
        response.compress();
        Ok(response)
    }
}

/// What APISIX writes into `Server`.
const SERVER: &str = "APISIX/3.18.0";

/// Headers of upstreams that nginx keeps to itself.
fn is_hidden(name: &str) -> bool {
    const HIDDEN: [&str; 6] = ["Server", "X-Pad", "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length"];
    HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) || name.to_ascii_lowercase().starts_with("x-accel-")
}

/// Response headers of which nginx keeps one line.
const SINGLE: [&str; 11] = [
    "Accept-Ranges",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Refresh",
    "Server",
];

/// A response on its way through the plugins.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// 0 before there is one.
    pub(super) status: u16,
    pub(super) headers: Lines,
    pub(super) body: Vec<u8>,
    /// Whether the length of the body goes ahead of it.
    pub(super) has_length: bool,
    /// The body is nginx's page for the status.
    pub(super) is_page: bool,
    /// gzip shall compress it.
    pub(super) gzip: bool,
}

impl Draft {
    /// An answer by the gateway begins: with a body, or with nginx's page for the status. `usual` is the
    /// media type of what names none.
    pub(super) fn begin(&mut self, status: u16, body: Option<Vec<u8>>, usual: &str) {
        self.status = status;
        self.is_page = body.is_none();
        self.has_length = self.is_page;
        let page = error_page(status).into_bytes();
        let usual = match body {
            None if status >= 300 && page.is_empty() => return,
            None if status >= 300 => "text/html",
            _ => usual,
        };
        if (self.is_page && status >= 300) || self.headers.first("Content-Type").is_none() {
            self.headers.set("Content-Type", &[usual.into()]);
        }
        self.body = body.unwrap_or(page);
    }

    /// Sets a header as Lua does: `_` stands for `-`. `WWW-Authenticate` only ever gets more lines.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) {
        if !name.eq_ignore_ascii_case("WWW-Authenticate") {
            self.headers.set(&name.replace('_', "-"), &[value.to_vec()]);
        } else if !value.is_empty() {
            self.headers.add(name, value);
        }
    }

    /// Adds a line as Lua does: an empty one is none, and some headers have one line at most.
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        if SINGLE.iter().any(|single| single.eq_ignore_ascii_case(name)) {
            self.set(name, value);
        } else if !value.is_empty() {
            self.headers.add(name, value);
        }
    }

    /// `Content-Length`, where it is known: a body is known as a whole unless it is sent in pieces.
    pub(super) fn length(&self) -> Option<f64> {
        let told = self.headers.first("Content-Length").and_then(tonumber);
        told.or_else(|| self.has_length.then(|| u32::try_from(self.body.len()).map(f64::from).ok()).flatten())
    }

    /// After a change of the body these do not hold any more.
    pub(super) fn forget_body_headers(&mut self) {
        self.has_length = false;
        self.is_page = false;
        for name in ["Content-Length", "Content-Encoding", "Last-Modified", "ETag"] {
            self.headers.remove(name);
        }
    }

    /// nginx compresses these statuses, and nothing that is encoded already.
    fn compress(&mut self) {
        if self.gzip && matches!(self.status, 200 | 403 | 404) && self.headers.first("Content-Encoding").is_none() {
            self.headers.add("Content-Encoding", b"gzip");
            self.headers.remove("Accept-Ranges");
            if let Some(etag) = self.headers.first("ETag").filter(|etag| etag.starts_with(b"\"")) {
                let weak = [b"W/", etag].concat();
                self.headers.set("ETag", &[weak]);
            }
        }
    }
}

/// `charset utf-8` of nginx: text without a charset gets one, except in redirects with 301 and 302.
fn add_charset(response: &mut Draft) {
    const TYPES: [&[u8]; 6] = [
        b"text/html",
        b"text/xml",
        b"text/plain",
        b"text/vnd.wap.wml",
        b"application/javascript",
        b"application/rss+xml",
    ];
    let Some(media_type) = response.headers.first("Content-Type").map(<[u8]>::to_ascii_lowercase) else { return };
    let encoded = response.headers.first("Content-Encoding").is_some();
    if TYPES.contains(&media_type.as_slice()) && !encoded && !matches!(response.status, 301 | 302) {
        let with_charset = [response.headers.first("Content-Type").unwrap_or_default(), b"; charset=utf-8"].concat();
        response.headers.set("Content-Type", &[with_charset]);
    }
}
