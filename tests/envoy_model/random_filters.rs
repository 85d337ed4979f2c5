//! Random HTTP filters, and what routes say about them.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::generate::{addition, header, one_in, pick, string};

const TYPES: &str = "type.googleapis.com/envoy.extensions.filters.http.";
const NAMES: [&str; 5] = ["fault", "cors", "rbac", "mutation", "csrf"];

/// Some filters in any order, each at most once.
pub(crate) fn chain(rng: &mut Rng) -> Vec<Value> {
    let mut names: Vec<&str> = NAMES.into_iter().filter(|_| one_in(rng, 3)).collect();
    rng.shuffle(&mut names);
    let filter = |name: &str| {
        let config = match name {
            "cors" => typed("cors.v3.Cors", json!({})),
            "mutation" => typed("header_mutation.v3.HeaderMutation", mutations(rng, true)),
            "rbac" => typed("rbac.v3.RBAC", rules(rng)),
            other => route_config(rng, other),
        };
        json!({"name": name, "typed_config": config, "disabled": one_in(rng, 6)})
    };
    names.into_iter().map(filter).collect()
}

/// What one level says about filters, by name.
pub(crate) fn overrides(rng: &mut Rng) -> Map<String, Value> {
    let mut configs = Map::new();
    for name in NAMES {
        if !one_in(rng, 8) {
            continue;
        }
        let wrapper = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
        let config = match rng.u8(..4) {
            0 => json!({"@type": wrapper, "disabled": true}),
            1 => json!({"@type": wrapper, "config": route_config(rng, name)}),
            _ => route_config(rng, name),
        };
        configs.insert(name.into(), config);
    }
    configs
}

fn typed(name: &str, mut config: Value) -> Value {
    config["@type"] = json!(format!("{TYPES}{name}"));
    config
}

fn route_config(rng: &mut Rng, name: &str) -> Value {
    match name {
        "fault" => typed("fault.v3.HTTPFault", fault(rng)),
        "cors" => typed("cors.v3.CorsPolicy", cors(rng)),
        "rbac" if one_in(rng, 4) => typed("rbac.v3.RBACPerRoute", json!({})),
        "rbac" => typed("rbac.v3.RBACPerRoute", json!({"rbac": rules(rng)})),
        "mutation" => typed("header_mutation.v3.HeaderMutationPerRoute", mutations(rng, false)),
        _ => typed(
            "csrf.v3.CsrfPolicy",
            json!({"filter_enabled": {"default_value":
            {"numerator": rng.choice([0, 100])}}, "additional_origins": [{"suffix": "b.test"}]}),
        ),
    }
}

fn fault(rng: &mut Rng) -> Value {
    let percentage = json!({"numerator": rng.choice([0, 50, 100])});
    let mut fault = json!({"abort": {"http_status": rng.choice([418, 503]), "percentage": percentage}});
    if one_in(rng, 2) {
        fault["headers"] = json!([header(rng)]);
    }
    if one_in(rng, 4) {
        fault["upstream_cluster"] = json!(pick(rng, &["c0", "c1"]));
    }
    fault
}

fn cors(rng: &mut Rng) -> Value {
    let mut policy = json!({"allow_origin_string_match": [{"exact": pick(rng, &["http://a.test", "*", "null"])}]});
    for (field, value) in
        [("allow_methods", "GET"), ("allow_headers", "x-a"), ("expose_headers", "x-b"), ("max_age", "9")]
    {
        if rng.bool() {
            policy[field] = json!(value);
        }
    }
    for flag in ["allow_credentials", "allow_private_network_access", "forward_not_matching_preflights"] {
        if one_in(rng, 3) {
            policy[flag] = json!(rng.bool());
        }
    }
    policy
}

fn mutations(rng: &mut Rng, chain: bool) -> Value {
    let list = |rng: &mut Rng| -> Vec<Value> {
        let one = |rng: &mut Rng| match rng.u8(..3) {
            0 => json!({"remove": pick(rng, &["x-a", "x-upstream"])}),
            _ => json!({"append": addition(rng)}),
        };
        (0..rng.usize(0..3)).map(|_| one(rng)).collect()
    };
    let mut config = json!({"mutations": {"request_mutations": list(rng), "response_mutations": list(rng)}});
    if chain {
        config["most_specific_header_mutations_wins"] = json!(rng.bool());
    }
    config
}

fn rules(rng: &mut Rng) -> Value {
    let mut policies = Map::new();
    for index in 0..rng.usize(0..3) {
        let policy = json!({"permissions": [rule(rng, 0, "rule")], "principals": [rule(rng, 0, "id")]});
        policies.insert(format!("p{index}"), policy);
    }
    json!({"rules": {"action": pick(rng, &["ALLOW", "DENY", "DENY", "LOG"]), "policies": policies}})
}

/// A permission (`rule`) or a principal (`id`).
fn rule(rng: &mut Rng, depth: u8, kind: &str) -> Value {
    match rng.u8(..if depth < 2 { 8 } else { 5 }) {
        0..=1 => json!({"any": true}),
        2..=3 => json!({"header": header(rng)}),
        4 => json!({"url_path": {"path": string(rng)}}),
        5 => json!({(format!("not_{kind}")): rule(rng, depth + 1, kind)}),
        other => {
            let rules = [rule(rng, depth + 1, kind), rule(rng, depth + 1, kind)];
            let join = if other == 6 { "and" } else { "or" };
            json!({(format!("{join}_{kind}s")): {(format!("{kind}s")): rules}})
        }
    }
}
