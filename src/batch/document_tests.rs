#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};

/// Words that YAML 1.1 takes for something else than text.
const AMBIGUOUS: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "NULL",
    "true",
    "True",
    "FALSE",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "y",
    "n",
    "Y",
    "N",
    "0",
    "1",
    "-1",
    "+1",
    "1_000",
    "010",
    "0o10",
    "0x1f",
    "0b11",
    "1:30",
    "190:20:30",
    "190:20:30.15",
    "1.5",
    ".5",
    "1.",
    "1e3",
    "1.5e+3",
    ".inf",
    "-.inf",
    ".nan",
    ".NaN",
    "=",
    "<<",
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "-",
    "?",
    ":",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "*a",
    "&a",
    "!a",
    "|",
    ">",
    "@a",
    "`a",
    "%a",
    "'a",
    "\"a",
    "[a",
    "{a",
    "a\nb",
    " a",
    "a ",
    "\t",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "---",
    "...",
    "--- a",
    "#END",
];

fn one(value: &Value) -> String {
    let json = value.to_string();
    Document { upstreams: vec![&json], routes: Vec::new() }.render(Form::Yaml).unwrap()
}

#[test]
fn ends_with_the_line_that_apisix_waits_for() {
    assert_eq!(Document::default().render(Form::Yaml).unwrap(), "upstreams: []\nroutes: []\n#END\n");
}

#[test]
fn reads_like_a_file_that_a_person_wrote() {
    let yaml =
        one(&json!({"id": "a", "nodes": [{"host": "127.0.0.1", "port": 80, "weight": 1}], "timeout": {"read": 0.5}}));
    let expected = "upstreams:\n- id: a\n  nodes:\n  - host: \"127.0.0.1\"\n    port: 80\n    weight: 1\n  timeout:\n    \
                    read: 0.5\nroutes: []\n#END\n";
    assert_eq!(yaml, expected);
}

#[test]
fn ambiguous_text_is_quoted_as_key_and_as_value() {
    for word in AMBIGUOUS {
        let quoted = |text: &str| text.starts_with(['"', '\'']);
        let yaml = one(&json!({"id": word}));
        let value = yaml.lines().find_map(|line| line.strip_prefix("- id: ")).unwrap();
        assert!(quoted(value), "{word:?} is written {value}");
        let yaml = one(&json!({ *word: 1 }));
        let key = yaml.lines().find_map(|line| line.strip_prefix("- ")).unwrap();
        assert!(quoted(key), "{word:?} is written {key}");
    }
}

#[test]
fn long_text_stays_on_one_line() {
    let long = "word ".repeat(100);
    assert!(one(&json!({"desc": long.trim()})).contains(long.trim()));
}
