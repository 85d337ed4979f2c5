//! Random listeners with inline routes. Texts are drawn from small alphabets, so that routes overlap.

use amesh_tests::http::free_port;
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// One random listener.
pub(crate) struct Config {
    /// `envoy.config.listener.v3.Listener`, without `@type`.
    pub(crate) listener: Value,
    /// Its route configuration once more.
    pub(crate) routes: Value,
    pub(crate) port: u16,
    pub(crate) ports: Ports,
    /// Path parameters are left out of matching.
    pub(crate) ignores_parameters: bool,
}

/// What becomes of the port in the Host header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    Compared,
    Ignored,
    Stripped,
    OwnStripped,
}

pub(crate) const SEGMENTS: [&str; 14] =
    ["a", "b", "ab", "abc", "A", "aB", "1", "a.b", "a+b", "*", ":a", "a*b", "$a", "(a)"];
pub(crate) const HEADERS: [&str; 3] = ["x-a", "x-b", "x-long-name"];
pub(crate) const VALUES: [&str; 13] = ["a", "b", "ab", "abc", "A", "B c", "", "5", "-3", "10", "+7", "a,b", "5.0"];
const PATHS: [&str; 12] = [
    "/a.*",
    "/[ab]+",
    "/(a|ab)(/b)?",
    "/a/[^/]+",
    ".*",
    r"/\w+/\d+",
    "/a+",
    "(?i)/AB.*",
    "/(?:a/)*b",
    r"/a\.b",
    "/[^b]*",
    "/.{2,3}",
];
/// Those that are no more than a text and what follows.
const TEXT_PATHS: [&str; 4] = ["/a.*", ".*", r"/a\.b", "/a/b.*"];
const AUTHORITIES: [&str; 14] = [
    "foo.test",
    "foo",
    "test",
    "8080",
    "80",
    ":",
    ":8080",
    "foo.test:8080",
    "test:8",
    "[::1]",
    "1",
    "9",
    ":9",
    "127.0.0.1",
];
const PATTERNS: [&str; 6] = ["a.*", "[ab]+", ".*", "(?i)AB", r"-?\d+", "a|b c"];
const DOMAINS: [&str; 20] = [
    "foo.test",
    "FOO.Test",
    "bar.test",
    "foo.test:8080",
    "foo.test:PORT",
    "bar.test:8080",
    "*.foo.test",
    "*.test",
    "*-bar.foo.test",
    "*.foo.test:8080",
    "foo.*",
    "foo-*",
    "a.foo.*",
    "foo.test.",
    "127.0.0.1",
    "[::1]",
    "[::1]:8080",
    "localhost",
    "*",
    "*",
];
const MOST_ROUTES: usize = 12;
const STATUSES: [u16; 6] = [200, 201, 403, 404, 429, 503];

pub(crate) fn pick<'a>(rng: &mut Rng, list: &[&'a str]) -> &'a str {
    list[rng.usize(..list.len())]
}

/// `/` or some segments, perhaps with a slash at the end.
pub(crate) fn path(rng: &mut Rng) -> String {
    let mut path = String::new();
    for _ in 0..rng.usize(0..4) {
        path.push('/');
        path.push_str(pick(rng, &SEGMENTS));
    }
    if path.is_empty() || rng.u8(..5) == 0 {
        path.push('/');
    }
    path
}

/// What a configuration may hold beside the usual.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    /// Virtual hosts of the same name, which Envoy allows.
    pub(crate) same_names: bool,
    /// Many header matchers on the host, of all kinds.
    pub(crate) authorities: bool,
    /// `ignore_path_parameters_in_path_matching`, and requests with path parameters.
    pub(crate) path_parameters: bool,
}

impl Config {
    pub(crate) fn random(seed: u64, rng: &mut Rng, extras: Extras) -> Self {
        let port = free_port().port();
        let ports = match rng.u8(..8) {
            0 => Ports::Ignored,
            1 => Ports::Stripped,
            2 => Ports::OwnStripped,
            _ => Ports::Compared,
        };
        let mut hosts = virtual_hosts(rng, port, extras);
        if extras.same_names {
            for host in &mut hosts {
                host["name"] = json!("same");
            }
        }
        let mut routes = json!({"name": format!("routes-{seed}"), "virtual_hosts": hosts,
            "validate_clusters": false});
        if ports == Ports::Ignored {
            routes["ignore_port_in_host_matching"] = json!(true);
        }
        if extras.path_parameters {
            routes["ignore_path_parameters_in_path_matching"] = json!(true);
        }
        let listener = listener(seed, port, ports, &routes);
        Self { listener, routes, port, ports, ignores_parameters: extras.path_parameters }
    }
}

fn listener(seed: u64, port: u16, ports: Ports, routes: &Value) -> Value {
    let filter = json!({"name": "envoy.filters.http.router", "typed_config":
        {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http", "route_config": routes, "http_filters": [filter],
    });
    match ports {
        Ports::Stripped => manager["strip_any_host_port"] = json!(true),
        Ports::OwnStripped => manager["strip_matching_host_port"] = json!(true),
        Ports::Compared | Ports::Ignored => {}
    }
    json!({"name": format!("listener-{seed}"),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]})
}

