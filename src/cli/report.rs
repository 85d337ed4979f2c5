//! Diagnostics on standard error: lines for people, or one JSON document.

use crate::args::{ReportArgs, ReportForm};
use crate::document::Document;
use crate::exit::Exit;
use crate::input::Input;
use crate::style::{self, BOLD, DIM};
use amesh_translator::{Diagnostic, Severity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A diagnostic and the file that its resource came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Remark {
    /// As the user named it; empty where no single file is meant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) file: String,
    #[serde(flatten)]
    pub(crate) diagnostic: Diagnostic,
}

/// Everything that is to be said: gravest first, then by file and resource.
pub(crate) struct Remarks(Vec<Remark>);

impl Remarks {
    /// What was found in the files, and what the translator says; `origins`: resource to file.
    pub(crate) fn new(found: &[Remark], diagnostics: BTreeSet<Diagnostic>, origins: &BTreeMap<String, String>) -> Self {
        let file = |diagnostic: &Diagnostic| origins.get(&diagnostic.resource).cloned().unwrap_or_default();
        let said = diagnostics.into_iter().map(|diagnostic| Remark { file: file(&diagnostic), diagnostic });
        let mut all: Vec<Remark> = found.iter().cloned().chain(said).collect();
        all.sort_by(|one, other| order(one).cmp(&order(other)));
        all.dedup();
        Self(all)
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|remark| remark.diagnostic.severity == severity).count()
    }

    pub(crate) fn exit(&self, deny_warnings: bool) -> Exit {
        let refused = self.count(Severity::Error) > 0 || deny_warnings && self.count(Severity::Warning) > 0;
        if refused { Exit::Refused } else { Exit::Clean }
    }
}

fn order(remark: &Remark) -> impl Ord + '_ {
    let Remark { file, diagnostic } = remark;
    (std::cmp::Reverse(diagnostic.severity), file, &diagnostic.resource, &diagnostic.path, diagnostic)
}

/// Counts of a translation.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Resources read, by type.
    resources: BTreeMap<String, usize>,
    routes: usize,
    upstreams: usize,
}

/// What went in and what came out.
pub(crate) fn summary(input: &Input, document: &Document<'_>) -> Summary {
    let short = |type_url: &str| type_url.rsplit('.').next().unwrap_or(type_url).to_owned();
    let resources = input.resources.iter().map(|(type_url, resources)| (short(type_url), resources.len())).collect();
    Summary { resources, routes: document.routes.len(), upstreams: document.upstreams.len() }
}

/// Says it.
pub(crate) fn tell(remarks: &Remarks, summary: &Summary, args: &ReportArgs) {
    match args.format {
        ReportForm::Text => anstream::eprint!("{}", text(remarks, summary, args.quiet)),
        ReportForm::Json => anstream::eprintln!("{}", json(remarks, summary, args.quiet)),
    }
}

fn shown(remarks: &Remarks, quiet: bool) -> impl Iterator<Item = &Remark> {
    remarks.0.iter().filter(move |remark| !quiet || remark.diagnostic.severity == Severity::Error)
}

fn json(remarks: &Remarks, summary: &Summary, quiet: bool) -> serde_json::Value {
    let (errors, warnings, notes) = counts(remarks);
    serde_json::json!({
        "diagnostics": shown(remarks, quiet).collect::<Vec<_>>(),
        "counts": {"error": errors, "warning": warnings, "info": notes},
        "summary": summary,
    })
}

fn counts(remarks: &Remarks) -> (usize, usize, usize) {
    (remarks.count(Severity::Error), remarks.count(Severity::Warning), remarks.count(Severity::Info))
}

fn text(remarks: &Remarks, summary: &Summary, quiet: bool) -> String {
    let mut text: String = shown(remarks, quiet).map(line).collect();
    if !quiet {
        text.push_str(&summary_line(remarks, summary));
    }
    text
}

/// A remark as a line, with its end.
pub(crate) fn line(remark: &Remark) -> String {
    let Remark { file, diagnostic } = remark;
    let (word, colour) = style::severity(diagnostic.severity);
    let mut line = format!("{colour}{word}[{}]{colour:#}", diagnostic.code.text());
    for part in [file, &diagnostic.resource, &diagnostic.path].into_iter().filter(|part| !part.is_empty()) {
        let _ = write!(line, " {}:", printable(part));
    }
    let _ = write!(line, " {BOLD}{}{BOLD:#}", printable(sentence(diagnostic)));
    if diagnostic.count > 1 {
        let _ = write!(line, " {DIM}({} places){DIM:#}", diagnostic.count);
    }
    if !diagnostic.hint.is_empty() {
        let _ = write!(line, "\n  {DIM}hint:{DIM:#} {}", printable(&diagnostic.hint));
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

fn summary_line(remarks: &Remarks, summary: &Summary) -> String {
    let read: Vec<String> = summary.resources.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let read = if read.is_empty() { "nothing".to_owned() } else { read.join(", ") };
    let (errors, warnings, notes) = counts(remarks);
    let made = format!("{}, {}", plural(summary.routes, "route"), plural(summary.upstreams, "upstream"));
    let said = [plural(errors, "error"), plural(warnings, "warning"), plural(notes, "note")].join(", ");
    format!("{BOLD}{read} -> {made}{BOLD:#}; {said}\n")
}

/// `1 route`, `2 routes`.
pub(crate) fn plural(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
