//! Does APISIX, with the translation of a real configuration, decide as Envoy does with the configuration itself?
//!
//! Both sides are the reference models; those are held against the real proxies by tests of their own. Every scenario of
//! the corpus is asked the requests that could tell the two apart. `AMESH_LONG` asks all of them, else a part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

#[path = "../corpus/scenario.rs"]
#[allow(dead_code, reason = "shared with the test of the corpus")]
mod scenario;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use amesh_tests::files;
use amesh_tests::message::Types;
use amesh_tests::session::Native;
use amesh_translator::Options;
use amesh_verify::{Budget, Mesh, Report, Subjects, SubjectsError, probes, verify};

use scenario::Scenario;

/// Requests to each scenario, and in a long run.
const REQUESTS: (usize, usize) = (150, 1_000_000);

/// What came of the scenarios of one source.
#[derive(Default)]
struct Tally {
    scenarios: usize,
    /// Envoy's model refuses the configuration: nothing is compared.
    refused: usize,
    report: Report,
    /// Scenarios with undeclared differences.
    bad: Vec<String>,
}

fn one(scenario: &Scenario, tally: &mut Tally) {
    tally.scenarios += 1;
    let native = Native::with(Options::default(), &scenario.responses());
    let resources = scenario.resources.iter().map(|it| (it.url.as_str(), it.bytes.as_slice()));
    let mesh = Mesh::read(resources).expect("resources that can be shown");
    let subjects = match Subjects::new(&mesh, &native.document(), native.translator.diagnostics()) {
        Ok(subjects) => subjects,
        Err(SubjectsError::Envoy(why)) => {
            tally.refused += 1;
            return println!("{}: {why}", scenario.name);
        }
        Err(error) => panic!("{}: {error}", scenario.name),
    };
    let requests = if std::env::var_os("AMESH_LONG").is_some() { REQUESTS.1 } else { REQUESTS.0 };
    let report = verify(&subjects, &probes(&mesh, 1), Budget { requests });
    if report.undeclared > 0 {
        tally.bad.push(format!("{}: {report}", scenario.name));
    }
    if std::env::var_os("AMESH_SCENARIO").is_some() {
        report.not_modelled.iter().for_each(|(why, count)| println!("{}: {count} {why}", scenario.name));
    }
    tally.report.merge(Report { counter_examples: Vec::new(), ..report });
}

fn all(paths: &[PathBuf], types: &Types) -> BTreeMap<String, Tally> {
    let next = AtomicUsize::new(0);
    let tallies: Mutex<BTreeMap<String, Tally>> = Mutex::default();
    let only = std::env::var("AMESH_SCENARIO").unwrap_or_default();
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let scenario = Scenario::read(path, types);
            if !scenario.has_listeners() || !scenario.name.contains(&only) {
                continue;
            }
            let mut tally = Tally::default();
            one(&scenario, &mut tally);
            let mut tallies = tallies.lock().unwrap();
            let sum = tallies.entry(scenario.source().to_owned()).or_default();
            sum.scenarios += tally.scenarios;
            sum.refused += tally.refused;
            sum.report.merge(tally.report);
            sum.bad.extend(tally.bad);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8)) {
            scope.spawn(work);
        }
    });
    tallies.into_inner().unwrap()
}

#[test]
fn the_corpus_is_decided_as_envoy_decides() {
    let Some(corpus) = files::shared("corpus") else { return };
    let types = Types::read(&corpus.join("envoy-1.40-descriptors.pb"));
    let tallies = all(&scenario::all(&corpus.join("scenarios")), &types);
    let mut whole = Report::default();
    println!("{:<28} scenarios refused requests identical declared undeclared not modelled", "source");
    for (source, tally) in &tallies {
        let report = &tally.report;
        println!(
            "{source:<28} {:>9} {:>7} {:>8} {:>9} {:>8} {:>10} {:>12}",
            tally.scenarios,
            tally.refused,
            report.requests,
            report.identical,
            report.declared(),
            report.undeclared,
            report.not_modelled()
        );
        whole.merge(report.clone());
    }
    println!("{whole}");
    let bad: Vec<&String> = tallies.values().flat_map(|tally| &tally.bad).collect();
    bad.iter().take(40).for_each(|bad| println!("{bad}"));
    assert_eq!(whole.undeclared, 0, "in {} scenarios", bad.len());
}
