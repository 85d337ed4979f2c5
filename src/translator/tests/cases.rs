//! Every folder in `tests/cases` is a specification: `input.yaml` holds xDS resources, `expected.json` the APISIX
//! configuration, `diagnostics.txt` what is said. `AMESH_BLESS=1` writes the last two anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may fail, and reads files"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use amesh_translator::{Diagnostic, Kind, Options, Severity, Translator};
use serde_json::Value;

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// `refused:` lines are what a control plane is told.
fn translate(input: &Value) -> (String, String) {
    let unbound_routes = input["listeners"].as_array().is_none_or(Vec::is_empty);
    let mut translator = Translator::new(Options { unbound_routes, ..Options::default() });
    let verdicts = support::ingest_all(&mut translator, input);
    let mut said = String::new();
    for detail in verdicts.iter().filter_map(|verdict| verdict.error_detail.as_ref()) {
        detail.lines().for_each(|line| writeln!(said, "refused: {line}").unwrap());
    }
    translator.diagnostics().iter().for_each(|diagnostic| said.push_str(&line(diagnostic)));
    (document(&translator), said)
}

/// One object a line, so that differences read well.
fn document(translator: &Translator) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        writeln!(text, "{}:", kind.collection()).unwrap();
        translator.target(kind).for_each(|upsert| writeln!(text, "{}", upsert.json).unwrap());
    }
    text
}

fn line(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let Diagnostic { code, resource, path, message, count, .. } = diagnostic;
    let times = if *count > 1 { format!(" (x{count})") } else { String::new() };
    format!("{severity} {} {resource} {path}: {message}{times}\n", code.text())
}

#[test]
fn every_case_is_translated_as_written() {
    let bless = std::env::var_os("AMESH_BLESS").is_some();
    let mut wrong = Vec::new();
    let folders = folders();
    for folder in &folders {
        let text = fs::read_to_string(folder.join("input.yaml")).unwrap();
        let input: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let (document, said) = translate(&input);
        for (file, made) in [("expected.json", document), ("diagnostics.txt", said)] {
            let path = folder.join(file);
            if bless {
                fs::write(&path, &made).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if expected != made {
                wrong.push(format!("{}\n--- expected\n{expected}--- made\n{made}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), folders.len(), wrong.join("\n"));
    assert!(folders.len() > 10);
}
