//! `plugins.cors`.

use serde::Serialize;

use super::Meta;

/// `plugins.cors`. All fields that would fall back to `*` or to a time of their own are always written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cors {
    /// `*`, `null`, or origins joined by commas.
    pub(crate) allow_origins: String,
    /// Anchored PCRE patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow_origins_by_regex: Vec<String>,
    /// Joined by commas.
    pub(crate) allow_methods: String,
    /// Joined by commas.
    pub(crate) allow_headers: String,
    /// Joined by commas; empty: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) expose_headers: String,
    /// Seconds for which a preflight is good.
    pub(crate) max_age: i64,
    /// Cookies and the like may be sent.
    pub(crate) allow_credential: bool,
    /// For which requests it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}