/// One to four, no domain twice.
fn virtual_hosts(rng: &mut Rng, port: u16, extras: Extras) -> Vec<Value> {
    let mut taken = Vec::new();
    let mut hosts = Vec::new();
    for index in 0..rng.usize(1..5) {
        let mut domains = Vec::new();
        for _ in 0..rng.usize(1..4) {
            let domain = pick(rng, &DOMAINS).replace("PORT", &port.to_string());
            if !taken.contains(&domain.to_lowercase()) {
                taken.push(domain.to_lowercase());
                domains.push(domain);
            }
        }
        if !domains.is_empty() {
            let routes: Vec<Value> =
                (0..rng.usize(0..MOST_ROUTES)).map(|route| self::route(rng, index, route, extras)).collect();
            hosts.push(json!({"name": format!("v{index}"), "domains": domains, "routes": routes}));
        }
    }
    hosts
}

fn route(rng: &mut Rng, host: usize, index: usize, extras: Extras) -> Value {
    let mut route = json!({"match": matcher(rng, extras)});
    match rng.u8(..8) {
        0 => route["route"] = json!({"cluster": pick(rng, &["c0", "c1", "nowhere"])}),
        1 => route["route"] = json!({"weighted_clusters": {"clusters": weights(rng)}}),
        _ => {
            let status = STATUSES[rng.usize(..STATUSES.len())];
            let body = json!({"inline_string": format!("v{host}r{index}")});
            route["direct_response"] = json!({"status": status, "body": body});
        }
    }
    route
}

/// Each of some clusters once, not all with weight 0.
fn weights(rng: &mut Rng) -> Vec<Value> {
    let mut clusters = vec!["c0", "c1", "c2", "c3"];
    rng.shuffle(&mut clusters);
    clusters.truncate(rng.usize(1..5));
    let weight = |(index, name): (usize, &str), rng: &mut Rng| {
        let weight = if index == 0 { rng.u32(1..5) } else { rng.u32(0..4) };
        json!({"name": name, "weight": weight})
    };
    clusters.into_iter().enumerate().map(|entry| weight(entry, rng)).collect()
}

fn matcher(rng: &mut Rng, extras: Extras) -> Value {
    let mut matcher = Map::new();
    match rng.u8(..8) {
        0..=2 => matcher.insert("prefix".into(), json!(if rng.u8(..4) == 0 { "/".into() } else { path(rng) })),
        3..=4 => matcher.insert("path".into(), json!(path(rng))),
        5..=6 => match path(rng).trim_end_matches('/') {
            "" => matcher.insert("path_separated_prefix".into(), json!("/a")),
            prefix => matcher.insert("path_separated_prefix".into(), json!(prefix)),
        },
        // Other patterns deny some requests with parameters, as a diagnostic says.
        _ if extras.path_parameters => matcher.insert("safe_regex".into(), json!({"regex": pick(rng, &TEXT_PATHS)})),
        _ => matcher.insert("safe_regex".into(), json!({"regex": pick(rng, &PATHS)})),
    };
    if rng.u8(..5) == 0 {
        matcher.insert("case_sensitive".into(), json!(false));
    }
    if rng.u8(..2) == 0 {
        let headers: Vec<Value> = (0..rng.usize(1..3)).map(|_| header(rng, extras)).collect();
        matcher.insert("headers".into(), json!(headers));
    }
    Value::Object(matcher)
}

fn header(rng: &mut Rng, extras: Extras) -> Value {
    let mut header = match rng.u8(..10) {
        0 => json!({"name": ":method", "string_match": {"exact": pick(rng, &["GET", "POST", "PROPFIND"])}}),
        1 => {
            let path = path(rng);
            json!({"name": ":path", "string_match": string(rng, &path)})
        }
        2..=6 if extras.authorities => {
            let text = pick(rng, &AUTHORITIES);
            json!({"name": pick(rng, &[":authority", "host"]), "string_match": string(rng, text)})
        }
        2 => json!({"name": ":authority", "string_match": {"contains": pick(rng, &["foo", "8080", "test"])}}),
        _ => value(rng),
    };
    for flag in ["invert_match", "treat_missing_header_as_empty"] {
        if rng.u8(..3) == 0 {
            header[flag] = json!(true);
        }
    }
    header
}

fn value(rng: &mut Rng) -> Value {
    let mut header = json!({"name": pick(rng, &HEADERS)});
    match rng.u8(..8) {
        0 => {}
        1 => header["present_match"] = json!(rng.bool()),
        2 => header["range_match"] = json!({"start": rng.i64(-5..6).to_string(), "end": rng.i64(0..12).to_string()}),
        3 => header["string_match"] = json!({"safe_regex": {"regex": pick(rng, &PATTERNS)}}),
        _ => {
            let text = pick(rng, &VALUES);
            header["string_match"] = string(rng, text);
        }
    }
    header
}

fn string(rng: &mut Rng, text: &str) -> Value {
    // Envoy takes an empty text in `exact` only.
    let kind = if text.is_empty() { "exact" } else { pick(rng, &["exact", "prefix", "suffix", "contains"]) };
    json!({kind: text, "ignore_case": rng.u8(..3) == 0})
}
