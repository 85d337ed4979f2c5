//! Whole translations: one folder a case, `input.*` in, `expected.yaml` and `expected.diagnostics.txt` out.
//!
//! `AMESH_BLESS=1` writes the expected files anew.

use crate::support::amesh_in;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn compare(folder: &Path, name: &str, found: &str) {
    let path = folder.join(name);
    if std::env::var_os("AMESH_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} (AMESH_BLESS=1 writes it anew)", path.display());
}

#[test]
fn every_case() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for case in names(&cases) {
        let folder = cases.join(&case);
        let files = names(&folder).into_iter().filter(|name| name.starts_with("input.")).collect::<Vec<_>>();
        let arguments: Vec<&str> = ["translate"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let run = amesh_in(&folder, &arguments, b"");
        compare(&folder, "expected.yaml", &run.stdout);
        compare(&folder, "expected.diagnostics.txt", &format!("{}exit code {}\n", run.stderr, run.code));
    }
}
