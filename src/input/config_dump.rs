//! What Envoy's `/config_dump` answers, whole or in parts.

use super::bootstrap;
use super::collect::Collector;
use super::lookup::{get, items, type_name};
use serde_json::Value;

/// Where resources stand in the parts of a dump: part, list, ways to the resource (the first that exists counts).
const SECTIONS: &[(&str, &str, &[&[&str]])] = &[
    ("ListenersConfigDump", "static_listeners", &[&["listener"]]),
    ("ListenersConfigDump", "dynamic_listeners", &[&["active_state", "listener"], &["warming_state", "listener"]]),
    ("ClustersConfigDump", "static_clusters", &[&["cluster"]]),
    ("ClustersConfigDump", "dynamic_active_clusters", &[&["cluster"]]),
    ("ClustersConfigDump", "dynamic_warming_clusters", &[&["cluster"]]),
    ("RoutesConfigDump", "dynamic_route_configs", &[&["route_config"]]),
    ("EndpointsConfigDump", "dynamic_endpoint_configs", &[&["endpoint_config"]]),
    ("SecretsConfigDump", "static_secrets", &[&["secret"]]),
    ("SecretsConfigDump", "dynamic_active_secrets", &[&["secret"]]),
];

const PACKAGE: &str = "envoy.admin.v3.";

/// Whether a dump, or a part of one, has this type.
pub(super) fn is_part(type_name: &str) -> bool {
    type_name.strip_prefix(PACKAGE).is_some_and(|name| name.ends_with("ConfigDump"))
}

/// Takes a dump, or one part of it.
pub(super) fn take(value: &Value, collector: &mut Collector) {
    let parts: Vec<&Value> = match get(value, "configs").and_then(Value::as_array) {
        Some(configs) => configs.iter().collect(),
        None => vec![value],
    };
    let is = |part: &Value, name: &str| type_name(part).is_some_and(|full| full.ends_with(name));
    let has_resources = parts.iter().any(|part| is(part, ".ListenersConfigDump") || is(part, ".ClustersConfigDump"));
    for part in parts {
        match get(part, "bootstrap") {
            // Static resources are listed again in the parts by type.
            Some(_) if has_resources => {}
            Some(inner) => bootstrap::take(inner, collector),
            None => take_part(part, collector),
        }
    }
}

fn take_part(part: &Value, collector: &mut Collector) {
    let name = type_name(part).and_then(|full| full.strip_prefix(PACKAGE)).unwrap_or_default();
    for (_, list, ways) in SECTIONS.iter().filter(|(section, _, _)| *section == name) {
        for (index, item) in items(part, list) {
            let found = ways.iter().find_map(|way| Some((way.join("."), follow(item, way)?)));
            if let Some((way, resource)) = found {
                collector.resource(None, resource, &format!("{list}[{index}].{way}"));
            }
        }
    }
    if name == "RoutesConfigDump" {
        for (index, item) in items(part, "static_route_configs") {
            let resource = get(item, "route_config").unwrap_or(&Value::Null);
            collector.static_route(resource, &format!("static_route_configs[{index}].route_config"));
        }
    }
}

fn follow<'v>(value: &'v Value, way: &[&str]) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, name| get(value, name))
}
