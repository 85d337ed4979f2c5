//! Values of the translator with the names of members that JavaScript is used to.

use amesh_translator::{Answer, Counts, Diagnostic, Subscription, Verdict};
use serde::Serialize;

/// `Subscription` in JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscriptionView<'a> {
    type_url: &'a str,
    wildcard: bool,
    added: &'a [String],
    removed: &'a [String],
}

impl<'a> SubscriptionView<'a> {
    pub(crate) fn new(subscription: &'a Subscription) -> Self {
        let Subscription { type_url, wildcard, added, removed } = subscription;
        Self { type_url, wildcard: *wildcard, added, removed }
    }
}

/// `Verdict` in JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictView<'a> {
    verdict: Answer,
    type_url: &'a str,
    version: &'a str,
    nonce: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_detail: Option<&'a str>,
    subscribe: Vec<SubscriptionView<'a>>,
    ready: bool,
    outstanding: u32,
    counts: Counts,
    diagnostics: &'a [Diagnostic],
}

impl<'a> VerdictView<'a> {
    pub(crate) fn new(verdict: &'a Verdict) -> Self {
        Self {
            verdict: verdict.verdict,
            type_url: &verdict.type_url,
            version: &verdict.version,
            nonce: &verdict.nonce,
            error_detail: verdict.error_detail.as_deref(),
            subscribe: verdict.subscribe.iter().map(SubscriptionView::new).collect(),
            ready: verdict.ready,
            outstanding: verdict.outstanding,
            counts: verdict.counts,
            diagnostics: &verdict.diagnostics,
        }
    }
}

/// `Wanted` in JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedView<'a> {
    type_url: &'a str,
    /// None: the whole type.
    names: &'a [String],
}

pub(crate) fn wanted(all: &[(String, Vec<String>)]) -> Vec<WantedView<'_>> {
    all.iter().map(|(type_url, names)| WantedView { type_url, names }).collect()
}
