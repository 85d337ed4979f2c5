use serde_json::{Value as Json, json};

use super::header::{HeaderError, header_variable};
use super::{Expr, HeaderKind, HeaderMatch, HeaderNote, Vars, escape_pcre, eval};
use crate::regex::to_pcre;

#[expect(clippy::needless_pass_by_value, reason = "reads better at the calls")]
fn vars(expr: Expr) -> Json {
    serde_json::to_value(Vars::new(&expr)).unwrap()
}

fn header(kind: HeaderKind) -> HeaderMatch {
    HeaderMatch { name: "X-U".into(), kind, ignore_case: false, invert: false, treat_missing_as_empty: false }
}

fn translated(matcher: &HeaderMatch) -> Json {
    vars(matcher.to_expr().unwrap().0)
}

#[test]
fn top_level_is_a_list_of_conditions() {
    assert_eq!(vars(Expr::True), Json::Null);
    assert_eq!(vars(Expr::equal("uri", "/a")), json!([["uri", "==", "/a"]]));
    let both = Expr::equal("a", "1").and(Expr::equal("b", "2"));
    assert_eq!(vars(both.clone()), json!([["a", "==", "1"], ["b", "==", "2"]]));
    let nested = Expr::any([both.clone(), Expr::present("c")]);
    assert_eq!(vars(nested), json!([["OR", ["AND", ["a", "==", "1"], ["b", "==", "2"]], ["c", "~~", "^"]]]));
    assert_eq!(vars(both.negate()), json!([["OR", ["a", "!", "==", "1"], ["b", "!", "==", "2"]]]));
    assert_eq!(vars(Expr::False), json!([["request_method", "==", ""]]));
}

#[test]
fn logic_nodes_put_together_by_hand_have_two_operands() {
    assert_eq!(vars(Expr::Any(vec![])).as_array().unwrap()[0].as_array().unwrap().len(), 3);
    assert_eq!(vars(Expr::Any(vec![Expr::present("a")])).as_array().unwrap()[0].as_array().unwrap().len(), 3);
}

#[test]
fn constants_and_single_operands_vanish() {
    let a = || Expr::equal("a", "1");
    assert_eq!(Expr::all([Expr::True, a()]), a());
    assert_eq!(Expr::all([a(), Expr::False]), Expr::False);
    assert_eq!(Expr::any([a(), Expr::True]), Expr::True);
    assert_eq!(Expr::any([]), Expr::False);
    assert_eq!(Expr::all([]), Expr::True);
    assert_eq!(Expr::any([Expr::any([a(), Expr::present("b")]), Expr::present("c")]).negate().negate(), {
        Expr::any([a(), Expr::present("b"), Expr::present("c")])
    });
    assert_eq!(Expr::one_of("a", vec!["1".into()]), a());
    assert_eq!(Expr::one_of("a", vec![]), Expr::False);
}

#[test]
fn literal_text_is_escaped() {
    assert_eq!(escape_pcre("/a.b/{x}|c?(d)[e]^$*+\\ -_é"), r"/a\.b/\{x\}\|c\?\(d\)\[e\]\^\$\*\+\\ -_é");
}

#[test]
fn variables_of_headers() {
    assert_eq!(header_variable("X-Foo_Bar").unwrap(), "http_x_foo_bar");
    assert_eq!(header_variable(":METHOD").unwrap(), "request_method");
    assert_eq!(header_variable(":path").unwrap(), "real_request_uri");
    assert_eq!(header_variable(":authority").unwrap(), "http_host");
    assert_eq!(header_variable("host").unwrap(), "http_host");
    assert_eq!(header_variable(":scheme").unwrap(), "scheme");
    assert_eq!(header_variable(":protocol"), Err(HeaderError::UnknownPseudoHeader(":protocol".into())));
    for name in ["x.y", "x~y", "", "x y", "é", "a$b"] {
        assert_eq!(header_variable(name), Err(HeaderError::DroppedByNginx(name.into())));
    }
}

#[test]
fn header_matchers() {
    let cases = [
        (HeaderKind::Exact("a.b".into()), false, json!([["http_x_u", "==", "a.b"]])),
        (HeaderKind::Exact("a.b".into()), true, json!([["http_x_u", "~*", r"^a\.b\z"]])),
        (HeaderKind::Prefix("a+".into()), false, json!([["http_x_u", "~~", r"^a\+"]])),
        (HeaderKind::Suffix("a".into()), true, json!([["http_x_u", "~*", r"a\z"]])),
        (HeaderKind::Contains("a".into()), false, json!([["http_x_u", "~~", "a"]])),
        (HeaderKind::Contains(String::new()), false, json!([["http_x_u", "~~", "^"]])),
        (HeaderKind::Regex(to_pcre("a|cb").unwrap()), true, json!([["http_x_u", "~~", r"^(?:a|cb)\z"]])),
        (HeaderKind::Present(true), false, json!([["http_x_u", "~~", "^"]])),
        (HeaderKind::Present(false), false, json!([["http_x_u", "!", "~~", "^"]])),
    ];
    for (kind, ignore_case, expected) in cases {
        assert_eq!(translated(&HeaderMatch { ignore_case, ..header(kind) }), expected);
    }
}

