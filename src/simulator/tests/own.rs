//! The model against cases of our own: `cases/*.json`, in the form of the recordings (`config` and
//! `cases` with `request` and `observed`; 127.0.0.1:15901 to 15908 are the backends b1 to b8).

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;

use amesh_simulator::apisix::{Answer, Condition, Gateway, Refusal, Request, Step};
use common::check::check;
use common::{json, recordings};
use serde_json::json;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

#[test]
fn decisions() {
    let mut wrong = Vec::new();
    for (name, mut case) in recordings(&folder(), &[""]) {
        only_named_headers(&mut case);
        let results = check(&case).into_iter().enumerate();
        wrong.extend(results.filter_map(|(at, result)| result.err().map(|why| format!("{name}#{at}: {why}"))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// These cases do not write out the headers that every answer has.
fn only_named_headers(recording: &mut serde_json::Value) {
    for case in recording["cases"].as_array_mut().expect("cases") {
        let names = case["observed"]["headers"].as_object();
        let names: Vec<String> = names.map(|headers| headers.keys().cloned().collect()).unwrap_or_default();
        case["request"]["see_response"] = json!(names);
    }
}

#[test]
fn refusals_say_where_and_why() {
    let list = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals.json"));
    for case in list.as_array().expect("a list") {
        let refusal = Gateway::load(&case["config"]).err().map(|refusal| refusal.to_string());
        assert_eq!(refusal.as_deref(), case["refusal"].as_str(), "{}", case["config"]);
    }
}

#[test]
fn steps_name_every_candidate_and_what_it_failed() -> Result<(), Refusal> {
    let upstream = json!({"nodes": {"127.0.0.1:80": 1}});
    let gateway = Gateway::load(&json!({"routes": [
        {"id": "post", "uri": "/a", "hosts": ["*.test"], "methods": ["POST"], "upstream": upstream},
        {"id": "head", "uri": "/a*", "hosts": ["*.test"], "vars": [["uri", "~~", "^/"], ["http_x", "==", "1"]],
         "upstream": upstream},
        {"id": "regex", "uri": "/a+/*", "upstream": upstream},
        {"id": "rest", "uri": "/*", "upstream": upstream},
    ]}))?;
    let steps = gateway.decide(&Request::get("a.test", "/a")).steps;
    let candidate = |route: &str, uri: &str, failed| Step::Candidate { route: route.into(), uri: uri.into(), failed };
    let vars = Condition::Vars(r#"["http_x","==","1"]"#.into());
    assert_eq!(
        steps,
        [
            Step::Host(Some("*.test".into())),
            candidate("post", "/a", Some(Condition::Method)),
            candidate("head", "/a*", Some(vars)),
            Step::Host(None),
            candidate("rest", "/*", None),
        ]
    );
    let steps = gateway.decide(&Request::get("b", "/a+/x")).steps;
    assert_eq!(steps[1], candidate("regex", "/a+/*", Some(Condition::Path(r"\/a+\/((.|\n)*)".into()))));
    Ok(())
}

#[test]
fn what_is_not_modelled_is_said() -> Result<(), Refusal> {
    for (extra, what) in [
        (json!({"plugins": {"openid-connect": {}}}), "the plugin openid-connect"),
        (json!({"plugins": {"cors": {"allow_headers": "$env://X"}}}), "a secret in the plugin cors"),
        (json!({"script": "return {}"}), "a script in place of plugins"),
        (json!({"vars": [["request_id", "~~", "^0"]]}), "the random request_id is not given"),
        (json!({"vars": [["pid", "==", "1"]]}), "the variable pid"),
        (json!({"filter_func": "function(vars) return true end"}), "filter_func of the route a"),
    ] {
        let mut route = json!({"id": "a", "uri": "/", "upstream": {"nodes": {"127.0.0.1:80": 1}}});
        let fields = route.as_object_mut().expect("an object");
        fields.extend(extra.as_object().expect("an object").clone());
        let gateway = Gateway::load(&json!({"routes": [route]}))?;
        let decision = gateway.decide(&Request::get("a.test", "/"));
        match decision.answer() {
            Some(Answer::NotModelled(why)) => assert_eq!(why, what),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}
