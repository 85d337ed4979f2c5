//! Envoy's bootstrap: the resources that stand in it.

use super::collect::Collector;
use super::lookup::{get, items};
use amesh_translator::Code;
use amesh_xds::{json, schema};
use serde_json::Value;

const NAME: &str = "envoy.config.bootstrap.v3.Bootstrap";

/// The lists of `static_resources`, and what their items are.
const LISTS: [(&str, &str); 3] = [
    ("listeners", "envoy.config.listener.v3.Listener"),
    ("clusters", "envoy.config.cluster.v3.Cluster"),
    ("secrets", "envoy.extensions.transport_sockets.tls.v3.Secret"),
];

/// Takes the static resources; of the rest only the spelling is checked.
pub(super) fn take(value: &Value, collector: &mut Collector) {
    if let Some(resources) = get(value, "static_resources") {
        static_resources(resources, collector);
    }
    rest(value, collector);
}

fn static_resources(resources: &Value, collector: &mut Collector) {
    for (name, type_name) in LISTS {
        for (index, item) in items(resources, name) {
            collector.resource(Some(type_name), item, &format!("static_resources.{name}[{index}]"));
        }
    }
}

/// Node, admin interface, statistics: without effect on requests.
fn rest(value: &Value, collector: &mut Collector) {
    let (Some(message), Some(object)) = (schema::message(NAME), value.as_object()) else { return };
    let mut object = object.clone();
    let mut resources = object.remove("static_resources").or_else(|| object.remove("staticResources"));
    if let Some(Value::Object(resources)) = &mut resources {
        resources.retain(|name, _| LISTS.iter().all(|(list, _)| list != name));
    }
    object.extend(resources.map(|resources| ("static_resources".to_owned(), resources)));
    let mut problems = Vec::new();
    let read = json::to_wire(message, &Value::Object(object), &mut problems);
    collector.problems("Bootstrap", &problems);
    if let Err(error) = read {
        collector.remark(Code::ResourceInvalid, "Bootstrap".to_owned(), &error.path, &error.problem.to_string());
    }
}