#[test]
fn ranges() {
    let range = |start, end| header(HeaderKind::Range { start, end }).to_expr().map(|(expr, _)| vars(expr));
    let integer = r"^[+-]?(?=[0-9])0*+[0-9]{0,18}\z";
    let var = "http_x_u";
    assert_eq!(range(-10, 10).unwrap(), json!([[var, "~~", integer], [var, ">=", -10], [var, "<", 10]]));
    assert_eq!(range(i64::MIN, 10).unwrap(), json!([[var, "~~", integer], [var, "<", 10]]));
    assert_eq!(range(5, 5).unwrap(), json!([["request_method", "==", ""]]));
    assert_eq!(range(0, 100_000_000_000_000), Err(HeaderError::RangeBound(100_000_000_000_000)));
}

#[test]
fn an_inverted_matcher_does_not_match_a_missing_header() {
    let inverted = HeaderMatch { invert: true, ..header(HeaderKind::Exact("bob".into())) };
    assert_eq!(translated(&inverted), json!([["http_x_u", "~~", "^"], ["http_x_u", "!", "==", "bob"]]));
    let absent = HeaderMatch { invert: true, ..header(HeaderKind::Present(true)) };
    assert_eq!(translated(&absent), json!([["http_x_u", "!", "~~", "^"]]));
    let method = HeaderMatch { name: ":method".into(), ..inverted };
    assert_eq!(translated(&method), json!([["request_method", "!", "==", "bob"]]));
}

#[test]
fn a_missing_header_may_count_as_an_empty_one() {
    let case = |text: &str, invert| {
        translated(&HeaderMatch { invert, treat_missing_as_empty: true, ..header(HeaderKind::Exact(text.into())) })
    };
    let var = "http_x_u";
    assert_eq!(case("bob", false), json!([[var, "==", "bob"]]));
    assert_eq!(case("bob", true), json!([[var, "!", "==", "bob"]]));
    assert_eq!(case("", false), json!([["OR", [var, "!", "~~", "^"], [var, "==", ""]]]));
    assert_eq!(case("", true), json!([[var, "~~", "^"], [var, "!", "==", ""]]));
    let present = |invert| HeaderMatch { invert, treat_missing_as_empty: true, ..header(HeaderKind::Present(true)) };
    assert_eq!(present(false).to_expr().unwrap().0, Expr::True);
    assert_eq!(present(true).to_expr().unwrap().0, Expr::False);
}

#[test]
fn approximations_are_named() {
    let notes = |name: &str, kind| HeaderMatch { name: name.into(), ..header(kind) }.to_expr().unwrap().1;
    let exact = || HeaderKind::Exact("a".into());
    assert_eq!(notes("x-u", exact()), [HeaderNote::RepeatedLines, HeaderNote::DashUnderscore]);
    assert_eq!(notes("accept", exact()), [HeaderNote::RepeatedLines]);
    assert_eq!(notes("x-u", HeaderKind::Present(true)), [HeaderNote::DashUnderscore]);
    assert_eq!(notes(":path", exact()), []);
    assert_eq!(notes("host", exact()), []);
}

#[test]
fn header_matchers_hold_where_envoy_says_so() {
    let values = [
        None,
        Some(""),
        Some("bob"),
        Some("5"),
        Some("+3"),
        Some("-10"),
        Some("10"),
        Some("0x5"),
        Some("12345678901234567890"),
    ];
    for line in include_str!("envoy_headers.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let kind = match fields[0] {
            "present_t" => HeaderKind::Present(true),
            "present_f" => HeaderKind::Present(false),
            "exact_bob" => HeaderKind::Exact("bob".into()),
            "exact_empty" => HeaderKind::Exact(String::new()),
            "range" => HeaderKind::Range { start: -10, end: 10 },
            "regex_star" => HeaderKind::Regex(to_pcre("a*").unwrap()),
            _ => HeaderKind::Prefix("b".into()),
        };
        let matcher =
            HeaderMatch { invert: fields[1] == "invert", treat_missing_as_empty: fields[2] == "empty", ..header(kind) };
        let expr = matcher.to_expr().unwrap().0;
        let found = values
            .map(|value| if eval::holds(&expr, &|_| value.map(|v| v.as_bytes().to_vec())) { "yes" } else { "no" });
        assert_eq!(found.join(" "), fields[3], "{line}");
    }
}
