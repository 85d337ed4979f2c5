//! The table by source and the list of what is refused, for the log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use amesh_translator::Severity;

use crate::check::Outcome;

const COLUMNS: [&str; 10] = [
    "scenarios",
    "accepted",
    "refused",
    "not in reference",
    "routes",
    "upstreams",
    "errors",
    "warnings",
    "infos",
    "accounted",
];

/// Prints past the test runner, which shows no output of tests that pass.
pub(crate) fn print(outcomes: &[Outcome]) {
    let mut rows: BTreeMap<&str, [usize; COLUMNS.len()]> = BTreeMap::new();
    for outcome in outcomes {
        for source in [outcome.source.as_str(), "together"] {
            let row = rows.entry(source).or_default();
            row.iter_mut().zip(numbers(outcome)).for_each(|(sum, number)| *sum += number);
        }
    }
    let mut text = format!("\n{:16}", "source");
    for column in COLUMNS {
        write!(text, " {column:>9}").ok();
    }
    for (source, row) in rows {
        write!(text, "\n{source:16}").ok();
        for (number, column) in row.iter().zip(COLUMNS) {
            write!(text, " {number:>0$}", column.len().max(9)).ok();
        }
    }
    text.push_str("\n\nRefused:");
    for outcome in outcomes {
        for (resource, error) in &outcome.refused {
            write!(text, "\n{}: {resource}: {error}", outcome.scenario).ok();
        }
    }
    writeln!(std::io::stderr(), "{text}\n").ok();
}

fn numbers(outcome: &Outcome) -> [usize; COLUMNS.len()] {
    let by = |severity| outcome.diagnostics.get(&severity).copied().unwrap_or_default();
    [
        1,
        outcome.accepted,
        outcome.refused.len(),
        outcome.beyond_reference,
        outcome.routes,
        outcome.upstreams,
        by(Severity::Error),
        by(Severity::Warning),
        by(Severity::Info),
        outcome.accounted,
    ]
}
