//! Envoy's rules, read plainly: the virtual host by its domains, then the first route whose match holds as a whole.

use std::collections::BTreeSet;

use amesh_simulator::apisix::Request;
use regex::Regex;
use serde_json::Value;

use crate::backends::Backends;
use crate::generate::{Config, Ports};

/// Where a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The proxy's own answer: status and body.
    Reply(u16, String),
    /// An answer by one of these endpoints.
    Endpoints(BTreeSet<String>),
}

/// What Envoy does with a request.
pub(crate) fn decide(config: &Config, request: &Request, backends: &Backends) -> End {
    let header = |name: &str| header(config, request, name);
    let host = header(":authority").unwrap_or_default().to_lowercase();
    let host = if config.ports == Ports::Ignored { without_port(&host).0.to_owned() } else { host };
    let hosts = config.routes["virtual_hosts"].as_array().expect("a list");
    let routes = virtual_host(hosts, &host).and_then(|host| host["routes"].as_array());
    let path = header(":path").unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let bare =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/");
    let path = if config.ignores_parameters { &bare } else { path };
    let route = routes.into_iter().flatten().find(|route| matches(&route["match"], path, &header));
    route.map_or(End::Reply(404, String::new()), |route| end(route, backends))
}

fn end(route: &Value, backends: &Backends) -> End {
    if let Some(status) = route["direct_response"]["status"].as_u64() {
        let body = route["direct_response"]["body"]["inline_string"].as_str().unwrap_or_default();
        return End::Reply(u16::try_from(status).expect("a status"), body.to_owned());
    }
    let weighted = route["route"]["weighted_clusters"]["clusters"].as_array();
    let weighted = weighted.into_iter().flatten().filter(|it| it["weight"] != 0).filter_map(|it| it["name"].as_str());
    let endpoints = backends.endpoints(weighted.chain(route["route"]["cluster"].as_str()));
    if endpoints.is_empty() { End::Reply(503, String::new()) } else { End::Endpoints(endpoints) }
}

/// The value of a header or pseudo header as it is when routes are matched.
fn header(config: &Config, request: &Request, name: &str) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    match name {
        ":method" => return Some(request.method.clone()),
        ":path" => return Some(text(&request.target)),
        _ => {}
    }
    let name = if name == ":authority" { "host" } else { name };
    let (_, value) = request.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    let value = text(value).trim().to_owned();
    let (bare, port) = without_port(&value);
    let is_stripped = match config.ports {
        Ports::Stripped => true,
        Ports::OwnStripped => port == Some(config.port),
        Ports::Compared | Ports::Ignored => false,
    };
    Some(if name == "host" && is_stripped { bare.to_owned() } else { value })
}

fn without_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((bare, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (bare, port.parse().ok())
        }
        _ => (host, None),
    }
}

/// Exact domains, then suffixes, then prefixes, each longest first, then the one for all. A star is never empty.
fn virtual_host<'a>(hosts: &'a [Value], host: &str) -> Option<&'a Value> {
    let mut best: Option<((u8, usize), &Value)> = None;
    for candidate in hosts {
        for domain in candidate["domains"].as_array().expect("a list") {
            let domain = domain.as_str().expect("text").to_lowercase();
            if let Some(rank) = rank(&domain, host)
                && best.is_none_or(|(other, _)| rank > other)
            {
                best = Some((rank, candidate));
            }
        }
    }
    best.map(|(_, host)| host)
}

fn rank(domain: &str, host: &str) -> Option<(u8, usize)> {
    let longer = host.len() >= domain.len();
    let rank = match (domain, domain.strip_prefix('*'), domain.strip_suffix('*')) {
        ("*", _, _) => Some(0),
        (_, Some(suffix), _) => (longer && host.ends_with(suffix)).then_some(2),
        (_, _, Some(prefix)) => (longer && host.starts_with(prefix)).then_some(1),
        _ => (domain == host).then_some(3),
    };
    rank.map(|rank| (rank, domain.len()))
}

fn matches(matcher: &Value, path: &str, header: &impl Fn(&str) -> Option<String>) -> bool {
    let fold = |text: &str| {
        if matcher["case_sensitive"] == false { text.to_ascii_lowercase() } else { text.to_owned() }
    };
    let text = |key: &str| matcher[key].as_str().map(fold);
    let folded = fold(path);
    let holds = if let Some(prefix) = text("prefix") {
        folded.starts_with(&prefix)
    } else if let Some(exact) = text("path") {
        folded == exact
    } else if let Some(prefix) = text("path_separated_prefix") {
        folded.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    } else {
        full_match(&matcher["safe_regex"], path)
    };
    holds && matcher["headers"].as_array().into_iter().flatten().all(|it| header_matches(it, header))
}

fn full_match(matcher: &Value, text: &str) -> bool {
    let pattern = matcher["regex"].as_str().expect("a pattern");
    Regex::new(&format!(r"\A(?:{pattern})\z")).expect("a pattern").is_match(text)
}

fn header_matches(matcher: &Value, header: &impl Fn(&str) -> Option<String>) -> bool {
    let value = header(matcher["name"].as_str().expect("a name"));
    let value = if matcher["treat_missing_header_as_empty"] == true { value.or(Some(String::new())) } else { value };
    let inverted = matcher["invert_match"] == true;
    let only_presence = ["string_match", "range_match"].iter().all(|key| matcher[key].is_null());
    if only_presence {
        let wanted = matcher["present_match"].as_bool().unwrap_or(true);
        return (value.is_some() == wanted) != inverted;
    }
    value.is_some_and(|value| value_matches(matcher, &value) != inverted)
}

fn value_matches(matcher: &Value, value: &str) -> bool {
    let range = &matcher["range_match"];
    if !range.is_null() {
        let bound = |key: &str| range[key].as_str().map_or(0, |text| text.parse::<i64>().expect("a number"));
        return value.parse::<i64>().is_ok_and(|number| bound("start") <= number && number < bound("end"));
    }
    let matcher = &matcher["string_match"];
    let fold = |text: &str| if matcher["ignore_case"] == true { text.to_ascii_lowercase() } else { text.to_owned() };
    let text = |key: &str| matcher[key].as_str().map(fold);
    let folded = fold(value);
    if let Some(exact) = text("exact") {
        folded == exact
    } else if let Some(prefix) = text("prefix") {
        folded.starts_with(&prefix)
    } else if let Some(suffix) = text("suffix") {
        folded.ends_with(&suffix)
    } else if let Some(part) = text("contains") {
        folded.contains(&part)
    } else {
        full_match(&matcher["safe_regex"], value)
    }
}
