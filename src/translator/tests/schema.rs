//! Every resource that the cases expect passes APISIX's own schema, which stands in the shared reference files.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail, and reads files")]

use std::fs;
use std::path::{Path, PathBuf};

use amesh_simulator::apisix::schema::Schema;
use serde_json::{Map, Value};

/// `AMESH_SHARED`, else `../shared` beside the repository.
fn schema() -> Option<Schema> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("AMESH_SHARED").map_or_else(beside, PathBuf::from);
    let path = root.join("apisix/schema-3.18.0.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("SKIPPED: {} is absent (set AMESH_SHARED)", path.display());
        return None;
    };
    Some(Schema::new(&serde_json::from_str(&text).unwrap()).unwrap())
}

/// A case's `expected.json`: the name of a collection with a colon, then its resources, one a line.
fn document(text: &str) -> Value {
    let mut document = Map::new();
    let mut collection = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(':') {
            name.clone_into(&mut collection);
            document.insert(collection.clone(), Value::Array(Vec::new()));
        } else if let Some(Value::Array(items)) = document.get_mut(&collection) {
            items.push(serde_json::from_str(line).unwrap());
        }
    }
    Value::Object(document)
}

#[test]
fn expected_resources_are_what_apisix_takes() {
    let Some(schema) = schema() else { return };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(cases).unwrap() {
        let path = entry.unwrap().path().join("expected.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let violations = schema.check(&document(&text));
        wrong.extend(violations.iter().map(|violation| format!("{}: {violation}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
