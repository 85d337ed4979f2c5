//! `plugins.fault-injection`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::meta::alternatives;
use super::{Conflict, Merge, Meta, Template};
use crate::vars::Expr;

/// `plugins.fault-injection`: a delay, an answer without an upstream, or the one and then the other. It runs before all
/// other plugins used here but client-control and request-id.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FaultInjection {
    /// Comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Delay>,
    /// Ends the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) abort: Option<Abort>,
    /// When it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}

impl Merge for FaultInjection {
    /// One may delay and the other answer.
    fn merge(self, other: Self) -> Result<Self, Conflict> {
        Ok(Self {
            delay: super::either(self.delay, other.delay)?,
            abort: super::either(self.abort, other.abort)?,
            meta: self.meta.merge(other.meta)?,
        })
    }
}

impl From<Abort> for FaultInjection {
    fn from(abort: Abort) -> Self {
        Self { abort: Some(abort), ..Self::default() }
    }
}

/// `plugins.fault-injection.delay`. Shares of requests are told by `vars`, as `percentage` takes integers only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Delay {
    /// Seconds.
    pub(crate) duration: f64,
    /// Conditions of which one must hold; none: every request. At most 20.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "alternatives")]
    pub(crate) vars: Vec<Expr>,
}

impl Delay {
    /// A delay of so many milliseconds, at most a day.
    pub(crate) fn new(milliseconds: u64, vars: Vec<Expr>) -> Self {
        let bounded = u32::try_from(milliseconds.min(86_400_000)).unwrap_or(u32::MAX);
        Self { duration: f64::from(bounded) / 1000.0, vars }
    }
}

/// `plugins.fault-injection.abort`. The body is always written: without one APISIX sends an HTML page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Abort {
    /// 200 to 599.
    pub(crate) http_status: u16,
    /// Empty: none is sent.
    pub(crate) body: Template,
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<&'static str, Template>,
    /// Conditions of which one must hold; none: every request. At most 20.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "alternatives")]
    pub(crate) vars: Vec<Expr>,
}

impl Abort {
    /// A status without a body, as Envoy answers where it has no route.
    pub(crate) fn empty(http_status: u16) -> Self {
        Self { http_status, body: Template::default(), headers: BTreeMap::new(), vars: Vec::new() }
    }

    /// A status with a text; the text reaches the client as it is.
    pub(crate) fn text(http_status: u16, text: &str) -> Self {
        let abort = Self { body: Template::literal(text), ..Self::empty(http_status) };
        if text.is_empty() { abort } else { abort.with_header("Content-Type", Template::literal("text/plain")) }
    }

    /// The same with a header.
    pub(crate) fn with_header(mut self, name: &'static str, value: Template) -> Self {
        self.headers.insert(name, value);
        self
    }
}
