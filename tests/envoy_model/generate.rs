//! Random connection managers: any feature together with any other. Texts are drawn from small alphabets, so that
//! routes overlap and requests meet them.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::random_filters as filters;

pub(crate) const SEGMENTS: [&str; 10] = ["a", "b", "ab", "abc", "A", "a.b", "a%2Fb", "a;b", "..", ""];
pub(crate) const HEADERS: [&str; 5] = ["x-a", "x-b", "x-c", "accept", "x-fault"];
pub(crate) const VALUES: [&str; 10] = ["a", "b", "ab", "A", "", "5", "-3", "10", "a,b", "c1"];
pub(crate) const DOMAINS: [&str; 9] =
    ["a.test", "b.test", "A.a.test", "*.test", "*.a.test", "a.*", "a.test:81", "*", "*-x.test"];
const CLUSTERS: [&str; 8] = ["c0", "c1", "c2", "c3", "c0", "named", "empty", "nowhere"];
const PATTERNS: [&str; 7] = ["/a.*", "/[ab]+", "/(a|ab)(/b)?", ".*", "(?i)/AB.*", r"/a\.b", "/.{2,3}"];
const FORMATS: [&str; 8] =
    ["v", "%REQ(x-a)%", "%REQ(:path)%", "<%REQ(x-b?:method)%>", "%PROTOCOL%", "%ROUTE_NAME%", "%REQ(x-a):1%", "%%"];
const ACTIONS: [&str; 4] =
    ["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"];

pub(crate) fn pick<'a>(rng: &mut Rng, list: &[&'a str]) -> &'a str {
    list[rng.usize(..list.len())]
}

/// True once in so many times.
pub(crate) fn one_in(rng: &mut Rng, times: u32) -> bool {
    rng.u32(..times) == 0
}

/// `/` or some segments, perhaps with a slash at the end.
pub(crate) fn path(rng: &mut Rng) -> String {
    let mut path = String::new();
    for _ in 0..rng.usize(0..4) {
        path.push('/');
        path.push_str(pick(rng, &SEGMENTS));
    }
    if path.is_empty() || one_in(rng, 5) {
        path.push('/');
    }
    path
}

/// A connection manager without what is always the same.
pub(crate) fn manager(rng: &mut Rng) -> Value {
    let mut manager = json!({"route_config": routes(rng), "http_filters": filters::chain(rng)});
    for flag in ["normalize_path", "merge_slashes", "strip_any_host_port", "strip_trailing_host_dot"] {
        if one_in(rng, 4) {
            manager[flag] = json!(true);
        }
    }
    if one_in(rng, 4) {
        let actions = ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"];
        manager["path_with_escaped_slashes_action"] = json!(pick(rng, &actions));
    }
    manager
}

fn routes(rng: &mut Rng) -> Value {
    let mut free: Vec<&str> = DOMAINS.to_vec();
    rng.shuffle(&mut free);
    let mut hosts = Vec::new();
    for index in 0..rng.usize(1..4) {
        let domains: Vec<&str> = free.drain(..rng.usize(1..3)).collect();
        let routes: Vec<Value> = (0..rng.usize(1..8)).map(|_| route(rng)).collect();
        let mut host = json!({"name": format!("v{index}"), "domains": domains, "routes": routes});
        if one_in(rng, 8) {
            host["require_tls"] = json!("ALL");
        }
        level(rng, &mut host);
        hosts.push(host);
    }
    let mut table = json!({"name": "routes", "virtual_hosts": hosts, "validate_clusters": false});
    for flag in [
        "ignore_port_in_host_matching",
        "ignore_path_parameters_in_path_matching",
        "most_specific_header_mutations_wins",
    ] {
        if one_in(rng, 4) {
            table[flag] = json!(true);
        }
    }
    level(rng, &mut table);
    table
}

/// Header changes and filters, which every level may have.
fn level(rng: &mut Rng, owner: &mut Value) {
    for kind in ["request", "response"] {
        if one_in(rng, 3) {
            owner[format!("{kind}_headers_to_add")] = (0..rng.usize(1..3)).map(|_| addition(rng)).collect();
        }
        if one_in(rng, 6) {
            owner[format!("{kind}_headers_to_remove")] = json!([pick(rng, &["x-a", "x-upstream", "accept"])]);
        }
    }
    let filters = filters::overrides(rng);
    if !filters.is_empty() {
        owner["typed_per_filter_config"] = Value::Object(filters);
    }
}

