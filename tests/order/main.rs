//! Random route configurations: does the translation choose the route that Envoy chooses?
//!
//! Every configuration is a listener of one real Envoy, with replies of its own as marks of the routes. Each request
//! is answered by Envoy, by a plain reading of Envoy's rules ([`reference`]), and by the APISIX model with several
//! translations: of that listener alone, of the same with routes tried one by one, and of all listeners together. All
//! must agree. Without Envoy the others are compared.
//!
//! Seeds are fixed. `AMESH_LONG` runs many more; `AMESH_SEED` runs one configuration alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on shall fail"
)]

mod backends;
mod compare;
mod generate;
mod reference;
mod requests;

use amesh_tests::envoy::{Envoy, program};
use serde_json::json;

use backends::Backends;
use compare::{Case, Tally};
use generate::Extras;

/// Configurations that one Envoy holds.
const BATCH: u64 = 30;
/// Requests to each configuration.
const REQUESTS: usize = 40;
/// How many batches a run has, and a long one.
const BATCHES: (u64, u64) = (3, 40);

fn seeds() -> Vec<Vec<u64>> {
    if let Some(seed) = std::env::var("AMESH_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return vec![vec![seed]];
    }
    let batches = if std::env::var_os("AMESH_LONG").is_some() { BATCHES.1 } else { BATCHES.0 };
    (0..batches).map(|batch| (batch * BATCH..(batch + 1) * BATCH).collect()).collect()
}

#[test]
fn random_routes_are_chosen_as_envoy_chooses_them() {
    run(Extras::default());
}

#[test]
fn virtual_hosts_of_one_name() {
    run(Extras { same_names: true, ..Extras::default() });
}

#[test]
fn authorities_without_their_port() {
    run(Extras { authorities: true, ..Extras::default() });
}

#[test]
fn path_parameters_are_left_out() {
    run(Extras { path_parameters: true, ..Extras::default() });
}

fn run(extras: Extras) {
    let program = program("random routes were compared with a plain reading of Envoy's rules only");
    let backends = Backends::start();
    let mut tally = Tally::default();
    for seeds in seeds() {
        let cases: Vec<Case> = seeds.iter().map(|seed| Case::new(*seed, REQUESTS, extras)).collect();
        let listeners: Vec<_> = cases.iter().map(|case| case.config.listener.clone()).collect();
        let resources = json!({"static_resources": {"listeners": listeners, "clusters": backends.clusters()}});
        let envoy = program.as_ref().map(|program| Envoy::start(program, resources));
        compare::batch(&cases, &backends, envoy.as_ref(), &mut tally);
    }
    let Tally { compared, unmatched, declared, problems } = tally;
    println!("{compared} requests compared; {unmatched} match no route, {declared} differ as a diagnostic says");
    assert!(unmatched * 2 < compared, "most requests match a route");
    assert!(problems.is_empty(), "{} of {compared} differ:\n{}", problems.len(), problems.join("\n\n"));
}
