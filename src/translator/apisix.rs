//! APISIX resources as APISIX's own schema takes them (`main.route`, `main.upstream`; APISIX 3.18).
//!
//! These types only serialise. They hold nothing that APISIX's schema refuses, and they never hold Lua.

#[allow(dead_code, reason = "the HTTP filters that use the rest come next")]
mod plugins;
mod route;
mod upstream;
mod writer;

pub(crate) use plugins::{
    Abort, ClientControl, Delay, FaultInjection, Gzip, LimitReq, Meta, Plugins, ProxyMirror, ProxyRewrite,
    RequestHeaders, ResponseHeaders, ResponseRewrite, Template, Value,
};
pub(crate) use route::{Route, Timeout, seconds};
pub(crate) use upstream::{Balancing, Node, Upstream};
pub(crate) use writer::Writer;

use serde::Serialize;

/// The label `secrets` of resources that have some, and the member that they stand in.
pub(crate) const SECRETS: &str = "vars";

/// `labels` of everything that is made here: who made it, and for which instance.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Labels<'a> {
    #[serde(rename = "managed-by")]
    managed_by: &'static str,
    instance: &'a str,
    /// Where the resource has something that is shown nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<&'static str>,
}

impl<'a> Labels<'a> {
    /// The same for a resource with secrets in its `vars`, or without.
    pub(crate) fn with_secrets(self, has_secrets: bool) -> Self {
        Self { secrets: has_secrets.then_some(SECRETS), ..self }
    }

    /// The labels of one translator instance.
    pub(crate) fn new(instance: &'a str) -> Self {
        Self { managed_by: "amesh", instance, secrets: None }
    }
}
