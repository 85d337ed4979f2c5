//! Random requests, drawn so that they come near the routes of a configuration.

use amesh_simulator::apisix::Request;
use fastrand::Rng;
use serde_json::Value;

use crate::generate::{Config, HEADERS, VALUES, path, pick};

const HOSTS: [&str; 22] = [
    "foo.test",
    "FOO.test",
    "foo.test:8080",
    "foo.test:PORT",
    "foo.test:9",
    "bar.test",
    "bar.test:8080",
    "a.foo.test",
    "a.b.foo.test",
    "a.foo.test:8080",
    "a-bar.foo.test",
    "-bar.foo.test",
    "x.test",
    "test",
    "foo.com",
    "foo.com:8080",
    "foo-x",
    "a.foo.com",
    "127.0.0.1",
    "[::1]",
    "[::1]:8080",
    "localhost",
];
const METHODS: [&str; 6] = ["GET", "GET", "POST", "PUT", "DELETE", "PROPFIND"];

/// A request, and whether it is of a kind that APISIX is known to read in another way than Envoy.
pub(crate) struct Probe {
    pub(crate) request: Request,
    /// The code of the diagnostic that has to declare a difference, if there is one.
    pub(crate) declared_by: Option<&'static str>,
}

/// A request to a configuration; one of ten is of such a kind.
pub(crate) fn random(rng: &mut Rng, config: &Config) -> Probe {
    let mut request = usual(rng, config);
    if rng.u8(..10) != 0 {
        return Probe { request, declared_by: None };
    }
    let code = match rng.u8(..6) {
        0 => retarget(&mut request, |target| target.replacen('/', "//", 1)),
        1 => retarget(&mut request, |target| target.replace('a', "%61")),
        2 => retarget(&mut request, |target| format!("/b/..{target}")),
        3 => {
            request.headers[0].1.push(b'.');
            "AM0211"
        }
        4 => {
            request = request.with_header("x-a", "b").with_header("x-a", pick(rng, &VALUES));
            "AM0206"
        }
        _ => {
            request = request.with_header("x_long_name", pick(rng, &VALUES));
            "AM0206"
        }
    };
    Probe { request, declared_by: Some(code) }
}

fn retarget(request: &mut Request, change: impl Fn(&str) -> String) -> &'static str {
    request.target = change(&String::from_utf8_lossy(&request.target)).into_bytes();
    "AM0211"
}

/// Aims at a route of the configuration, and misses now and then.
fn usual(rng: &mut Rng, config: &Config) -> Request {
    let hosts = list(&config.routes["virtual_hosts"]);
    let target = choose(rng, hosts);
    let route = target.and_then(|host| choose(rng, list(&host["routes"])));
    let domain = target.and_then(|host| choose(rng, list(&host["domains"]))).and_then(Value::as_str);
    let host = host(rng, domain).replace("PORT", &config.port.to_string());
    let mut path = match route.filter(|_| rng.u8(..8) != 0) {
        Some(route) => near(rng, &route["match"]),
        None => path(rng),
    };
    if config.ignores_parameters && rng.bool() {
        let at = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).filter(|at| *at > 0).collect::<Vec<_>>();
        path.insert_str(at[rng.usize(..at.len())], pick(rng, &[";", ";a", ";v=1;b"]));
    }
    if rng.u8(..5) == 0 {
        path.push_str(pick(rng, &["?", "?x=1", "?/a/b"]));
    }
    let mut request = Request::get(&host, path).with_method(pick(rng, &METHODS));
    request.server_port = config.port;
    for header in HEADERS {
        let wanted = route.and_then(|route| wanted(&route["match"], header)).filter(|_| rng.u8(..4) != 0);
        if wanted.is_some() || rng.u8(..3) == 0 {
            request = request.with_header(header, wanted.unwrap_or_else(|| pick(rng, &VALUES)));
        }
    }
    request
}

fn choose<'a>(rng: &mut Rng, values: &'a [Value]) -> Option<&'a Value> {
    if values.is_empty() { None } else { values.get(rng.usize(..values.len())) }
}

/// A host that meets the domain, or one from the list.
fn host(rng: &mut Rng, domain: Option<&str>) -> String {
    match domain.filter(|_| rng.u8(..6) != 0) {
        None | Some("*") => pick(rng, &HOSTS).to_owned(),
        // Outside the domain in which APISIX matches as Envoy does.
        Some("foo.test.") => "foo.test".to_owned(),
        Some(domain) => domain.replace('*', pick(rng, &["a", "b.c", "x"])),
    }
}

/// The path that a match asks for, perhaps changed a little.
fn near(rng: &mut Rng, matcher: &Value) -> String {
    let text = ["prefix", "path", "path_separated_prefix"].iter().find_map(|key| matcher[key].as_str());
    let mut text = text.map_or_else(|| path(rng), str::to_owned);
    match rng.u8(..12) {
        0 => text.push_str(pick(rng, &["a", "b", "1"])),
        1..=2 if !text.ends_with('/') => text.push_str(pick(rng, &["/", "/a", "/b"])),
        3 => text = text.to_uppercase(),
        4 if text.len() > 1 => drop(text.pop()),
        _ => {}
    }
    text
}

/// The text that a match looks for in a header.
fn wanted<'a>(matcher: &'a Value, header: &str) -> Option<&'a str> {
    let matcher = list(&matcher["headers"]).iter().find(|matcher| matcher["name"] == header)?;
    ["exact", "prefix", "suffix", "contains"].iter().find_map(|key| matcher["string_match"][key].as_str())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
