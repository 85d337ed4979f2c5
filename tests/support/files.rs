//! Where files lie that are not part of the repository, and saying so when they are absent.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Says that something was not tested, past the test runner, which shows no output of tests that pass.
pub fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").ok();
}

/// A file or folder of the reference material: below `AMESH_SHARED`, else `../shared` beside the repository.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AMESH_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = folder.join(path);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is absent; AMESH_SHARED names the folder it belongs to", path.display()));
    None
}

/// A JSON file.
#[must_use]
pub fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
