//! Every scenario of the corpus of real xDS configuration, through the translator and through `amesh.wasm`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod account;
mod check;
mod parts;
mod refused;
mod scenario;
mod table;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use amesh_simulator::apisix::schema::Schema;
use amesh_tests::files;
use amesh_tests::message::Types;
use amesh_tests::worker::Worker;

use check::{Bench, Outcome};
use scenario::Scenario;

/// Checks all scenarios on several threads; each has a worker of its own.
fn outcomes(paths: &[PathBuf], types: &Types, schema: &Schema) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let work = || {
        let mut bench = Bench { types, schema, worker: Worker::start("{}") };
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = bench.check(&Scenario::read(path, types));
            all.lock().unwrap().push(outcome);
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut all = all.into_inner().unwrap();
    all.sort_by(|one, other| one.scenario.cmp(&other.scenario));
    all
}

#[test]
fn every_scenario_is_translated_reported_and_the_same_in_the_module() {
    let (Some(corpus), Some(schema)) = (files::shared("corpus"), files::shared("apisix/schema-3.18.0.json")) else {
        return;
    };
    let types = Types::read(&corpus.join("envoy-1.40-descriptors.pb"));
    let schema = Schema::new(&files::json(&schema)).expect("APISIX's schema");
    let paths = scenario::all(&corpus.join("scenarios"));
    let index = files::json(&corpus.join("INDEX.json"));
    let outcomes = outcomes(&paths, &types, &schema);
    table::print(&outcomes);
    let mut problems: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.problems.clone()).collect();
    problems.extend(refused::check(&outcomes, &index));
    assert_eq!(outcomes.len(), index.as_object().expect("an object").len(), "all scenarios of the index are there");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
