//! The build's check of the ledger: each gap and each line that names nothing is an error that names it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![allow(dead_code, reason = "the modules serve the build")]

#[path = "../build/descriptors.rs"]
mod descriptors;
#[path = "../build/ledger.rs"]
mod ledger;
#[path = "../build/reach.rs"]
mod reach;

use descriptors::Descriptors;
use ledger::Ledger;
use reach::Reached;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

static DESCRIPTORS: LazyLock<Descriptors> =
    LazyLock::new(|| Descriptors::compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")).unwrap());

/// A copy of the ledger with `more` appended to `file`, and there `old` replaced by `new`.
fn ledger_with(test: &str, file: &str, (old, new): (&str, &str), more: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger")).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read_to_string(&path).unwrap();
        if path.ends_with(file) {
            assert!(content.contains(old));
            content = content.replacen(old, new, 1) + more;
        }
        std::fs::write(folder.join(path.file_name().unwrap()), content).unwrap();
    }
    folder
}

fn error(folder: &Path) -> String {
    let reached = Ledger::read(folder).and_then(|ledger| Reached::new(&DESCRIPTORS, &ledger).map(|_| ()));
    reached.expect_err("the ledger should be refused").to_string()
}

fn error_of_appended(test: &str, more: &str) -> String {
    error(&ledger_with(test, "endpoint.ledger", ("", ""), more))
}

#[test]
fn a_field_without_a_line() {
    let gap = ("  priority                      translated\n", "");
    let error = error(&ledger_with("gap", "endpoint.ledger", gap, ""));
    assert!(error.contains("envoy.config.endpoint.v3.LocalityLbEndpoints.priority has no line"), "{error}");
}

#[test]
fn a_line_without_a_field() {
    let error = error_of_appended("no_field", "\n  colour translated\n");
    assert!(error.contains("envoy.config.endpoint.v3.Endpoint has no field colour"), "{error}");
}

#[test]
fn a_message_that_does_not_exist() {
    let error = error_of_appended("no_message", "\nmessage envoy.config.endpoint.v3.Nothing\n");
    assert!(error.contains("there is no message envoy.config.endpoint.v3.Nothing"), "{error}");
}

#[test]
fn a_message_that_nothing_reads() {
    let error = error_of_appended("unread", "\nmessage envoy.config.core.v3.Pipe\n  path translated\n");
    assert!(error.contains("no read field leads to envoy.config.core.v3.Pipe"), "{error}");
}

#[test]
fn a_translated_extension_that_is_not_declared() {
    let line = "\nextension http_filter envoy.extensions.filters.http.buffer.v3.Other translated\n";
    let error = error_of_appended("undeclared", line);
    assert!(error.contains("there is no message envoy.extensions.filters.http.buffer.v3.Other"), "{error}");
}

#[test]
fn lines_that_cannot_be_read() {
    let cases = [
        ("colour maybe", "is not a class"),
        ("colour refused \"why\"", "is not a class"),
        ("colour refused perhaps \"why\"", "neither ignore nor deny"),
        ("colour approximated \"why", "does not end"),
        ("hostname translated", "hostname has two entries"),
        ("message", "cannot read"),
    ];
    for (line, expected) in cases {
        let error = error_of_appended("unreadable", &format!("\n  {line}\n"));
        assert!(error.contains("endpoint.ledger:") && error.contains(expected), "{line}: {error}");
    }
}
