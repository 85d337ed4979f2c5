//! From a configuration to the requests that could tell two proxies apart.

use amesh_simulator::Request;
use fastrand::Rng;
use serde_json::Value;

use crate::headers::{Values, of_match};
use crate::hosts::hosts;
use crate::look::{list, text};
use crate::mesh::Mesh;
use crate::paths::paths;
use crate::probe::Probe;
use crate::queries::{cookies, queries};
use crate::sites::{Site, sites};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
/// Requests for each route that change several things at once.
const MIXED: usize = 6;
/// Domains of a virtual host that are looked at.
const DOMAINS: usize = 20;

/// What a request is made of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Draft {
    host: String,
    path: String,
    method: String,
    headers: Vec<(String, Option<String>)>,
    queries: Vec<(String, Option<String>)>,
    cookies: Vec<(String, Option<String>)>,
}

/// A route's choices: what it takes, and what it nearly takes.
struct Choices {
    hosts: Vec<String>,
    paths: Vec<String>,
    headers: Vec<(String, Values)>,
    queries: Vec<(String, Values)>,
    cookies: Vec<(String, Values)>,
}

/// The requests for a mesh, in the order of its listeners. `seed` decides the mixed ones.
#[must_use]
pub fn probes(mesh: &Mesh, seed: u64) -> Vec<Probe> {
    let mut rng = Rng::with_seed(seed);
    let mut probes = Vec::new();
    for site in sites(mesh) {
        for virtual_host in list(site.routes, &["virtual_hosts"]) {
            of_virtual_host(&site, virtual_host, &mut rng, &mut probes);
        }
        let lost = Draft { host: "nobody.invalid".into(), path: "/".into(), method: "GET".into(), ..Draft::default() };
        probes.push(Probe::new(request(&site, &lost)));
        probes
            .extend(without_scope(&site).map(|headers| Probe::new(request(&site, &Draft { headers, ..lost.clone() }))));
        probes.extend(by_header(&site, &lost).iter().map(|draft| Probe::new(request(&site, draft))));
    }
    probes
}

/// Changes of each of the lines that lead to the scope, after which they lead elsewhere or nowhere.
fn without_scope<'s>(site: &'s Site<'_>) -> impl Iterator<Item = Vec<(String, Option<String>)>> + 's {
    site.scope.iter().flat_map(|(name, value)| {
        let others = [None, Some(String::new()), Some(format!("{value}2")), Some(format!("2{value}"))];
        others.into_iter().map(|other| vec![(name.clone(), other)])
    })
}

/// Requests without the header that chooses virtual hosts, with an empty one and with one in two lines.
fn by_header(site: &Site<'_>, lost: &Draft) -> Vec<Draft> {
    let Some(name) = host_header(site) else { return Vec::new() };
    let draft = |values: &[Option<&str>]| {
        let headers = values.iter().map(|value| (name.clone(), value.map(str::to_owned))).collect();
        Draft { headers, ..lost.clone() }
    };
    vec![draft(&[None]), draft(&[Some("")]), draft(&[Some("nobody.invalid"); 2])]
}

/// The header in the place of the host.
fn host_header(site: &Site<'_>) -> Option<String> {
    text(site.routes, &["vhost_header"]).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase)
}

fn of_virtual_host(site: &Site<'_>, virtual_host: &Value, rng: &mut Rng, probes: &mut Vec<Probe>) {
    let domains = list(virtual_host, &["domains"]).iter().filter_map(Value::as_str).take(DOMAINS);
    let hosts: Vec<String> = domains.flat_map(|domain| hosts(domain, site.port)).collect();
    for (index, route) in list(virtual_host, &["routes"]).iter().enumerate() {
        let matcher = route.get("match").unwrap_or(&Value::Null);
        let choices = Choices {
            hosts: if index == 0 { hosts.clone() } else { hosts.iter().take(1).cloned().collect() },
            paths: paths(matcher),
            headers: of_match(matcher),
            queries: queries(matcher),
            cookies: cookies(matcher),
        };
        let drafts = drafts(&choices, &hosts, rng);
        probes.extend(drafts.iter().map(|draft| Probe::new(request(site, draft))));
    }
}

/// The route's own request, every change of one thing, and some of several.
fn drafts(choices: &Choices, hosts: &[String], rng: &mut Rng) -> Vec<Draft> {
    let Some(base) = base(choices, hosts) else { return Vec::new() };
    let mut drafts = vec![base.clone()];
    let mut vary = |change: &dyn Fn(&mut Draft)| {
        let mut draft = base.clone();
        change(&mut draft);
        drafts.push(draft);
    };
    choices.hosts.iter().skip(1).for_each(|host| vary(&|draft| draft.host.clone_from(host)));
    choices.paths.iter().skip(1).for_each(|path| vary(&|draft| draft.path.clone_from(path)));
    METHODS.iter().skip(1).for_each(|method| vary(&|draft| (*method).clone_into(&mut draft.method)));
    each(&choices.headers, &mut |name, value| {
        vary(&|draft| set(&mut draft.headers, name, value.as_ref()));
        if let Some(text) = value {
            vary(&|draft| draft.headers.push((name.to_owned(), Some(format!("{text}2")))));
        }
    });
    each(&choices.queries, &mut |name, value| vary(&|draft| set(&mut draft.queries, name, value.as_ref())));
    each(&choices.cookies, &mut |name, value| vary(&|draft| set(&mut draft.cookies, name, value.as_ref())));
    vary(&|draft| draft.queries.push(("q".into(), Some("1%2F+x".into()))));
    vary(&|draft| draft.headers.push(("accept-encoding".into(), Some("gzip".into()))));
    vary(&|draft| draft.headers.push(("origin".into(), Some("https://other.example".into()))));
    drafts.extend((0..MIXED).filter_map(|_| mixed(&base, choices, hosts, rng)));
    drafts.dedup();
    drafts
}

