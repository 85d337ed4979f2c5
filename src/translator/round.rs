//! What one message has brought, gathered while it is worked through.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::diagnostic::{Code, Diagnostic};
use crate::report::{Place, Report};
use crate::resource_type::ResourceType;
use crate::verdict::Counts;

/// How much of a NACK's text is sent: a control plane logs it whole.
const DETAIL_BYTES: usize = 16_384;

/// One message's results.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// How the resources fared.
    pub(crate) counts: Counts,
    /// Names seen in this message.
    pub(crate) seen: BTreeSet<String>,
    /// Some resource could not be told apart from others: none is known to be missing.
    pub(crate) unreliable: bool,
    errors: Vec<String>,
    refusals: Vec<Diagnostic>,
    reports: BTreeMap<String, Report>,
}

impl Round {
    /// A resource is refused.
    pub(crate) fn refuse(&mut self, code: Code, resource: String, why: &str) {
        self.counts.refused = self.counts.refused.saturating_add(1);
        self.error(code, resource, why);
    }

    /// Something is wrong that no resource can be blamed for.
    pub(crate) fn error(&mut self, code: Code, resource: String, why: &str) {
        self.errors.push(if resource.is_empty() { why.to_owned() } else { format!("{resource}: {why}") });
        self.refusals.push(Diagnostic::new(code, resource, String::new(), why.to_owned()));
    }

    /// Something is to be said about a resource, from `place` on.
    pub(crate) fn report(&mut self, resource: String, place: &Place<'_>, report: &Report) {
        if !report.is_empty() {
            self.reports.entry(resource).or_default().merge(place, report);
        }
    }

    /// Everything that is to be said about a resource, of which nothing has been said in this message.
    pub(crate) fn whole(&mut self, resource: String, report: Report) {
        if !report.is_empty() {
            self.reports.insert(resource, report);
        }
    }

    /// Something is to be said about a resource of a type.
    pub(crate) fn about(&mut self, kind: ResourceType, name: &str, report: &Report) {
        if !report.is_empty() {
            self.report(kind.label(name), &Place::ROOT, report);
        }
    }

    /// The text of a NACK; `None` for an ACK.
    pub(crate) fn error_detail(&self) -> Option<String> {
        if self.errors.is_empty() {
            return None;
        }
        let mut detail = String::new();
        for (index, error) in self.errors.iter().enumerate() {
            if detail.len().saturating_add(error.len()) > DETAIL_BYTES && index > 0 {
                // Writing to a string cannot fail.
                let _ = write!(detail, "\nand {} more", self.errors.len().saturating_sub(index));
                break;
            }
            if index > 0 {
                detail.push('\n');
            }
            detail.push_str(error);
        }
        Some(detail)
    }

    /// Everything that is to be said, errors first.
    pub(crate) fn diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.refusals;
        for (resource, report) in &self.reports {
            diagnostics.extend(report.diagnostics(resource));
        }
        diagnostics
    }
}
