//! `route.plugins`: the plugins the translation uses.

use serde::Serialize;

/// The plugins of one route. Exactly those that are set are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Plugins {
    /// `plugins.fault-injection`: answers without an upstream.
    #[serde(rename = "fault-injection", skip_serializing_if = "Option::is_none")]
    fault_injection: Option<FaultInjection>,
    /// `plugins.proxy-rewrite`: changes what is forwarded.
    #[serde(rename = "proxy-rewrite", skip_serializing_if = "Option::is_none")]
    proxy_rewrite: Option<ProxyRewrite>,
}

impl Plugins {
    /// Answers every request of the route with `abort`.
    pub(crate) fn answering(abort: Abort) -> Self {
        Self { fault_injection: Some(FaultInjection { abort }), ..Self::default() }
    }

    /// Forwards the request as it came, without the client certificate that it claims.
    pub(crate) fn stripping_client_cert() -> Self {
        let headers = HeaderChanges { remove: &["X-Forwarded-Client-Cert"] };
        Self { proxy_rewrite: Some(ProxyRewrite { use_real_request_uri_unsafe: true, headers }), ..Self::default() }
    }
}

/// `plugins.proxy-rewrite`. Without `use_real_request_uri_unsafe` it would decode and encode the path anew.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProxyRewrite {
    use_real_request_uri_unsafe: bool,
    headers: HeaderChanges,
}

/// `plugins.proxy-rewrite.headers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HeaderChanges {
    remove: &'static [&'static str],
}

/// `plugins.fault-injection`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct FaultInjection {
    abort: Abort,
}

/// `plugins.fault-injection.abort`. The body is always written: without one APISIX sends an HTML page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Abort {
    http_status: u16,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<AbortHeaders>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct AbortHeaders {
    #[serde(rename = "Content-Type")]
    content_type: &'static str,
}

impl Abort {
    /// A status without a body, as Envoy answers where it has no route.
    pub(crate) fn empty(http_status: u16) -> Self {
        Self { http_status, body: String::new(), headers: None }
    }

    /// A status with a text; the text reaches the client as it is.
    pub(crate) fn text(http_status: u16, text: &str) -> Self {
        if text.is_empty() {
            return Self::empty(http_status);
        }
        let headers = Some(AbortHeaders { content_type: "text/plain" });
        Self { http_status, body: without_templates(text), headers }
    }
}

/// APISIX expands `$name` in the body. `${_ ?? $}` is a variable that does not exist with a dollar as its default.
fn without_templates(text: &str) -> String {
    text.replace('$', "${_ ?? $}")
}

#[cfg(test)]
mod tests {
    use super::Abort;

    #[test]
    fn dollars_are_literal() {
        let json = serde_json::to_string(&Abort::text(200, "a$b")).unwrap();
        assert_eq!(json, r#"{"http_status":200,"body":"a${_ ?? $}b","headers":{"Content-Type":"text/plain"}}"#);
    }
}
