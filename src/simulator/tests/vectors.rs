//! The model against recordings of a running APISIX 3.18.
//!
//! `not-modelled.json` lists the cases that the model does not follow, with the reason. A listed
//! case that is followed fails the test just like an unlisted one that is not.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::check::check;
use common::{json, recordings, shared};

const AREAS: [&str; 15] = [
    "matching",
    "rewrite",
    "redirect",
    "fault",
    "response",
    "traffic-split",
    "cors",
    "mirror",
    "pass-host",
    "upstream-config",
    "retry",
    "timeout",
    "limit",
    "auth",
    "compress",
];

/// The name of a case in the list: the file, and its number in the file.
type Name = String;

#[test]
fn the_model_does_what_apisix_did() {
    let Some(root) = shared("apisix/vectors") else { return };
    let listed = listed();
    let mut failures: BTreeMap<Name, String> = BTreeMap::new();
    let (mut files, mut cases) = (0, 0);
    // Cases, and those that are not followed.
    let mut areas: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (name, recording) in recordings(&root, &AREAS) {
        files += 1;
        for (case, result) in check(&recording).into_iter().enumerate() {
            cases += 1;
            let area = areas.entry(name.split('/').next().unwrap_or_default().to_owned()).or_default();
            area.0 += 1;
            if let Err(why) = result {
                area.1 += 1;
                failures.insert(format!("{name}#{case}"), why);
            }
        }
    }
    let unlisted: Vec<_> = failures.iter().filter(|(name, _)| !listed.contains(*name)).collect();
    let followed: Vec<_> = listed.iter().filter(|name| !failures.contains_key(*name)).collect();
    let good = cases - failures.len();
    for (area, (cases, not_followed)) in &areas {
        println!("{area}: {} followed, {not_followed} not", cases - not_followed);
    }
    println!("{files} recordings, {cases} cases: {good} followed, {} listed", listed.len());
    for (name, why) in unlisted.iter().take(40) {
        println!("{name}: {why}");
    }
    assert!(unlisted.is_empty(), "{} cases are not followed", unlisted.len());
    assert!(followed.is_empty(), "listed as not followed, but followed: {followed:?}");
}

fn listed() -> BTreeSet<Name> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/not-modelled.json");
    let list = json(&path);
    let entries = list.as_array().expect("a list").iter();
    entries
        .flat_map(|entry| {
            assert!(entry["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
            let file = entry["recording"].as_str().expect("a recording").to_owned();
            let cases = entry["cases"].as_array().expect("cases").iter();
            cases.map(move |case| format!("{file}#{case}")).collect::<Vec<_>>()
        })
        .collect()
}
