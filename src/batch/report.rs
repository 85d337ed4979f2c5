//! What a translation has to say: lines for people, or one JSON document.

use crate::Document;
use crate::palette::{Palette, word};
use amesh_input::{Input, Remark};
use amesh_translator::{Diagnostic, Severity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Everything that is to be said: gravest first, then by file and resource.
#[derive(Debug)]
pub struct Remarks(Vec<Remark>);

impl Remarks {
    /// What was found in the files, and what the translator says; `origins`: resource to file.
    #[must_use]
    pub fn new(found: &[Remark], diagnostics: BTreeSet<Diagnostic>, origins: &BTreeMap<String, String>) -> Self {
        let file = |diagnostic: &Diagnostic| origins.get(&diagnostic.resource).cloned().unwrap_or_default();
        let said = diagnostics.into_iter().map(|diagnostic| Remark { file: file(&diagnostic), diagnostic });
        let mut all: Vec<Remark> = found.iter().cloned().chain(said).collect();
        all.sort_by(|one, other| order(one).cmp(&order(other)));
        all.dedup();
        Self(all)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Remark> {
        self.0.iter()
    }

    /// How many of each severity.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |severity| self.iter().filter(|remark| remark.diagnostic.severity == severity).count();
        Counts { error: count(Severity::Error), warning: count(Severity::Warning), info: count(Severity::Info) }
    }

    /// Those to be shown; `quiet`: errors only.
    fn shown(&self, quiet: bool) -> impl Iterator<Item = &Remark> {
        self.iter().filter(move |remark| !quiet || remark.diagnostic.severity == Severity::Error)
    }

    /// The report as one JSON document.
    #[must_use]
    pub fn json(&self, summary: &Summary, quiet: bool) -> serde_json::Value {
        let shown: Vec<&Remark> = self.shown(quiet).collect();
        serde_json::json!({"diagnostics": shown, "counts": self.counts(), "summary": summary})
    }

    /// The report as lines for people.
    #[must_use]
    pub fn text(&self, summary: &Summary, quiet: bool, palette: &Palette) -> String {
        let mut text: String = self.shown(quiet).map(|remark| line(remark, palette)).collect();
        if !quiet {
            text.push_str(&summary_line(self.counts(), summary, palette));
        }
        text
    }
}

/// Diagnostics by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Refused.
    pub error: usize,
    /// Approximated or left out.
    pub warning: usize,
    /// Without effect on requests.
    pub info: usize,
}

fn order(remark: &Remark) -> impl Ord + '_ {
    let Remark { file, diagnostic } = remark;
    (std::cmp::Reverse(diagnostic.severity), file, &diagnostic.resource, &diagnostic.path, diagnostic)
}

/// Counts of a translation.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Resources read, by type.
    pub resources: BTreeMap<String, usize>,
    /// Routes of APISIX.
    pub routes: usize,
    /// Upstreams of APISIX.
    pub upstreams: usize,
}

impl Summary {
    /// What went in and what came out.
    #[must_use]
    pub fn new(input: &Input, document: &Document<'_>) -> Self {
        let short = |type_url: &str| type_url.rsplit('.').next().unwrap_or(type_url).to_owned();
        let resources = input.resources.iter().map(|(type_url, all)| (short(type_url), all.len())).collect();
        Self { resources, routes: document.routes.len(), upstreams: document.upstreams.len() }
    }
}

/// A remark as a line, with its end.
#[must_use]
pub fn line(remark: &Remark, palette: &Palette) -> String {
    let Remark { file, diagnostic } = remark;
    let Palette { bold, dim, .. } = palette;
    let (word, colour) = (word(diagnostic.severity), palette.severity(diagnostic.severity));
    let mut line = format!("{colour}{word}[{}]{colour:#}", diagnostic.code.text());
    for part in [file, &diagnostic.resource, &diagnostic.path].into_iter().filter(|part| !part.is_empty()) {
        let _ = write!(line, " {}:", printable(part));
    }
    let _ = write!(line, " {bold}{}{bold:#}", printable(sentence(diagnostic)));
    if diagnostic.count > 1 {
        let _ = write!(line, " {dim}({} places){dim:#}", diagnostic.count);
    }
    if !diagnostic.hint.is_empty() {
        let _ = write!(line, "\n  {dim}hint:{dim:#} {}", printable(&diagnostic.hint));
    }
    line + "\n"
}

/// The message without the field's name, where the path already ends with it.
fn sentence(diagnostic: &Diagnostic) -> &str {
    let last = diagnostic.path.rsplit('.').next().unwrap_or_default();
    let field = last.split('[').next().unwrap_or_default();
    let rest = diagnostic.message.strip_prefix(field).and_then(|rest| rest.strip_prefix(": "));
    rest.filter(|_| !field.is_empty()).unwrap_or(&diagnostic.message)
}

/// Names come from the input: no control characters reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn summary_line(counts: Counts, summary: &Summary, palette: &Palette) -> String {
    let bold = palette.bold;
    let read: Vec<String> = summary.resources.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let read = if read.is_empty() { "nothing".to_owned() } else { read.join(", ") };
    let made = format!("{}, {}", plural(summary.routes, "route"), plural(summary.upstreams, "upstream"));
    let said =
        [plural(counts.error, "error"), plural(counts.warning, "warning"), format!("{} info", counts.info)].join(", ");
    format!("{bold}{read} -> {made}{bold:#}; {said}\n")
}

/// `1 route`, `2 routes`.
#[must_use]
pub fn plural(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
