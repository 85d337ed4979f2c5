use std::time::{Duration, Instant};

use pcre2::bytes::RegexBuilder;
use proptest::prelude::*;

use super::{RegexError, emit, parse, to_pcre, to_pcre_before, work};

fn error_name(error: &RegexError) -> &'static str {
    match error {
        RegexError::Syntax(_) => "Syntax",
        RegexError::RepeatTooLarge => "RepeatTooLarge",
        RegexError::TooLarge => "TooLarge",
        RegexError::UnicodeClass => "UnicodeClass",
        RegexError::NonAscii => "NonAscii",
        RegexError::NestedRepetition => "NestedRepetition",
        RegexError::MayBacktrack { .. } => "MayBacktrack",
    }
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("cases.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').expect("a tab"))
}

#[test]
fn table() {
    for (re2, expected) in cases() {
        let found = match to_pcre(re2) {
            Ok(pcre) => pcre.pattern,
            Err(error) => format!("!{}", error_name(&error)),
        };
        assert_eq!(found, expected, "{re2}");
    }
}

/// PCRE2 as nginx runs it, with the limits of APISIX; `None` if it gives up.
fn nginx(pattern: &str, subject: &[u8], jit: bool) -> Option<bool> {
    let mut builder = RegexBuilder::new();
    if jit {
        builder.jit_if_available(true).max_jit_stack_size(Some(200 * 1024));
    }
    let regex = builder.build(&format!("(*LIMIT_MATCH=100000){pattern}")).expect(pattern);
    regex.is_match(subject).ok()
}

fn rust(re2: &str) -> regex::bytes::Regex {
    regex::bytes::RegexBuilder::new(&format!(r"\A(?:{re2})\z")).unicode(false).build().expect(re2)
}

/// Texts of the greatest length that can be taken apart in many ways.
fn pumped(head: &str, unit: &str, tail: &str) -> String {
    let length = usize::try_from(work::SUBJECT_MAX).unwrap() - head.len() - tail.len();
    let unit = if unit.is_empty() { "a" } else { unit };
    format!("{head}{}{tail}", unit.repeat(length / unit.len()))
}

#[test]
fn accepted_patterns_do_not_give_up() {
    let words = [
        "a",
        "aa",
        "ab",
        "/",
        "/a",
        "/foo",
        "jason",
        ";user=jason;",
        "a.",
        "0",
        "1.",
        "Chrome/",
        "\n",
        "a\n",
        "/ns/a/sa/",
        "b/v1/",
    ];
    let mut slowest = Duration::ZERO;
    for (re2, _) in cases() {
        let Ok(pcre) = to_pcre(re2) else { continue };
        let heads = ["", pcre.head(), "/cluster", "Mozilla/"];
        for (head, unit) in heads.iter().flat_map(|head| words.map(|unit| (head, unit))) {
            for tail in ["", "\n", "x", "/foo", "!"] {
                let subject = pumped(head, unit, tail);
                for jit in [false, true] {
                    let start = Instant::now();
                    assert!(
                        nginx(&pcre.full_match(), subject.as_bytes(), jit).is_some(),
                        "{re2} on {unit:?} {tail:?} {jit}"
                    );
                    slowest = slowest.max(start.elapsed());
                }
            }
        }
    }
    assert!(slowest < Duration::from_millis(200), "{slowest:?}");
}

/// The bound must hold up to the last expression that is accepted.
#[test]
fn the_limit_is_not_reached_just_below_it() {
    let mut refused = 0;
    for count in 2..40_u8 {
        let words: Vec<String> = (0..count).map(|i| format!("a{}{{2}}", char::from(b'b' + i % 24))).collect();
        for re2 in [format!(".*;({}).?z", words.join("|")), format!(".*({})[0-9]+;", words.join("|"))] {
            let Ok(pcre) = to_pcre(&re2) else {
                refused += 1;
                continue;
            };
            for unit in [";a", "a", ";abb", "abb", "abb0", ";"] {
                for jit in [false, true] {
                    assert!(nginx(&pcre.full_match(), pumped("", unit, "x").as_bytes(), jit).is_some(), "{re2} {unit}");
                }
            }
        }
    }
    assert!(refused > 10);
}

#[test]
fn large_expressions_are_refused_quickly() {
    let nested = format!("{}a{}", "(".repeat(500), ")*".repeat(500));
    let wide = "(a|b)?".repeat(600);
    for re2 in ["a".repeat(5000), nested, wide, "((a?){30}b?){30}".to_owned(), "[a-z]{1000}".repeat(400)] {
        let start = Instant::now();
        assert!(to_pcre(&re2).is_err(), "{}", &re2[..20]);
        assert!(start.elapsed() < Duration::from_secs(1), "{}", &re2[..20]);
    }
}

