//! The fetcher passes resources on and cannot look into them: no crate that could is among those it is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The packages of Cargo.lock with what they depend on, development dependencies included.
fn locked() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let text = std::fs::read_to_string(path).unwrap();
    text.split("[[package]]\n").skip(1).map(package).collect()
}

fn package(text: &str) -> (String, Vec<String>) {
    let (_, rest) = text.split_once("name = \"").unwrap();
    let (name, rest) = rest.split_once('"').unwrap();
    let listed = rest.split_once("dependencies = [\n").map_or("", |(_, list)| list.split_once(']').unwrap().0);
    // `"name"`, or `"name version"` where there are several.
    let names = listed.lines().filter_map(|line| line.trim_matches([' ', '"', ',']).split(' ').next());
    (name.to_owned(), names.map(str::to_owned).collect())
}

#[test]
fn the_fetcher_is_built_without_the_crates_that_read_resources() {
    let packages = locked();
    assert!(packages["amesh-translator"].contains(&"amesh-xds".to_owned()), "the file is read as it should be");
    let (mut found, mut next) = (BTreeSet::new(), vec!["amesh-fetcher"]);
    while let Some(name) = next.pop() {
        if found.insert(name) {
            next.extend(packages[name].iter().map(String::as_str));
        }
    }
    let own: Vec<_> = found.iter().filter(|name| name.starts_with("amesh")).collect();
    assert_eq!(own, [&"amesh-fetcher"], "of the workspace's crates");
    assert!(found.contains("tonic") && found.contains("prost"), "{found:?}");
}
