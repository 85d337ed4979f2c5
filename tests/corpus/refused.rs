//! Resources that are refused although Envoy takes the scenario they stand in.
//!
//! `refused.json` lists those that are known, with the reason; whatever else is refused is a defect, and so is an entry
//! that is not refused any more.

use std::collections::BTreeSet;
use std::path::Path;

use amesh_tests::files;
use serde_json::Value;

use crate::check::Outcome;

/// One line a difference between what is refused and what is listed.
pub(crate) fn check(outcomes: &[Outcome], index: &Value) -> Vec<String> {
    let listed = listed();
    let mut found = BTreeSet::new();
    let mut problems = Vec::new();
    for outcome in outcomes {
        let verdict = index[&outcome.scenario]["envoy_1_40"].as_str().unwrap_or_default();
        if !verdict.starts_with("valid") {
            continue;
        }
        for (resource, error) in &outcome.refused {
            let entry = (outcome.scenario.clone(), resource.clone());
            if !listed.contains(&entry) {
                problems.push(format!("{}: {resource} is refused, Envoy takes it: {error}", outcome.scenario));
            }
            found.insert(entry);
        }
    }
    let stale = listed.difference(&found);
    problems.extend(stale.map(|(scenario, resource)| format!("{scenario}: {resource} is listed, but not refused")));
    problems
}

fn listed() -> BTreeSet<(String, String)> {
    let list = files::json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/refused.json"));
    let mut entries = BTreeSet::new();
    for reason in list.as_array().expect("a list") {
        assert!(reason["reason"].as_str().is_some_and(|text| !text.is_empty()), "each entry has a reason");
        for entry in reason["resources"].as_array().expect("resources") {
            let text = |key: &str| entry[key].as_str().expect("text").to_owned();
            entries.insert((text("scenario"), text("resource")));
        }
    }
    entries
}
