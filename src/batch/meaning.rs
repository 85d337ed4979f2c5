//! What severities and fidelity classes mean, for people.

use amesh_translator::{Fidelity, Severity};

/// The word of a severity, and what it means.
#[must_use]
pub fn severity_means(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info: nothing differs for a request",
        Severity::Warning => "warning: approximated, or left out in a way that is never less safe",
        Severity::Error => "error: refused; the resource is not used, or the requests concerned are denied",
    }
}

/// The word of a fidelity class, and what it means.
#[must_use]
pub fn fidelity_means(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "exact: the same behaviour for every request",
        Fidelity::Approximate => "approximate: the same on the usual domain, different on a stated one",
        Fidelity::Impossible => "impossible: APISIX cannot do it; the message says what happens instead",
    }
}
