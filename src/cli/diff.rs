//! What changed between two configurations, for people: per resource, by name.

use crate::sink::{Configuration, Resources};
use crate::style::{BOLD, DIM, GREEN, RED, YELLOW};
use amesh_batch::plural;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Values are cut off after so many characters.
const SHOWN_LENGTH: usize = 60;

/// One line a resource that is new or gone, and one more for each thing that changed in it.
pub(crate) fn lines(before: &Configuration, after: &Configuration) -> Vec<String> {
    let names = names(before, after);
    let upstreams = resources("upstream", &before.upstreams, &after.upstreams, &names);
    let routes = resources("route", &before.routes, &after.routes, &names);
    upstreams.into_iter().chain(routes).collect()
}

/// Id to name of every upstream, so that routes can be shown to lead somewhere.
fn names(before: &Configuration, after: &Configuration) -> BTreeMap<String, String> {
    let all = before.upstreams.iter().chain(&after.upstreams);
    all.map(|(id, json)| (id.clone(), name(&parse(json)).unwrap_or_else(|| id.clone()))).collect()
}

fn resources(kind: &str, before: &Resources, after: &Resources, names: &BTreeMap<String, String>) -> Vec<String> {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut lines = Vec::new();
    for id in ids {
        match (before.get(id), after.get(id)) {
            (None, Some(new)) => lines.push(format!("{GREEN}+{GREEN:#} {}", title(kind, id, &parse(new)))),
            (Some(old), None) => lines.push(format!("{RED}-{RED:#} {}", title(kind, id, &parse(old)))),
            (Some(old), Some(new)) if old != new => changed(kind, id, &parse(old), &parse(new), names, &mut lines),
            _ => {}
        }
    }
    lines
}

fn changed(kind: &str, id: &str, old: &Value, new: &Value, names: &BTreeMap<String, String>, lines: &mut Vec<String>) {
    lines.push(format!("{YELLOW}~{YELLOW:#} {}", title(kind, id, new)));
    let mut differences = Vec::new();
    compare("", old, new, &mut differences);
    for (path, old, new) in differences {
        let show = |value: &Value| value.as_str().and_then(|id| names.get(id).cloned()).unwrap_or_else(|| short(value));
        lines.push(format!("    {path}: {RED}{}{RED:#} -> {GREEN}{}{GREEN:#}", show(old), show(new)));
    }
}

/// Where two values differ, as deep as both are objects.
fn compare<'v>(path: &str, old: &'v Value, new: &'v Value, found: &mut Vec<(String, &'v Value, &'v Value)>) {
    let (Value::Object(left), Value::Object(right)) = (old, new) else {
        if old != new {
            found.push((path.to_owned(), old, new));
        }
        return;
    };
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let member = |object: &'v serde_json::Map<String, Value>| object.get(key).unwrap_or(&Value::Null);
        compare(&below, member(left), member(right), found);
    }
}

fn title(kind: &str, id: &str, value: &Value) -> String {
    let nodes = value.get("nodes").and_then(Value::as_array).map(Vec::len);
    let nodes = nodes.map_or_else(String::new, |count| format!(", {}", plural(count, "endpoint")));
    format!("{kind} {BOLD}{}{BOLD:#} {DIM}({id}{nodes}){DIM:#}", name(value).unwrap_or_default())
}

fn name(value: &Value) -> Option<String> {
    value.get("name")?.as_str().map(str::to_owned)
}

fn short(value: &Value) -> String {
    let text = if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    match text.char_indices().nth(SHOWN_LENGTH) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Without secrets.
fn parse(json: &str) -> Value {
    amesh_translator::shown(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_conditions_are_not_shown() {
        let route = |priority: u8, key: &str| {
            let vars = serde_json::json!([["http_x_key", "==", key]]);
            let json = serde_json::json!({"labels": {"secrets": "vars"}, "vars": vars, "priority": priority});
            Configuration { upstreams: Resources::new(), routes: [("r".to_owned(), json.to_string())].into() }
        };
        let text = lines(&route(1, "one"), &route(2, "two")).join("\n");
        assert!(text.contains("priority") && !text.contains("one") && !text.contains("two"), "{text}");
    }

    #[test]
    fn a_route_that_moves_is_shown_with_the_names_of_its_upstreams() {
        let resources = |pairs: &[(&str, &str)]| -> Resources {
            pairs.iter().map(|(id, json)| ((*id).to_owned(), (*json).to_owned())).collect()
        };
        let (a, b) = (r#"{"id":"a-1","name":"all","nodes":[{},{}]}"#, r#"{"id":"b-2","name":"v1","nodes":[{}]}"#);
        let route = |upstream: &str| format!(r#"{{"id":"r","name":"web","upstream_id":"{upstream}"}}"#);
        let before = Configuration { upstreams: resources(&[("a-1", a)]), routes: resources(&[("r", &route("a-1"))]) };
        let after = Configuration { upstreams: resources(&[("b-2", b)]), routes: resources(&[("r", &route("b-2"))]) };
        let plain: Vec<String> =
            lines(&before, &after).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        let expected = [
            "- upstream all (a-1, 2 endpoints)",
            "+ upstream v1 (b-2, 1 endpoint)",
            "~ route web (r)",
            "    upstream_id: all -> v1",
        ];
        assert_eq!(plain, expected);
    }
}
