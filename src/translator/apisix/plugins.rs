//! `route.plugins`: the plugins the translation uses.
//!
//! A route holds one instance of a plugin. What several sources want of one plugin is put together by
//! [`Plugins::merge`], or the route is split by a condition where that cannot be done.

mod cors;
mod fault;
mod headers;
mod limits;
mod meta;
mod mirror;
mod proxy_rewrite;
mod response_rewrite;
mod small;
mod template;

pub(crate) use cors::Cors;
#[allow(unused_imports, reason = "the HTTP filters that use the rest come next")]
pub(crate) use fault::{Abort, Delay, FaultInjection};
#[allow(unused_imports, reason = "header changes come next")]
pub(crate) use headers::{RequestHeaders, ResponseHeaders, Value};
pub(crate) use limits::{LimitCount, LimitReq};
pub(crate) use meta::Meta;
pub(crate) use mirror::ProxyMirror;
pub(crate) use proxy_rewrite::ProxyRewrite;
pub(crate) use response_rewrite::ResponseRewrite;
pub(crate) use small::{ClientControl, ForwardAuth, Gzip, RequestId};
pub(crate) use template::Template;

use serde::Serialize;

/// Boxed: most routes have one or two of many.
type Optional<T> = Option<Box<T>>;

macro_rules! plugins {
    ($($(#[$doc:meta])* $field:ident: $type:ident = $name:literal;)*) => {
        /// The plugins of one route. Exactly those that are set are written.
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        pub(crate) struct Plugins {
            $($(#[$doc])* #[serde(rename = $name, skip_serializing_if = "Option::is_none")]
            pub(crate) $field: Optional<$type>,)*
        }

        impl Plugins {
            /// No plugin is set.
            pub(crate) fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())*
            }

            /// What both want. The name of a plugin where one instance cannot do it: the route has to be split.
            pub(crate) fn merge(self, other: Self) -> Result<Self, &'static str> {
                Ok(Self { $($field: merge(self.$field, other.$field, $name)?,)* })
            }
        }

        $(impl From<$type> for Plugins {
            fn from(plugin: $type) -> Self {
                Self { $field: Some(Box::new(plugin)), ..Self::default() }
            }
        })*
    };
}

plugins! {
    /// `plugins.request-id`: makes sure that requests have an id.
    request_id: RequestId = "request-id";
    /// `plugins.client-control`: bounds the size of request bodies.
    client_control: ClientControl = "client-control";
    /// `plugins.fault-injection`: delays, and answers without an upstream.
    fault_injection: FaultInjection = "fault-injection";
    /// `plugins.cors`: answers preflights and adds headers for browsers.
    cors: Cors = "cors";
    /// `plugins.forward-auth`: asks a server whether a request may pass.
    forward_auth: ForwardAuth = "forward-auth";
    /// `plugins.proxy-mirror`: sends copies of requests elsewhere.
    proxy_mirror: ProxyMirror = "proxy-mirror";
    /// `plugins.proxy-rewrite`: changes what is forwarded.
    proxy_rewrite: ProxyRewrite = "proxy-rewrite";
    /// `plugins.limit-count`: so many requests a window.
    limit_count: LimitCount = "limit-count";
    /// `plugins.limit-req`: so many requests a second.
    limit_req: LimitReq = "limit-req";
    /// `plugins.gzip`: compresses responses.
    gzip: Gzip = "gzip";
    /// `plugins.response-rewrite`: changes what is answered.
    response_rewrite: ResponseRewrite = "response-rewrite";
}

/// How two wishes for one plugin become one.
trait Merge: Sized + PartialEq {
    /// One instance for both.
    fn merge(self, other: Self) -> Result<Self, Conflict> {
        if self == other { Ok(self) } else { Err(Conflict) }
    }
}

impl Merge for Cors {}
impl Merge for ClientControl {}
impl Merge for ForwardAuth {}
impl Merge for Gzip {}
impl Merge for LimitCount {}
impl Merge for LimitReq {}
impl Merge for ProxyMirror {}
impl Merge for RequestId {}

fn merge<T: Merge>(one: Optional<T>, other: Optional<T>, name: &'static str) -> Result<Optional<T>, &'static str> {
    match (one, other) {
        (Some(one), Some(other)) => Ok(Some(Box::new(one.merge(*other).map_err(|Conflict| name)?))),
        (one, other) => Ok(one.or(other)),
    }
}

/// Two wishes that one instance of a plugin cannot meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Conflict;

/// The one of two that is set, or that both are.
fn either<T: PartialEq>(one: Option<T>, other: Option<T>) -> Result<Option<T>, Conflict> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Conflict),
        (one, other) => Ok(one.or(other)),
    }
}

impl Plugins {
    /// Answers every request of the route with `abort`.
    pub(crate) fn answering(abort: Abort) -> Self {
        FaultInjection::from(abort).into()
    }

    /// Forwards the request as it came, without the client certificate that it claims.
    pub(crate) fn stripping_client_cert() -> Self {
        let mut headers = RequestHeaders::default();
        headers.remove.insert("X-Forwarded-Client-Cert".to_owned());
        ProxyRewrite { headers, ..ProxyRewrite::default() }.into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