#[test]
fn heads_and_shapes() {
    let head = |re2: &str| to_pcre(re2).unwrap().head().to_owned();
    assert_eq!(head("^/api/v[0-9]+"), "/api/v");
    assert_eq!(head("/é.*"), "/é");
    assert_eq!(head("/a?b"), "/");
    assert_eq!(head("(?i)/abc"), "/");
    assert_eq!(to_pcre(r"^/rides\.x$").unwrap().literal(), Some("/rides.x"));
    assert_eq!(to_pcre("^/a/.*").unwrap().prefix(), Some("/a/"));
    assert_eq!(to_pcre("/a(?:/.*)?").unwrap().separated_prefix(), Some("/a"));
    assert_eq!(to_pcre("/a.+").unwrap().prefix(), None);
}

#[test]
fn bytes_are_counted_where_a_character_may_be_several() {
    let counts = |re2: &str| to_pcre(re2).unwrap().counts_bytes();
    assert!(![".*", "[^/]+/x", "abc", "é", "[a-z]{3}", "(?i)ab"].into_iter().any(counts));
    assert!([".", ".{3}", "[^/]?", r"\W", "(?i)k"].into_iter().all(counts));
}

#[test]
fn only_the_text_before_a_character_may_be_asked() {
    let cases = [
        ("/a.*", "/abc;x", true),
        ("/a.*", "/;a", false),
        (".*b", "/ab;c", true),
        (".*b", "/ac;b", false),
        ("/a;b", "/a;b", false),
        (".*(a|b).*", "/a;c;d", true),
    ];
    for (re2, text, expected) in cases {
        let pcre = to_pcre_before(re2, ';').unwrap();
        assert_eq!(nginx(&pcre.full_match(), text.as_bytes(), true), Some(expected), "{re2} {text}");
    }
}

fn expression() -> impl Strategy<Value = String> {
    let atoms = vec![
        "a", "b", "/", "ab", "aa", ".", "[ab]", "[^/]", "[^a]", r"\d", r"\w", r"\s", r"\.", "(?i)A", "(?s:.)", "^",
        "$", r"\b", r"\B", "(?m:^)", "(?m:$)", "",
    ];
    let leaf = prop::sample::select(atoms).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let quantifier = prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}", "{2,}"]);
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join("|"))),
            2 => (inner, quantifier).prop_map(|(body, quantifier)| format!("(?:{body}){quantifier}")),
        ]
    })
}

fn subject() -> impl Strategy<Value = String> {
    let pieces = vec!["a", "b", "ab", "aa", "/", "1", "A", ".", " ", "\n", "/a", "a/b"];
    prop::collection::vec(prop::sample::select(pieces), 0..10).prop_map(|pieces| pieces.concat())
}

/// The pattern could be proved only for texts without newlines.
fn is_for_one_line(re2: &str) -> bool {
    let node = parse::parse(re2).unwrap().node.strip_start().strip_end();
    emit::emit(&node, r"\z").is_err()
}

proptest! {
    #[test]
    fn accepts_the_same_texts(re2 in expression(), subjects in prop::collection::vec(subject(), 20)) {
        if let Ok(pcre) = to_pcre(&re2) {
            let reference = rust(&re2);
            let one_line = is_for_one_line(&re2);
            prop_assert_eq!(pcre.matches_empty(), reference.is_match(b""), "{} empty", &re2);
            for subject in subjects.iter().filter(|subject| !(one_line && subject.contains('\n'))) {
                let expected = Some(reference.is_match(subject.as_bytes()));
                for jit in [false, true] {
                    prop_assert_eq!(nginx(&pcre.full_match(), subject.as_bytes(), jit), expected, "{} {} {:?}", &re2, pcre.full_match(), subject);
                }
                prop_assert!(expected == Some(false) || subject.starts_with(pcre.head()));
            }
        }
    }

    #[test]
    fn never_gives_up(re2 in expression(), head in subject(), unit in subject(), tail in subject()) {
        if let Ok(pcre) = to_pcre(&re2) {
            let subject = pumped(&head, &unit, &tail);
            let expected = (!is_for_one_line(&re2) || !subject.contains('\n')).then(|| rust(&re2).is_match(subject.as_bytes()));
            for jit in [false, true] {
                let found = nginx(&pcre.full_match(), subject.as_bytes(), jit);
                prop_assert!(found.is_some(), "{} {} gives up, jit {}", &re2, pcre.full_match(), jit);
                prop_assert!(expected.is_none() || found == expected, "{} {}", &re2, pcre.full_match());
            }
        }
    }
}
