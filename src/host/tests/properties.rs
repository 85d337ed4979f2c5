//! Properties: nginx variables of one name.

use std::collections::BTreeMap;

use amesh_host::{HttpRequest, SystemVariables, Variables};

use crate::harness::{Bench, get, on_request, said};

fn read(name: &str, request: HttpRequest) -> String {
    let module = on_request(&format!(
        r#"(call $tell (call $proxy_get_property @"{name}" (i32.const 8) (i32.const 12))) (i32.const 0)"#
    ));
    let mut bench = Bench::new(&module);
    bench.send(request).unwrap();
    bench.said().concat()
}

#[test]
fn variables_of_the_request_and_the_environment() {
    let request = get().header("Cookie", "a=1; b=2").header("X-Twice", "1").header("x-twice", "2");
    for (name, value) in [
        ("request_uri", "/a%2Fb?x=1"),
        ("uri", "/a/b"),
        ("args", "x=1"),
        ("arg_x", "1"),
        ("request_method", "GET"),
        ("scheme", "http"),
        ("host", "example.com"),
        ("http_host", "Example.com:9080"),
        ("HTTP_X_Mixed", "Case"),
        ("http_x_twice", "1, 2"),
        ("cookie_b", "2"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("server_port", "9080"),
        ("pid", "77"),
        ("plugin_root_id", "amesh"),
        ("wasm_process_req_body", ""),
    ] {
        assert_eq!(read(name, request.clone()), value, "{name}");
    }
}

#[test]
fn paths_and_apisix_variables_are_not_found() {
    for name in ["request\\00path", "source\\00address", "route_id", "http_absent", "arg_absent", ""] {
        let name = name.replace("\\00", "\0");
        assert_eq!(read(&name, get()), "01", "{name:?}");
    }
    assert_eq!(read("args", HttpRequest::new("GET", "/", "h")), "01");
}

#[test]
fn only_settable_variables_can_be_set() {
    let module = on_request(
        r#"(call $note (call $proxy_set_property @"Upstream_Scheme" @"https"))
           (call $tell (call $proxy_get_property @"upstream_scheme" (i32.const 8) (i32.const 12)))
           (call $note (call $proxy_set_property @"uri" @"/x"))
           (call $note (call $proxy_set_property @"no_such" @"x"))
           (i32.const 0)"#,
    );
    assert_eq!(said(&module), ["00", "https", "10", "01"]);
}

#[test]
fn the_system_knows_process_and_time() {
    let variables = SystemVariables::new([127, 0, 0, 1].into(), 9080, "abc").with("hostname", "h");
    let get = |name| variables.get(name).unwrap();
    assert_eq!(get("pid"), std::process::id().to_string());
    assert_eq!((get("remote_addr"), get("server_port")), ("127.0.0.1".into(), "9080".into()));
    assert_eq!((get("request_id"), get("hostname")), ("abc".into(), "h".into()));
    let msec = get("msec");
    assert_eq!(msec.split_once('.').unwrap().1.len(), 3, "{msec}");
    assert!(get("time_iso8601").ends_with("+00:00") && get("time_iso8601").len() == 25);
    assert_eq!(variables.get("route_id"), None);
    assert_eq!(Variables::get(&BTreeMap::from([("a".to_owned(), "b".to_owned())]), "a").unwrap(), "b");
}
