use super::{
    Abort, ClientControl, Cors, Delay, FaultInjection, ForwardAuth, Gzip, LimitCount, LimitReq, Meta, Plugins,
    ProxyMirror, ProxyRewrite, RequestHeaders, RequestId, ResponseRewrite, Template,
};
use crate::vars::Expr;

fn json(plugins: &Plugins) -> String {
    serde_json::to_string(plugins).unwrap()
}

#[test]
fn dollars_are_literal() {
    assert_eq!(
        json(&Plugins::answering(Abort::text(200, "a$b"))),
        r#"{"fault-injection":{"abort":{"http_status":200,"body":"a${_ ?? $}b","headers":{"Content-Type":"text/plain"}}}}"#
    );
}

fn setting(name: &str, value: &str) -> RequestHeaders {
    let mut headers = RequestHeaders::default();
    headers.set.insert(name.to_owned(), vec![Template::literal(value)].into());
    headers
}

#[test]
fn rewrites_of_different_things_are_one() {
    let one = ProxyRewrite { headers: setting("x-a", "1"), ..ProxyRewrite::default() };
    let other = ProxyRewrite { host: Some("h".to_owned()), ..ProxyRewrite::default() };
    let merged = Plugins::from(one.clone()).merge(other.into()).unwrap();
    assert_eq!(
        json(&merged),
        r#"{"proxy-rewrite":{"host":"h","use_real_request_uri_unsafe":true,"headers":{"set":{"x-a":"1"}}}}"#
    );
    let rival = ProxyRewrite { headers: setting("X-A", "2"), ..ProxyRewrite::default() };
    assert_eq!(merged.merge(rival.into()), Err("proxy-rewrite"));
}

#[test]
fn a_delay_and_an_answer_are_one() {
    let delay = Delay { duration: 0.5, vars: vec![Expr::equal("http_x", "1"), Expr::present("http_y")] };
    let delaying = FaultInjection { delay: Some(delay), ..FaultInjection::default() };
    let merged = Plugins::from(delaying).merge(Plugins::answering(Abort::empty(503))).unwrap();
    assert_eq!(
        json(&merged),
        r#"{"fault-injection":{"delay":{"duration":0.5,"vars":[[["http_x","==","1"]],[["http_y","~~","^"]]]},"abort":{"http_status":503,"body":""}}}"#
    );
    assert_eq!(merged.merge(Plugins::answering(Abort::empty(404))), Err("fault-injection"));
}

#[test]
fn response_lines_that_apisix_refuses_are_not_added() {
    let mut rewrite = ResponseRewrite::default();
    assert!(rewrite.headers.add_all("x-a", &[Template::literal("path/")]));
    for value in ["", "12:30", "http://a"] {
        assert!(!rewrite.headers.add_all("x-a", &[Template::literal(value)]));
    }
    assert_eq!(json(&rewrite.into()), r#"{"response-rewrite":{"headers":{"add":["x-a: path${_ ?? /}"]}}}"#);
}

#[test]
fn every_plugin_has_its_name() {
    let meta = Meta { priority: Some(1), filter: Expr::equal("http_x", "1") };
    let all: [Plugins; 8] = [
        RequestId { header_name: "X-Request-Id", algorithm: "uuid", include_in_response: false }.into(),
        ClientControl { max_body_size: 1 }.into(),
        Cors { meta, ..Cors::default() }.into(),
        ForwardAuth {
            uri: "http://a/".to_owned(),
            request_headers: Vec::new(),
            upstream_headers: Vec::new(),
            client_headers: Vec::new(),
            timeout: 200,
            status_on_error: 403,
            allow_degradation: false,
            meta: Meta::default(),
        }
        .into(),
        ProxyMirror { host: "http://10.0.0.1:80".to_owned(), sample_ratio: Some(0.5), meta: Meta::at(1007) }.into(),
        Gzip { types: Vec::new(), min_length: 30, comp_level: 1, vary: true, meta: Meta::default() }.into(),
        LimitCount {
            count: 1,
            time_window: 1,
            key_type: "constant",
            key: "x".to_owned(),
            rejected_code: 429,
            rejected_msg: None,
            show_limit_quota_header: false,
            group: None,
            meta: Meta::default(),
        }
        .into(),
        LimitReq {
            rate: 1.5,
            burst: 0.0,
            nodelay: true,
            key_type: "var_combination",
            key: "$route_id".to_owned(),
            rejected_code: 429,
            rejected_msg: None,
            meta: Meta::default(),
        }
        .into(),
    ];
    let merged = all.into_iter().try_fold(Plugins::default(), Plugins::merge).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json(&merged)).unwrap();
    let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected =
        ["request-id", "client-control", "cors", "forward-auth", "proxy-mirror", "limit-count", "limit-req", "gzip"];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(value["cors"]["_meta"].to_string(), r#"{"filter":[["http_x","==","1"]],"priority":1}"#);
}
