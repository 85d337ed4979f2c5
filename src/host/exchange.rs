//! One request as nginx holds it while the module works on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::Crash;
use crate::http::{Header, HttpReply, HttpRequest, UpstreamRequest};
use crate::variables::Variables;

/// Headers of which nginx keeps one: adding replaces.
const SINGLE_RESPONSE_HEADERS: &[&str] =
    &["content-type", "content-length", "content-encoding", "server", "date", "location", "last-modified", "etag"];

/// Whether the module may still hold up the request.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Request,
    Response,
}

/// The reply of the request's last HTTP call.
pub(crate) struct Reply {
    /// In lower case, `:status` last.
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Bytes,
    /// Its callback is running. Afterwards nginx holds pointers to freed memory.
    live: bool,
}

/// An HTTP call that waits to be sent.
pub(crate) struct Callout {
    pub(crate) upstream: String,
    /// None: the module gave no map at all, which nginx does not survive.
    pub(crate) headers: Option<Vec<u8>>,
    pub(crate) body: Bytes,
    pub(crate) timeout_ms: u32,
    pub(crate) token: u32,
}

/// The default stands in where the real one has been lent to the module.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(crate) phase: Phase,
    pub(crate) request: HttpRequest,
    /// The module's `:path`; what it reads back is still the original target.
    pub(crate) rewritten_path: Option<String>,
    /// 0 until a response exists.
    pub(crate) response_status: u16,
    pub(crate) response_headers: Vec<Header>,
    pub(crate) variables: Option<Arc<dyn Variables>>,
    /// Variables that the module set.
    pub(crate) assigned: BTreeMap<String, Vec<u8>>,
    pub(crate) callout: Option<Callout>,
    /// None before any call, and after one that failed.
    reply: Option<Reply>,
}

impl Exchange {
    pub(crate) fn new(mut request: HttpRequest, variables: Arc<dyn Variables>) -> Self {
        neutralise_forwarded(&mut request, variables.as_ref());
        Self { request, variables: Some(variables), ..Self::default() }
    }

    pub(crate) fn host(&self) -> Option<&[u8]> {
        self.request.headers.iter().find(|header| header.is("host")).map(|header| header.value.as_slice())
    }

    /// Begins the callback of an HTTP call; returns the number of headers and the size of the body
    /// it announces.
    pub(crate) fn receive(&mut self, reply: Option<HttpReply>) -> (usize, usize) {
        self.reply = reply.map(|reply| {
            let lower = |header: Header| Header::new(header.name.to_ascii_lowercase(), header.value);
            let mut headers: Vec<Header> = reply.headers.into_iter().map(lower).collect();
            headers.push(Header::new(":status", reply.status.to_string()));
            Reply { headers, body: reply.body, live: true }
        });
        self.reply.as_ref().map_or((0, 0), |reply| (reply.headers.len(), reply.body.len()))
    }

    /// Ends the callback of an HTTP call.
    pub(crate) fn end_reply(&mut self) {
        if let Some(reply) = &mut self.reply {
            reply.live = false;
        }
    }

    /// What the module can read of the last reply.
    pub(crate) fn reply(&self, strict: bool) -> Result<Option<&Reply>, Crash> {
        match &self.reply {
            Some(reply) if strict && !reply.live => Err(Crash::StaleReply),
            reply => Ok(reply.as_ref()),
        }
    }

    /// Takes the value of a variable that asks for a body callback; true if it was not empty.
    pub(crate) fn take_flag(&mut self, variable: &str) -> bool {
        self.assigned.remove(variable).is_some_and(|value| !value.is_empty())
    }

    /// Sets, adds to or (with an empty value) removes a response header.
    pub(crate) fn set_response_header(&mut self, name: &str, value: &[u8], replace: bool) {
        let single = SINGLE_RESPONSE_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        change(&mut self.response_headers, name, value, replace || single);
    }

    /// Sets, adds to or (with an empty value) removes a request header.
    pub(crate) fn set_request_header(&mut self, name: &str, value: &[u8], replace: bool) {
        let single = name.eq_ignore_ascii_case("host");
        change(&mut self.request.headers, name, value, replace || single);
    }

    pub(crate) fn into_upstream(self) -> UpstreamRequest {
        UpstreamRequest {
            method: self.request.method,
            target: self.rewritten_path.map_or(self.request.target, |path| escape_path(&path)),
            headers: self.request.headers,
            response_headers: self.response_headers,
        }
    }
}

fn change(headers: &mut Vec<Header>, name: &str, value: &[u8], replace: bool) {
    if replace {
        headers.retain(|header| !header.is(name));
    }
    if !value.is_empty() {
        headers.push(Header::new(name, value));
    }
}

/// APISIX replaces these headers before any plugin runs, whatever the client sent.
fn neutralise_forwarded(request: &mut HttpRequest, variables: &dyn Variables) {
    let host = request.headers.iter().find(|header| header.is("host")).map(|header| header.text().into_owned());
    let host = host.unwrap_or_default();
    let port = host
        .rsplit_once(':')
        .map(|(_, port)| port.to_owned())
        .filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        .or_else(|| variables.get("server_port"))
        .unwrap_or_default();
    let scheme = request.scheme.clone();
    for (name, value) in [("x-forwarded-proto", scheme), ("x-forwarded-host", host), ("x-forwarded-port", port)] {
        change(&mut request.headers, name, value.as_bytes(), true);
    }
}

/// nginx escapes a rewritten path before it sends it, the question mark included.
fn escape_path(path: &str) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'%').add(b'?');
    utf8_percent_encode(path, ESCAPED).to_string()
}
