//! APISIX resources as APISIX's own schema takes them (`main.route`, `main.upstream`; APISIX 3.18).
//!
//! These types only serialise. They hold nothing that APISIX's schema refuses, and they never hold Lua.

#[allow(dead_code, reason = "the HTTP filters that use the rest come next")]
mod plugins;
mod route;
mod upstream;
mod writer;

pub(crate) use plugins::{
    Abort, Brotli, ClientControl, Delay, FaultInjection, Gzip, LimitReq, Meta, Plugins, ProxyMirror, ProxyRewrite,
    RequestHeaders, ResponseHeaders, ResponseRewrite, Template, Value,
};
pub(crate) use route::{Route, Timeout, seconds};
pub(crate) use upstream::{Balancing, Node, Upstream};
pub(crate) use writer::Writer;

use serde::Serialize;

/// `labels` of everything that is made here: who made it, and for which instance.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Labels<'a> {
    #[serde(rename = "managed-by")]
    managed_by: &'static str,
    instance: &'a str,
}

impl<'a> Labels<'a> {
    /// The labels of one translator instance.
    pub(crate) fn new(instance: &'a str) -> Self {
        Self { managed_by: "amesh", instance }
    }
}