fn base(choices: &Choices, hosts: &[String]) -> Option<Draft> {
    let good = |values: &[(String, Values)]| {
        values.iter().map(|(name, values)| (name.clone(), values.first().cloned().flatten())).collect()
    };
    let mut draft = Draft {
        host: hosts.first()?.clone(),
        path: choices.paths.first()?.clone(),
        method: "GET".into(),
        headers: Vec::new(),
        queries: good(&choices.queries),
        cookies: good(&choices.cookies),
    };
    for (name, values) in &choices.headers {
        if let Some(value) = values.first() {
            set(&mut draft.headers, name, value.as_ref());
        }
    }
    Some(draft)
}

fn each(all: &[(String, Values)], act: &mut dyn FnMut(&str, &Option<String>)) {
    for (name, values) in all {
        values.good.iter().skip(1).chain(&values.near).for_each(|value| act(name, value));
    }
}

fn set(list: &mut Vec<(String, Option<String>)>, name: &str, value: Option<&String>) {
    list.retain(|(other, _)| other != name);
    list.push((name.to_owned(), value.cloned()));
}

fn mixed(base: &Draft, choices: &Choices, hosts: &[String], rng: &mut Rng) -> Option<Draft> {
    let mut draft = base.clone();
    draft.host.clone_from(hosts.get(rng.usize(..hosts.len()))?);
    draft.path.clone_from(choices.paths.get(rng.usize(..choices.paths.len()))?);
    (*METHODS.get(rng.usize(..METHODS.len()))?).clone_into(&mut draft.method);
    mix(&choices.headers, &mut draft.headers, rng);
    mix(&choices.queries, &mut draft.queries, rng);
    mix(&choices.cookies, &mut draft.cookies, rng);
    Some(draft)
}

fn mix(choices: &[(String, Values)], list: &mut Vec<(String, Option<String>)>, rng: &mut Rng) {
    for (name, values) in choices {
        let all: Vec<&Option<String>> = values.good.iter().chain(&values.near).collect();
        if let Some(value) = rng.bool().then(|| rng.choice(&all)).flatten() {
            set(list, name, value.as_ref());
        }
    }
}

/// Puts a draft on the wire. Pseudo headers go where they belong; the host goes into the header that stands for it.
fn request(site: &Site<'_>, draft: &Draft) -> Request {
    let mut host = draft.host.clone();
    let mut method = draft.method.clone();
    let mut target = draft.path.clone();
    let is_set = |name: &str| draft.headers.iter().any(|(other, _)| other == name);
    let mut headers: Vec<_> =
        site.scope.iter().filter(|(name, _)| !is_set(name)).map(|(n, v)| (n.as_str(), v)).collect();
    let chosen = host_header(site).filter(|name| !is_set(name)).map(|name| (name, Some(draft.host.clone())));
    for (name, value) in draft.headers.iter().chain(&chosen) {
        let Some(value) = value else { continue };
        match name.as_str() {
            ":method" if is_token(value) => method.clone_from(value),
            ":path" if value.starts_with('/') && !value.contains(' ') => target.clone_from(value),
            ":authority" | "host" if !value.is_empty() && !value.contains([' ', '/']) => host.clone_from(value),
            name if name.starts_with(':') || name == "host" || name.is_empty() => {}
            name if value.bytes().all(|byte| byte >= b' ' && byte != 0x7f) => headers.push((name, value)),
            _ => {}
        }
    }
    let query: Vec<String> =
        draft.queries.iter().filter_map(|(name, value)| Some(parameter(name, value.as_ref()?))).collect();
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let cookie: Vec<String> =
        draft.cookies.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?))).collect();
    let mut request = Request::get(&host, target).with_method(&method);
    for (name, value) in headers {
        request = request.with_header(name, value.as_str());
    }
    if !cookie.is_empty() {
        request = request.with_header("cookie", cookie.join("; "));
    }
    request.server_port = site.port;
    request.tls = site.tls;
    request.sni.clone_from(&site.sni);
    request.original_dst.clone_from(&site.original_dst);
    if let Some(address) = site.address.and_then(|address| address.parse().ok()) {
        request.server_addr = address;
    }
    request
}

/// `name=value`, or the bare name for an empty value.
fn parameter(name: &str, value: &str) -> String {
    if value.is_empty() { name.to_owned() } else { format!("{name}={value}") }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_edge_of_a_route_is_asked_for() {
        let listener = json!({
            "name": "l", "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8080}},
            "filter_chains": [{"filters": [{"typed_config": {
                "@type": "type.googleapis.com/x.HttpConnectionManager",
                "route_config": {"virtual_hosts": [{"name": "v", "domains": ["a.test"], "routes": [
                    {"match": {"prefix": "/api", "headers": [{"name": "x-a", "string_match": {"exact": "1"}}]}}
                ]}]},
            }}]}],
        });
        let mesh = Mesh { listeners: vec![listener], ..Mesh::default() };
        let probes = probes(&mesh, 1);
        let first = &probes[0].request;
        assert_eq!((first.server_port, first.target.as_slice()), (8080, &b"/api"[..]));
        assert_eq!(first.headers[1], ("x-a".to_owned(), b"1".to_vec()));
        assert!(probes.iter().any(|probe| probe.request.headers.len() == 1), "without the header");
        assert!(probes.iter().any(|probe| probe.request.method == "PROPFIND"));
        assert!(probes.len() > 30, "{}", probes.len());
    }
}
