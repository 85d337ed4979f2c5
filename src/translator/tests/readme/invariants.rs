//! The tests that `ARCHITECTURE.md` names for its invariants.

use std::fs;
use std::path::Path;

/// Names of tests and of cases, from the paragraphs that begin with a dash.
fn named(document: &str) -> Vec<&str> {
    let (_, invariants) = document.split_once("## Invariants").expect("ARCHITECTURE.md has invariants");
    let proofs = invariants.split("\n\n").filter_map(|paragraph| paragraph.split_once("\n— "));
    let quoted = proofs.flat_map(|(_, proof)| proof.split('`').skip(1).step_by(2));
    quoted.filter(|name| name.contains(['_', '-'])).collect()
}

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Names that stand for nothing.
pub(crate) fn missing() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut text = String::new();
    for folder in ["src", "tests"] {
        sources(&root.join(folder), &mut text);
    }
    let exists = |name: &str| text.contains(&format!("fn {name}(")) || here.join("tests/cases").join(name).is_dir();
    let names = named(&document);
    assert!(names.len() > 30, "only {} tests are named", names.len());
    names.into_iter().filter(|name| !exists(name)).map(str::to_owned).collect()
}
