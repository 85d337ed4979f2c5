//! `plugins.limit-count` and `plugins.limit-req`, counted in the gateway itself.

use serde::Serialize;

use super::Meta;

/// `plugins.limit-count`: so many requests in each window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct LimitCount {
    /// Requests, at least 1.
    pub(crate) count: u64,
    /// Seconds, at least 1.
    pub(crate) time_window: u64,
    /// `constant`: all requests count together.
    pub(crate) key_type: &'static str,
    /// What requests count by.
    pub(crate) key: String,
    /// 200 to 599.
    pub(crate) rejected_code: u16,
    /// The body of a rejection; not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rejected_msg: Option<String>,
    /// Tells clients what is left.
    pub(crate) show_limit_quota_header: bool,
    /// Routes that count together; they have the same configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// For which requests it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}

/// `plugins.limit-req`: a leaky bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct LimitReq {
    /// Requests a second, above 0.
    pub(crate) rate: f64,
    /// Requests beyond the rate that still pass.
    pub(crate) burst: f64,
    /// They pass at once.
    pub(crate) nodelay: bool,
    /// `var_combination`: the key is a template.
    pub(crate) key_type: &'static str,
    /// What requests count by.
    pub(crate) key: String,
    /// 200 to 599.
    pub(crate) rejected_code: u16,
    /// The body of a rejection; not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rejected_msg: Option<String>,
    /// For which requests it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}
