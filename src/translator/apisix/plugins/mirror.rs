//! `plugins.proxy-mirror`.

use serde::Serialize;

use super::Meta;

/// `plugins.proxy-mirror`: a copy of each request to one address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProxyMirror {
    /// `http://address:port`.
    pub(crate) host: String,
    /// The part of all requests, above 0; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sample_ratio: Option<f64>,
    /// When it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}
