//! The generated parts of the documents: the support tables, from the ledger, and the pages about diagnostic codes;
//! and that the tests exist which `ARCHITECTURE.md` names.
//!
//! Each part stands between two marker comments. A document that says something else than the code fails the test;
//! `AMESH_BLESS=1` writes the parts anew. Nothing outside of the markers is touched.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test that cannot go on shall fail, and reads and writes files"
)]

mod areas;
mod example;
mod highlights;
mod invariants;
mod items;
#[path = "../support/mod.rs"]
mod messages;
mod pages;
mod support;

use std::fs;
use std::path::Path;

/// Compares the part `name` of a document with what it should be.
fn check(file: &str, name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (begin, end) = (format!("<!-- begin generated: {name} -->\n"), format!("<!-- end generated: {name} -->\n"));
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{file} has no line {begin}"));
    let (part, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("{file} has no line {end}"));
    let expected = format!("\n{}\n\n", expected.trim());
    if std::env::var_os("AMESH_BLESS").is_some() {
        return fs::write(&path, [head, &begin, &expected, &end, tail].concat()).unwrap();
    }
    assert!(part == expected, "{file}: the part {name:?} is out of date; AMESH_BLESS=1 writes it anew");
}

#[test]
fn the_readme_shows_what_the_ledger_says() {
    check("README.md", "support", &support::summary());
}

#[test]
fn the_support_page_shows_what_the_ledger_says() {
    check("docs/support.md", "support", &support::page());
}

#[test]
fn the_diagnostics_page_lists_every_code() {
    check("docs/diagnostics.md", "codes", &pages::index());
}

#[test]
fn every_code_has_a_page_whose_example_yields_it() {
    let problems = pages::problems();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    assert_eq!(invariants::missing(), Vec::<String>::new());
}
