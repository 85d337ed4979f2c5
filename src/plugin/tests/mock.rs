//! The mock of the Admin API answers as a real APISIX did (recordings in `apisix/vectors/apply`).

use std::path::PathBuf;

use serde_json::Value;

use crate::support::admin::{Admin, COLLECTIONS, version_key};

/// Version of every collection at the start of a recording.
const BASE: i64 = 1000;

fn recording(name: &str) -> Option<Value> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("AMESH_SHARED").map_or_else(default, PathBuf::from);
    let path = shared.join("apisix/vectors/apply").join(name).with_extension("json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: no recording at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn replay(name: &str) {
    let Some(recording) = recording(name) else { return };
    let mut admin = Admin::default();
    for collection in COLLECTIONS {
        admin.stored.insert(version_key(collection), BASE.into());
    }
    let base = |text: &str| text.replace("(base+", "+(base+");
    for (index, case) in recording["cases"].as_array().expect("cases").iter().enumerate() {
        let Some(put) = case["request"].get("put").filter(|put| put["method"] == "PUT") else { continue };
        let digest = put["headers"]["X-Digest"].as_str();
        let (status, answer) = admin.put(digest, absolute(&put["body"]).to_string().as_bytes());
        assert_eq!(u64::from(status), case["observed"]["status"], "{name} case {index}: {answer}");
        if let Some(expected) = case["observed"]["body"]["error_msg"].as_str() {
            let answer: Value = serde_json::from_str(&answer).expect("JSON");
            let message = answer["error_msg"].as_str().expect("a message");
            let relative = message.rsplit_once('(').map_or(message.to_owned(), |(text, version)| {
                let version: i64 = version.trim_end_matches(')').parse().expect("a version");
                // The first document of a recording counts every version up by one: that is its base.
                format!("{text}(base+{})", version - BASE - 1)
            });
            assert_eq!(base(&relative), base(expected), "{name} case {index}");
        }
    }
}

/// Replaces `"{v:routes+5}"` by a version above the base, which the recording's first document has counted up by one.
fn absolute(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("{v:").and_then(|text| text.strip_suffix('}')) {
            Some(text) => {
                let offset: i64 = text.split_once('+').expect("an offset").1.parse().expect("a number");
                (BASE + 1 + offset).into()
            }
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(absolute).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), absolute(value))).collect(),
        _ => value.clone(),
    }
}

#[test]
fn digests() {
    replay("digest");
}

#[test]
fn versions() {
    replay("version");
}

#[test]
fn version_types() {
    replay("version-types");
}

#[test]
fn duplicates() {
    replay("duplicate-ids");
}

#[test]
fn one_collection_alone() {
    replay("upstream-only-change");
}

#[test]
fn collections_that_are_left_out() {
    replay("wipe");
}
