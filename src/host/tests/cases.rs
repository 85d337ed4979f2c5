//! Modules of random calls, in `cases/`, each with what it logs, which calls it makes and how its requests end. The Node
//! host (`js-host`) plays the same files, so that both are the same. `js-host/test/make-cases.js` makes new modules;
//! `AMESH_BLESS=1` writes what is expected.

use std::path::Path;
use std::{env, fs};

use amesh_host::{Config, Header, HostError, HttpCall, HttpReply, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::harness::{Bench, plugin};

#[test]
fn random_modules_do_the_same_in_both_hosts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 2);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        let played: Vec<Value> = cases.iter().map(play).collect();
        if env::var_os("AMESH_BLESS").is_some() {
            fs::write(&file, written(&played)).unwrap();
            continue;
        }
        for (case, played) in cases.iter().zip(&played) {
            assert_eq!(case["expected"], played["expected"], "{}: {}", file.display(), case["text"]);
        }
    }
}

/// One case a line: they are long, and read one by one.
fn written(cases: &[Value]) -> String {
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn play(case: &Value) -> Value {
    let config = Config { strict: case["strict"] == true, ..Config::default() };
    let mut bench = Bench::with(&plugin(text(&case["text"])), &config).unwrap();
    let (mut calls, mut outcomes) = (Vec::new(), Vec::new());
    for asked in array(&case["requests"]) {
        let mut replies = array(&asked["replies"]).iter();
        // Calls beyond the last reply fail.
        let result = bench.send_with(request(asked), |call| {
            calls.push(shown_call(&call));
            reply(replies.next()?)
        });
        outcomes.push(outcome(result));
    }
    let log: Vec<String> = bench.log().iter().map(|line| shown_line(line)).collect();
    let mut case = case.clone();
    case["expected"] = json!({ "log": log, "calls": calls, "outcomes": outcomes });
    case
}

fn request(asked: &Value) -> HttpRequest {
    HttpRequest {
        method: text(&asked["method"]).to_owned(),
        scheme: "http".to_owned(),
        target: text(&asked["target"]).to_owned(),
        headers: array(&asked["headers"]).iter().map(|pair| Header::new(text(&pair[0]), bytes(&pair[1]))).collect(),
        body: bytes(&asked["body"]).into(),
    }
}

fn reply(given: &Value) -> Option<HttpReply> {
    let headers = array(given.get("headers")?);
    Some(HttpReply {
        status: u16::try_from(given["status"].as_u64()?).unwrap(),
        headers: headers.iter().map(|pair| Header::new(text(&pair[0]), bytes(&pair[1]))).collect(),
        body: bytes(&given["body"]).into(),
    })
}

fn shown_call(call: &HttpCall) -> Value {
    json!({
        "upstream": call.upstream, "method": call.method, "scheme": call.scheme, "path": call.path,
        "headers": shown(&call.headers), "body": latin1(&call.body), "timeout": call.timeout.map(|it| it.as_millis()),
    })
}

fn outcome(result: Result<HttpResponse, HostError>) -> Value {
    match result {
        Ok(HttpResponse::Local(local)) => json!({
            "status": local.status, "headers": shown(&local.headers), "body": latin1(&local.body),
        }),
        Ok(HttpResponse::Upstream(sent)) => json!({
            "method": sent.method, "target": sent.target, "headers": shown(&sent.headers),
            "responseHeaders": shown(&sent.response_headers),
        }),
        Err(HostError::Trapped { callback, .. }) => json!({ "trapped": callback }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// A line without what engines say of a trap, which differs, and with levels as in JavaScript.
fn shown_line(line: &str) -> String {
    let line = line.split_inclusive(" trapped: ").next().unwrap_or_default();
    line.replacen("Error: ", "error: ", 1).replacen("Emerg: ", "emerg: ", 1)
}

fn shown(headers: &[Header]) -> Vec<Value> {
    headers.iter().map(|header| json!([header.name, latin1(&header.value)])).collect()
}

/// Bytes as text, one character each.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    text(value).chars().map(|character| u8::try_from(character).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
