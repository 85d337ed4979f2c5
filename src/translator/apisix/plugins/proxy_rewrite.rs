//! `plugins.proxy-rewrite`.

use serde::Serialize;

use super::{Conflict, Merge, Meta, RequestHeaders, either};

/// `plugins.proxy-rewrite`: what is forwarded in place of what came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProxyRewrite {
    /// The Host header: a name of letters, digits, dots and dashes, and a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// One of the methods that the schema lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<&'static str>,
    /// Pairs of pattern and replacement on path and query as they came. The first pair that matches counts, and its
    /// first match only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) regex_uri: Vec<String>,
    /// Takes path and query as they came. Without it APISIX decodes the path and encodes it anew.
    pub(crate) use_real_request_uri_unsafe: bool,
    /// Changes of headers.
    #[serde(skip_serializing_if = "RequestHeaders::is_empty")]
    pub(crate) headers: RequestHeaders,
    /// When it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}

impl Default for ProxyRewrite {
    /// Changes nothing.
    fn default() -> Self {
        Self {
            host: None,
            method: None,
            regex_uri: Vec::new(),
            use_real_request_uri_unsafe: true,
            headers: RequestHeaders::default(),
            meta: Meta::default(),
        }
    }
}

impl ProxyRewrite {
    /// Whether `host` may be this: `^[0-9a-zA-Z-.]+(:\d{1,5})?$`.
    pub(crate) fn takes_host(host: &str) -> bool {
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
        is_name && port.is_none_or(is_port)
    }
}

impl Merge for ProxyRewrite {
    /// Each may change what the other leaves alone.
    fn merge(self, other: Self) -> Result<Self, Conflict> {
        Ok(Self {
            host: either(self.host, other.host)?,
            method: either(self.method, other.method)?,
            regex_uri: match (self.regex_uri, other.regex_uri) {
                (one, other) if other.is_empty() || one == other => one,
                (one, other) if one.is_empty() => other,
                _ => return Err(Conflict),
            },
            use_real_request_uri_unsafe: self.use_real_request_uri_unsafe && other.use_real_request_uri_unsafe,
            headers: self.headers.merge(other.headers)?,
            meta: self.meta.merge(other.meta)?,
        })
    }
}