pub(crate) fn addition(rng: &mut Rng) -> Value {
    let name = pick(rng, &["x-a", "x-b", "x-new", "x-upstream", "x-replaced", "accept", "content-type"]);
    json!({"header": {"key": name, "value": pick(rng, &FORMATS)}, "append_action": pick(rng, &ACTIONS),
        "keep_empty_value": one_in(rng, 4)})
}

fn route(rng: &mut Rng) -> Value {
    let (matcher, template) = matcher(rng);
    let mut route = json!({"match": matcher});
    if one_in(rng, 3) {
        route["name"] = json!("my-route");
    }
    match rng.u8(..8) {
        0 => route["redirect"] = redirect(rng, template),
        1 => route["direct_response"] = direct(rng),
        _ => route["route"] = action(rng, template),
    }
    level(rng, &mut route);
    route
}

fn direct(rng: &mut Rng) -> Value {
    let status = [200, 201, 302, 403, 404, 503][rng.usize(..6)];
    json!({"status": status, "body": {"inline_string": pick(rng, &["", "x", "a body"])}})
}

/// Envoy takes no rewrite of a prefix beside a path template.
fn redirect(rng: &mut Rng, template: bool) -> Value {
    let mut redirect = json!({});
    match rng.u8(..4) {
        0 => redirect["https_redirect"] = json!(true),
        1 => redirect["scheme_redirect"] = json!(pick(rng, &["https", "http", "ftp"])),
        _ => {}
    }
    match rng.u8(..5) {
        0 => redirect["path_redirect"] = json!(pick(rng, &["/new", "/new?z=1"])),
        1 if !template => redirect["prefix_rewrite"] = json!(pick(rng, &["/", "/new"])),
        2 => redirect["regex_rewrite"] = regex_rewrite(rng),
        _ => {}
    }
    if one_in(rng, 3) {
        redirect["host_redirect"] = json!(pick(rng, &["h.test", "h.test:82"]));
    }
    if one_in(rng, 3) {
        redirect["port_redirect"] = json!(rng.u16(80..90));
    }
    redirect["strip_query"] = json!(one_in(rng, 3));
    redirect["response_code"] = json!(pick(rng, &["MOVED_PERMANENTLY", "FOUND", "SEE_OTHER", "PERMANENT_REDIRECT"]));
    redirect
}

fn regex_rewrite(rng: &mut Rng) -> Value {
    let (pattern, substitution) =
        [("a", "<\\0>"), ("^/(a*)", "/x\\1y"), ("/", "//"), ("(.)b", "\\1"), ("z*", "-")][rng.usize(..5)];
    json!({"pattern": {"regex": pattern}, "substitution": substitution})
}

fn action(rng: &mut Rng, template: bool) -> Value {
    let mut action = match rng.u8(..6) {
        0 => json!({"weighted_clusters": {"clusters": weights(rng)}}),
        1 => json!({"cluster_header": pick(rng, &["x-c", "x-a"])}),
        _ => json!({"cluster": pick(rng, &CLUSTERS)}),
    };
    match rng.u8(..5) {
        0 if !template => action["prefix_rewrite"] = json!(pick(rng, &["/", "/new", "/new/"])),
        1 => action["regex_rewrite"] = regex_rewrite(rng),
        2 if template => {
            let config = json!({"path_template_rewrite": pick(rng, &["/x/{p}", "/{p}", "/y"]), "@type":
                "type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig"});
            action["path_rewrite_policy"] = json!({"name": "rewrite", "typed_config": config});
        }
        _ => {}
    }
    match rng.u8(..6) {
        0 => action["host_rewrite_literal"] = json!(pick(rng, &["h.test", "h.test:83"])),
        1 => action["host_rewrite_header"] = json!(pick(rng, &["x-a", "x-b"])),
        2 => action["auto_host_rewrite"] = json!(true),
        3 => action["host_rewrite_path_regex"] = regex_rewrite(rng),
        _ => {}
    }
    if one_in(rng, 6) {
        action["append_x_forwarded_host"] = json!(true);
    }
    if one_in(rng, 6) {
        action["upgrade_configs"] = json!([{"upgrade_type": "websocket", "enabled": rng.bool()}]);
    }
    if one_in(rng, 8) {
        action["cluster_not_found_response_code"] = json!("NOT_FOUND");
    }
    action
}

