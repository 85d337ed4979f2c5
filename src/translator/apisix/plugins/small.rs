//! Plugins with few fields.

use serde::Serialize;

use super::Meta;

/// `plugins.client-control`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ClientControl {
    /// Bytes of a request body; larger ones are answered 413. 0 is no limit.
    pub(crate) max_body_size: u64,
}

/// `plugins.request-id`: requests without an id get one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RequestId {
    /// The header.
    pub(crate) header_name: &'static str,
    /// `uuid` and others.
    pub(crate) algorithm: &'static str,
    /// The answer has it as well.
    pub(crate) include_in_response: bool,
}

/// `plugins.gzip`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Gzip {
    /// Content types.
    pub(crate) types: Vec<String>,
    /// Bytes; shorter bodies are not compressed.
    pub(crate) min_length: u64,
    /// 1 to 9.
    pub(crate) comp_level: u32,
    /// Adds `Vary: Accept-Encoding`.
    pub(crate) vary: bool,
    /// For which requests it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}

/// `plugins.forward-auth`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ForwardAuth {
    /// Where to ask.
    pub(crate) uri: String,
    /// Headers of the request that are passed on to the server.
    pub(crate) request_headers: Vec<String>,
    /// Headers of the server's answer for the upstream.
    pub(crate) upstream_headers: Vec<String>,
    /// Headers of the server's answer for the client.
    pub(crate) client_headers: Vec<String>,
    /// Milliseconds, 1 to 60000.
    pub(crate) timeout: u64,
    /// 200 to 599: the answer where the server cannot be asked.
    pub(crate) status_on_error: u16,
    /// Lets requests pass where the server cannot be asked.
    pub(crate) allow_degradation: bool,
    /// For which requests it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}
