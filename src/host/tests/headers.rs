//! Header maps.

use amesh_host::{Header, HttpRequest, HttpResponse, UpstreamRequest};

use crate::harness::{Bench, get, on_request, said};

const ALL: &str = "(call $tell (call $proxy_get_header_map_pairs (i32.const 0) (i32.const 8) (i32.const 12)))";

fn upstream(module: &[u8]) -> UpstreamRequest {
    match Bench::new(module).get().unwrap() {
        HttpResponse::Upstream(request) => request,
        HttpResponse::Local(response) => panic!("{response:?}"),
    }
}

fn values<'a>(headers: &'a [Header], name: &str) -> Vec<std::borrow::Cow<'a, str>> {
    headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).map(Header::text).collect()
}

#[test]
fn the_map_is_in_lower_case_with_pseudo_headers_last() {
    let map = said(&on_request(&format!("{ALL} (i32.const 0)"))).concat();
    let texts: Vec<&str> =
        map.split('\0').filter(|text| !text.is_empty()).skip_while(|text| !text.contains("host")).collect();
    let expected = [
        "Example.com:9080",
        "x-mixed",
        "Case",
        "x-forwarded-proto",
        "http",
        "x-forwarded-host",
        "Example.com:9080",
        "x-forwarded-port",
        "9080",
        ":scheme",
        "http",
        ":path",
        "/a%2Fb?x=1",
        ":method",
        "GET",
        ":authority",
        "Example.com:9080",
    ];
    assert_eq!(texts[1..], expected);
}

#[test]
fn values_are_found_in_any_case_and_the_first_wins() {
    let module = on_request(
        r#"(call $tell (call $proxy_get_header_map_value (i32.const 0) @"x-MIXED" (i32.const 8) (i32.const 12)))
           (call $tell (call $proxy_get_header_map_value (i32.const 0) @":PATH" (i32.const 8) (i32.const 12)))
           (call $tell (call $proxy_get_header_map_value (i32.const 0) @"absent" (i32.const 8) (i32.const 12)))
           (call $tell (call $proxy_get_header_map_value (i32.const 6) @":status" (i32.const 8) (i32.const 12)))
           (call $tell (call $proxy_get_header_map_value (i32.const 2) @":status" (i32.const 8) (i32.const 12)))
           (call $tell (call $proxy_get_header_map_value (i32.const 1) @"a" (i32.const 8) (i32.const 12)))
           (i32.const 0)"#,
    );
    let mut bench = Bench::new(&module);
    bench.send(get().header("x-mixed", "second")).unwrap();
    assert_eq!(bench.said(), ["Case", "/a%2Fb?x=1", "01", "01", "0", "12"]);
}

#[test]
fn forwarded_headers_of_the_client_are_replaced() {
    let module = on_request("(i32.const 0)");
    let request =
        HttpRequest::new("GET", "/", "h").header("X-Forwarded-Proto", "https").header("X-Forwarded-Port", "1");
    let HttpResponse::Upstream(sent) = Bench::new(&module).send(request).unwrap() else { panic!("local") };
    assert_eq!(values(&sent.headers, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&sent.headers, "x-forwarded-port"), ["9080"]);
}

#[test]
fn request_headers_can_be_changed() {
    let sent = upstream(&on_request(
        r#"(call $note (call $proxy_add_header_map_value (i32.const 0) @"X-Mixed" @"more"))
           (call $note (call $proxy_replace_header_map_value (i32.const 0) @"x-new" @"1"))
           (call $note (call $proxy_remove_header_map_value (i32.const 0) @"X-Forwarded-Proto"))
           (call $note (call $proxy_replace_header_map_value (i32.const 2) @"x-early" @"1"))
           (i32.const 0)"#,
    ));
    assert_eq!(values(&sent.headers, "x-mixed"), ["Case", "more"]);
    assert_eq!(values(&sent.headers, "x-new"), ["1"]);
    assert!(values(&sent.headers, "x-forwarded-proto").is_empty());
    assert_eq!(values(&sent.response_headers, "x-early"), ["1"]);
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("GET", "/a%2Fb?x=1"));
}

#[test]
fn a_path_set_by_the_module_is_escaped_and_the_query_lost() {
    let module = on_request(
        r#"(call $note (call $proxy_replace_header_map_value (i32.const 0) @":path" @"/re written?by=wasm"))
           (call $tell (call $proxy_get_header_map_value (i32.const 0) @":path" (i32.const 8) (i32.const 12)))
           (i32.const 0)"#,
    );
    assert_eq!(upstream(&module).target, "/re%20written%3Fby=wasm");
    assert_eq!(said(&module), ["00", "/a%2Fb?x=1"]);
}

#[test]
fn pseudo_headers_have_their_own_rules() {
    let module = on_request(
        r#"(call $note (call $proxy_remove_header_map_value (i32.const 0) @":path"))
           (call $note (call $proxy_replace_header_map_value (i32.const 0) @":path" @"/a\nb"))
           (call $note (call $proxy_replace_header_map_value (i32.const 0) @":method" @"P1"))
           (call $note (call $proxy_replace_header_map_value (i32.const 0) @":authority" @"example.com"))
           (call $note (call $proxy_replace_header_map_value (i32.const 2) @":status" @"abc"))
           (call $note (call $proxy_replace_header_map_value (i32.const 6) @"a" @"b"))
           (i32.const 0)"#
            .replace("\\n", "\n")
            .as_str(),
    );
    assert_eq!(said(&module), ["02", "02", "02", "02", "02", "12"]);
    let method = on_request(
        r#"(drop (call $proxy_replace_header_map_value (i32.const 0) @":authority" @"purge")) (i32.const 0)"#,
    );
    assert_eq!(upstream(&method).method, "purge", "the host mistakes the authority for the method");
}