/// Totals are divisors of 100, so that few draws stand for all.
fn weights(rng: &mut Rng) -> Vec<Value> {
    let weights: &[u32] = [[1, 1, 0].as_slice(), &[3, 1], &[2, 2, 1], &[10], &[0, 5, 5], &[50, 25, 25]][rng.usize(..6)];
    let entry = |weight: &u32| {
        let mut entry = json!({"name": pick(rng, &CLUSTERS), "weight": weight});
        level(rng, &mut entry);
        if one_in(rng, 4) {
            entry["host_rewrite_literal"] = json!("w.test");
        }
        entry
    };
    weights.iter().map(entry).collect()
}

/// A matcher, and whether it is a path template with the part `p`.
fn matcher(rng: &mut Rng) -> (Value, bool) {
    let mut matcher = Map::new();
    let mut template = false;
    match rng.u8(..10) {
        0..=3 => matcher.insert("prefix".into(), json!(if one_in(rng, 2) { "/".into() } else { path(rng) })),
        4..=5 => matcher.insert("path".into(), json!(path(rng))),
        6 => matcher.insert("path_separated_prefix".into(), json!(pick(rng, &["/a", "/a/b", "/A"]))),
        7 => {
            template = true;
            let config = json!({"path_template": pick(rng, &["/{p}", "/a/{p=**}", "/*/{p}", "/{p=a/*}/**"]),
                "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"});
            matcher.insert("path_match_policy".into(), json!({"name": "template", "typed_config": config}))
        }
        _ => matcher.insert("safe_regex".into(), json!({"regex": pick(rng, &PATTERNS)})),
    };
    if one_in(rng, 5) && !template {
        matcher.insert("case_sensitive".into(), json!(false));
    }
    if one_in(rng, 3) {
        let headers: Vec<Value> = (0..rng.usize(1..3)).map(|_| header(rng)).collect();
        matcher.insert("headers".into(), json!(headers));
    }
    if one_in(rng, 8) {
        let parameter = json!({"name": pick(rng, &["k", "l"]), "string_match": string(rng)});
        matcher.insert("query_parameters".into(), json!([parameter]));
    }
    if one_in(rng, 8) {
        let cookie = json!({"name": "k", "string_match": string(rng), "invert_match": rng.bool()});
        matcher.insert("cookies".into(), json!([cookie]));
    }
    if one_in(rng, 10) {
        let fraction = json!({"default_value": {"numerator": rng.choice([0, 25, 50, 100])}});
        matcher.insert("runtime_fraction".into(), fraction);
    }
    if one_in(rng, 20) {
        matcher.insert("grpc".into(), json!({}));
    }
    (Value::Object(matcher), template)
}

pub(crate) fn header(rng: &mut Rng) -> Value {
    let mut header = json!({"name": pick(rng, &["x-a", "x-b", "x-c", "accept", ":method", ":path", ":authority"])});
    match rng.u8(..6) {
        0 => header["present_match"] = json!(rng.bool()),
        1 => header["range_match"] = json!({"start": rng.i64(-5..6).to_string(), "end": rng.i64(0..12).to_string()}),
        _ => header["string_match"] = string(rng),
    }
    for flag in ["invert_match", "treat_missing_header_as_empty"] {
        if one_in(rng, 3) {
            header[flag] = json!(true);
        }
    }
    header
}

pub(crate) fn string(rng: &mut Rng) -> Value {
    let text = pick(rng, &VALUES);
    match rng.u8(..6) {
        0 => json!({"safe_regex": {"regex": pick(rng, &["a.*", "[ab]+", ".*", "(?i)A", r"-?\d+"])}}),
        // Envoy takes an empty text in `exact` only.
        1 if !text.is_empty() => json!({"prefix": text, "ignore_case": rng.bool()}),
        2 if !text.is_empty() => json!({"suffix": text, "ignore_case": rng.bool()}),
        3 if !text.is_empty() => json!({"contains": text, "ignore_case": rng.bool()}),
        _ => json!({"exact": text, "ignore_case": rng.bool()}),
    }
}
