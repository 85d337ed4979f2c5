//! The model of Envoy against a real Envoy: the same answer, the same cluster, the same request upstream, the same
//! headers back.
//!
//! `cases` holds one configuration per feature with requests to it; what is expected comes from Envoy itself. Random
//! configurations follow. Every configuration is a listener of one real Envoy with backends that answer with what they
//! received. Seeds are fixed. `AMESH_LONG` runs many more; `AMESH_SEED` runs one configuration alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod backends;
mod case;
mod compare;
mod opinion;

use std::path::Path;

use amesh_tests::envoy::{Envoy, program};
use serde_json::json;

use backends::Backends;
use case::Case;
use compare::Tally;

/// Compares all requests of some cases; without Envoy nothing is compared.
fn run(cases: &[Case], tally: &mut Tally) {
    let Some(program) = program("the model of Envoy was not compared with a real one") else { return };
    let backends = Backends::start();
    let listeners: Vec<_> = cases.iter().map(|case| case.listener.clone()).collect();
    let resources = json!({"static_resources": {"listeners": listeners, "clusters": backends.clusters()}});
    let envoy = Envoy::start(&program, resources);
    for case in cases {
        tally.case(case, &backends, &envoy);
    }
}

#[test]
fn features() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy_model/cases");
    let mut files: Vec<_> = folder.read_dir().expect("cases").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let cases: Vec<Case> = files.iter().map(|file| Case::read(file)).collect();
    let mut tally = Tally::default();
    run(&cases, &mut tally);
    tally.finish();
}
