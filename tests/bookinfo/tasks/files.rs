//! The files that follow from a task: what its translation has that the mesh before it has not (`expected.json`,
//! `diagnostics.txt`), and the table of all cases in the README. `AMESH_BLESS=1` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use amesh_tests::echo::Behaviour;
use amesh_tests::files::root;
use amesh_tests::session::Native;
use amesh_translator::{Diagnostic, Kind, Options, Severity};

use crate::mesh;
use crate::tasks::case::{Case, Expected};
use crate::tasks::{Task, all};

const MARKS: [&str; 2] = ["<!-- the cases, from requests.yaml; AMESH_BLESS=1 writes them anew -->\n", "<!-- end -->\n"];

/// What is made of some responses, a line each.
struct Lines {
    /// By kind.
    objects: Vec<(&'static str, Vec<String>)>,
    diagnostics: Vec<String>,
}

impl Lines {
    fn of(responses: &[Vec<u8>]) -> Self {
        let native = Native::with(Options::default(), responses);
        let objects = |kind: Kind| native.translator.target(kind).map(|it| it.json.to_owned()).collect();
        Self {
            objects: Kind::ALL.into_iter().map(|kind| (kind.collection(), objects(kind))).collect(),
            diagnostics: native.translator.diagnostics().iter().map(line).collect(),
        }
    }

    /// Without what the other has as well.
    fn without(mut self, other: &Self) -> Self {
        for ((_, own), (_, known)) in self.objects.iter_mut().zip(&other.objects) {
            own.retain(|line| !known.contains(line));
        }
        self.diagnostics.retain(|line| !other.diagnostics.contains(line));
        self
    }
}

fn line(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let Diagnostic { code, resource, path, message, .. } = diagnostic;
    format!("{severity} {} {resource} {path}: {message}", code.text())
}

/// The codes that the translation of a task has.
pub(crate) fn codes(task: &Task) -> BTreeSet<String> {
    let native = Native::with(Options::default(), &task.responses());
    native.translator.diagnostics().iter().map(|it| it.code.text().to_owned()).collect()
}

/// Compares a file, or writes it.
fn check(path: &Path, made: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("AMESH_BLESS").is_some() {
        std::fs::write(path, made).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected != made {
        wrong.push(format!("{}\n--- expected\n{expected}--- made\n{made}", path.display()));
    }
}

#[test]
fn what_is_a_task_s_own_is_as_written() {
    let mut wrong = Vec::new();
    for task in all() {
        let before = Lines::of(&mesh::responses(&task.node, "before"));
        let own = Lines::of(&task.responses()).without(&before);
        let mut document = String::new();
        for (kind, objects) in &own.objects {
            writeln!(document, "{kind}:").unwrap();
            for object in objects {
                writeln!(document, "{object}").unwrap();
            }
        }
        check(&task.file("expected.json"), &document, &mut wrong);
        let said: Vec<String> = own.diagnostics.iter().map(|line| format!("{line}\n")).collect();
        check(&task.file("diagnostics.txt"), &said.concat(), &mut wrong);
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_in_the_readme_is_that_of_the_cases() {
    let path = root().join("examples/istio/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).expect("the first mark");
    let (_, after) = rest.split_once(MARKS[1]).expect("the second mark");
    let mut wrong = Vec::new();
    check(&path, &[before, MARKS[0], &table(), MARKS[1], after].concat(), &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn table() -> String {
    let mut text = String::from("\n| task | request | Envoy | APISIX | by |\n|---|---|---|---|---|\n");
    for task in all() {
        for case in task.cases() {
            let (apisix, codes) = if case.apisix.is_empty() {
                ("the same".to_owned(), String::new())
            } else {
                (words(&case.apisix), case.codes.iter().map(|code| link(code)).collect::<Vec<_>>().join(", "))
            };
            let task = format!("[{0}]({0}/istio.yaml)", task.name);
            writeln!(text, "| {task} | {} | {} | {apisix} | {codes} |", asked(&case), words(&case.expect)).unwrap();
        }
    }
    text + "\n"
}

fn link(code: &str) -> String {
    format!("[{code}](../../docs/diagnostics/{code}.md)")
}

fn asked(case: &Case) -> String {
    let mut text = format!("{}: `{}`", case.says, case.request);
    case.headers.iter().for_each(|line| write!(text, " `{line}`").unwrap());
    let Behaviour { status, seconds, headers } = &case.backend;
    if *status != 200 {
        write!(text, ", the endpoint answers {status}").unwrap();
    }
    if *seconds > 0.0 {
        write!(text, ", the endpoint takes {seconds} s").unwrap();
    }
    for line in headers {
        write!(text, ", the endpoint answers with `{line}`").unwrap();
    }
    if case.together > 1 {
        write!(text, ", {} times at once", case.together).unwrap();
    }
    text.replace('|', "\\|")
}

fn words(expected: &[Expected]) -> String {
    let words: Vec<String> = expected.iter().map(Expected::words).collect();
    words.join("; ").replace('|', "\\|")
}
