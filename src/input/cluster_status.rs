//! What Envoy's `/clusters?format=json` answers, and `istioctl proxy-config endpoint -o json` prints: the endpoints that
//! clusters have, which take the place of endpoint assignments here.

use super::collect::Collector;
use super::lookup::{get, items, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const ASSIGNMENT: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";

/// Whether a document is such an answer, as an object or as the bare list.
pub(super) fn is_list(value: &Value) -> bool {
    statuses(value).is_some_and(|list| list.iter().any(|item| get(item, "host_statuses").is_some()))
}

fn statuses(value: &Value) -> Option<&Vec<Value>> {
    get(value, "cluster_statuses").unwrap_or(value).as_array()
}

/// Takes each cluster's hosts as its endpoint assignment.
pub(super) fn take(value: &Value, collector: &mut Collector) {
    for (index, status) in statuses(value).into_iter().flatten().enumerate() {
        // A cluster without EDS has its endpoints in itself.
        let name = text(status, "eds_service_name").or_else(|| text(status, "name"));
        let assignment = json!({"cluster_name": name, "endpoints": localities(status)});
        collector.resource(Some(ASSIGNMENT), &assignment, &format!("cluster_statuses[{index}]"));
    }
}

fn localities(status: &Value) -> Vec<Value> {
    let mut groups: BTreeMap<(u64, String), Vec<&Value>> = BTreeMap::new();
    for (_, host) in items(status, "host_statuses") {
        let priority = get(host, "priority").and_then(Value::as_u64).unwrap_or_default();
        let locality = get(host, "locality").map(Value::to_string).unwrap_or_default();
        groups.entry((priority, locality)).or_default().push(host);
    }
    groups.into_iter().map(|((priority, _), hosts)| locality(priority, &hosts)).collect()
}

fn locality(priority: u64, hosts: &[&Value]) -> Value {
    let mut group = Map::new();
    group.insert("priority".to_owned(), priority.into());
    let locality = hosts.first().and_then(|host| get(host, "locality"));
    group.extend(locality.map(|locality| ("locality".to_owned(), locality.clone())));
    group.insert("lb_endpoints".to_owned(), hosts.iter().map(|host| endpoint(host)).collect());
    group.into()
}

fn endpoint(host: &Value) -> Value {
    let mut endpoint = Map::new();
    endpoint.insert("endpoint".to_owned(), json!({"address": get(host, "address")}));
    let weight = get(host, "weight").map(|weight| ("load_balancing_weight".to_owned(), weight.clone()));
    let health = get(host, "health_status").and_then(|status| get(status, "eds_health_status"));
    endpoint.extend(weight.into_iter().chain(health.map(|health| ("health_status".to_owned(), health.clone()))));
    endpoint.into()
}
