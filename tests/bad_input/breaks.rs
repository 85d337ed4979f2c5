//! Ways to break a configuration, each in one place of it.

use fastrand::Rng;
use serde_json::{Value, json};

/// The kinds of breaks.
pub(crate) const BREAKS: [&str; 22] = [
    "a domain twice",
    "no domains",
    "an empty domain",
    "a pattern that is none",
    "weights of zero",
    "an unknown cluster that is to be checked",
    "a redirect without a target",
    "a share above the whole",
    "a route without a match",
    "a route without an action",
    "a match without a path",
    "a virtual host without a name",
    "a connection manager without stat_prefix",
    "a connection manager without filters",
    "a status out of range",
    "a redirect code that is none",
    "a cluster type that is none",
    "a policy that is none",
    "a port out of range",
    "a negative timeout",
    "a header without a name",
    "a cluster without a name",
];

/// The configuration with one place of the kind broken, and that place, like `/listeners/0/filter_chains/1`; `None` where
/// it has none.
pub(crate) fn broken(bootstrap: &Value, kind: &str, seed: u64) -> Option<(Value, String)> {
    let mut broken = bootstrap.clone();
    let resources = broken.get_mut("static_resources")?;
    let mut pointers = Vec::new();
    for list in ["listeners", "clusters"] {
        places(resources.get(list)?, &format!("/{list}"), &mut pointers);
    }
    Rng::with_seed(seed).shuffle(&mut pointers);
    for pointer in pointers {
        let list = pointer.split('/').nth(1)?.to_owned();
        if let Some(place) = resources.pointer_mut(&pointer)
            && change(place, &pointer, &list, kind).is_some()
        {
            return Some((broken, pointer));
        }
    }
    None
}

/// All objects that Envoy and amesh both read.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    const LEFT_OUT: [&str; 6] =
        ["access_log", "tracing", "typed_extension_protocol_options", "transport_socket", "metadata", "health_checks"];
    match value {
        Value::Object(fields) => {
            found.push(pointer.to_owned());
            let read = fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
            read.for_each(|(name, value)| places(value, &format!("{pointer}/{}", name.replace('/', "~1")), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{pointer}/{index}"), found));
        }
        _ => {}
    }
}

fn change(place: &mut Value, pointer: &str, list: &str, kind: &str) -> Option<()> {
    let at = |name: &str| pointer.rsplit('/').nth(1) == Some(name);
    let is_resource = |name: &str| list == name && pointer.matches('/').count() == 2;
    let manager = place.get("stat_prefix").is_some() && place.get("http_filters").is_some();
    match kind {
        "a domain twice" => {
            let domains = place.get_mut("domains")?.as_array_mut()?;
            domains.push(domains.first()?.clone());
        }
        "no domains" => *place.get_mut("domains")? = json!([]),
        "an empty domain" => place.get_mut("domains")?.as_array_mut()?.push(json!("")),
        "a pattern that is none" => *place.get_mut("safe_regex")?.get_mut("regex")? = json!("(a"),
        "weights of zero" => {
            for cluster in place.get_mut("weighted_clusters")?.get_mut("clusters")?.as_array_mut()? {
                cluster["weight"] = json!(0);
            }
        }
        "an unknown cluster that is to be checked" => {
            let first = place.get_mut("virtual_hosts")?.get_mut(0)?.get_mut("routes")?.as_array_mut()?;
            first.push(json!({"match": {"prefix": "/nowhere"}, "route": {"cluster": "nowhere"}}));
            place["validate_clusters"] = json!(true);
        }
        "a redirect without a target" => replace(place.pointer_mut("/routes/0")?, "redirect", json!({}))?,
        "a share above the whole" => {
            let fraction = json!({"default_value": {"numerator": 101, "denominator": "HUNDRED"}});
            place.pointer_mut("/routes/0/match")?["runtime_fraction"] = fraction;
        }
        "a route without a match" => drop(place.pointer_mut("/routes/0")?.as_object_mut()?.remove("match")?),
        "a route without an action" => take_action(place.pointer_mut("/routes/0")?)?,
        "a match without a path" => *place.pointer_mut("/routes/0/match")? = json!({}),
        "a virtual host without a name" if at("virtual_hosts") => drop(place.as_object_mut()?.remove("name")?),
        "a connection manager without stat_prefix" if manager => place["stat_prefix"] = json!(""),
        "a connection manager without filters" if manager => place["http_filters"] = json!([]),
        "a status out of range" => {
            replace(place.pointer_mut("/routes/0")?, "direct_response", json!({"status": 600}))?;
        }
        "a redirect code that is none" => {
            replace(place.pointer_mut("/routes/0")?, "redirect", json!({"host_redirect": "a", "response_code": 99}))?;
        }
        "a cluster type that is none" if is_resource("clusters") => *place.get_mut("type")? = json!(99),
        "a policy that is none" if is_resource("clusters") => {
            place.as_object_mut()?.remove("load_balancing_policy");
            place["lb_policy"] = json!(99);
        }
        "a port out of range" => *place.pointer_mut("/socket_address/port_value")? = json!(70_000),
        "a negative timeout" => {
            let action = place.get_mut("route").filter(|action| action.get("cluster").is_some())?;
            action["timeout"] = json!("-1s");
        }
        "a header without a name" => {
            place.pointer_mut("/routes/0/match")?["headers"] = json!([{"name": "", "present_match": true}]);
        }
        "a cluster without a name" if is_resource("clusters") => place["name"] = json!(""),
        _ => return None,
    }
    Some(())
}

const ACTIONS: [&str; 5] = ["route", "redirect", "direct_response", "filter_action", "non_forwarding_action"];

fn take_action(route: &mut Value) -> Option<()> {
    let route = route.as_object_mut()?;
    let before = route.len();
    route.retain(|field, _| !ACTIONS.contains(&field.as_str()));
    (route.len() < before).then_some(())
}

fn replace(route: &mut Value, action: &str, value: Value) -> Option<()> {
    take_action(route)?;
    route[action] = value;
    Some(())
}
