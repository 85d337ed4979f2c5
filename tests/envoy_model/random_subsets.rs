//! Random clusters with subsets, and routes to them. They draw from numbers of their own, so that all else stays the same.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::generate::{one_in, pick};

const KEYS: [&str; 3] = ["a", "b", "c"];
const FALLBACKS: [&str; 3] = ["NO_FALLBACK", "ANY_ENDPOINT", "DEFAULT_SUBSET"];

/// The name of a cluster, and the cluster.
pub(crate) fn cluster(seed: u64) -> (String, Value) {
    let mut rng = Rng::with_seed(!seed);
    let name = format!("subsets-{seed}");
    let mut cluster = json!({"name": name, "connect_timeout": "2s"});
    let mut config = config(&mut rng);
    let mut weighted = false;
    if one_in(&mut rng, 2) {
        let inner =
            json!({"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin"});
        config["subset_lb_policy"] = policy(&inner);
        config["allow_redundant_keys"] = json!(rng.bool());
        config["@type"] = json!("type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset");
        cluster["load_balancing_policy"] = policy(&config);
    } else {
        // Envoy takes no weight of localities in subsets where the cluster has none.
        weighted = config["locality_weight_aware"] == true || one_in(&mut rng, 3);
        if weighted {
            cluster["common_lb_config"] = json!({"locality_weighted_lb_config": {}});
        }
        cluster["lb_subset_config"] = config;
    }
    // Weighted localities with unhealthy hosts are not modelled.
    let localities: Vec<Value> = (0..rng.usize(1..4)).map(|index| locality(&mut rng, index, weighted)).collect();
    cluster["load_assignment"] = json!({"cluster_name": name, "endpoints": localities});
    (name, cluster)
}

fn policy(config: &Value) -> Value {
    json!({"policies": [{"typed_extension_config": {"name": "policy", "typed_config": config}}]})
}

fn config(rng: &mut Rng) -> Value {
    let selectors: Vec<Value> = (0..rng.usize(0..4)).map(|_| selector(rng)).collect();
    let mut config = json!({"subset_selectors": selectors, "fallback_policy": pick(rng, &FALLBACKS)});
    if one_in(rng, 2) {
        config["default_subset"] = labels(rng, 2);
    }
    for flag in ["locality_weight_aware", "scale_locality_weight", "panic_mode_any", "list_as_any"] {
        config[flag] = json!(one_in(rng, 3));
    }
    if one_in(rng, 3) {
        config["metadata_fallback_policy"] = json!("FALLBACK_LIST");
    }
    config
}

fn selector(rng: &mut Rng) -> Value {
    let mut keys = KEYS.to_vec();
    rng.shuffle(&mut keys);
    keys.truncate(rng.usize(1..4));
    let mut selector = json!({"keys": keys, "single_host_per_subset": one_in(rng, 8)});
    match rng.u8(..6) {
        0 => selector["fallback_policy"] = json!("NO_FALLBACK"),
        1 => selector["fallback_policy"] = json!("ANY_ENDPOINT"),
        2 => selector["fallback_policy"] = json!("DEFAULT_SUBSET"),
        3 if keys.len() > 1 => {
            selector["fallback_policy"] = json!("KEYS_SUBSET");
            selector["fallback_keys_subset"] = json!(keys[1..]);
        }
        _ => {}
    }
    selector
}

fn labels(rng: &mut Rng, most: usize) -> Value {
    let values = [json!("x"), json!("x"), json!("y"), json!(1), json!(["x", "y"]), json!([])];
    let count = rng.usize(0..=most);
    let label = |rng: &mut Rng| (pick(rng, &KEYS).to_owned(), values[rng.usize(..values.len())].clone());
    Value::Object((0..count).map(|_| label(rng)).collect::<Map<_, _>>())
}

fn locality(rng: &mut Rng, index: usize, healthy: bool) -> Value {
    let hosts: Vec<Value> = (0..rng.usize(1..4))
        .map(|_| {
            let health = if one_in(rng, 8) && !healthy { "UNHEALTHY" } else { "HEALTHY" };
            let endpoint = pick(rng, &["c0", "c1", "c2", "c3"]);
            let metadata = json!({"filter_metadata": {"envoy.lb": labels(rng, 4)}});
            json!({"endpoint": endpoint, "metadata": metadata, "health_status": health})
        })
        .collect();
    json!({"locality": {"zone": index.to_string()}, "load_balancing_weight": rng.u32(1..4), "lb_endpoints": hosts})
}

/// Routes that lead to the cluster only: `/0`, `/1` and so on.
pub(crate) fn manager(seed: u64, cluster: &str, routes: usize) -> Value {
    let mut rng = Rng::with_seed(seed);
    let route = |index| {
        let action = json!({"cluster": cluster, "metadata_match": wanted(&mut rng)});
        json!({"match": {"path": format!("/{index}")}, "route": action})
    };
    let routes: Vec<Value> = (0..routes).map(route).collect();
    json!({"route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]}})
}

/// Leads some routes to the cluster.
pub(crate) fn lead(seed: u64, cluster: &str, manager: &mut Value) {
    let mut rng = Rng::with_seed(!seed ^ 1);
    let hosts = manager["route_config"]["virtual_hosts"].as_array_mut().expect("virtual hosts");
    for route in hosts.iter_mut().flat_map(|host| host["routes"].as_array_mut().expect("routes")) {
        let Some(action) = route.get_mut("route").filter(|_| one_in(&mut rng, 3)) else { continue };
        if let Value::Array(clusters) = &mut action["weighted_clusters"]["clusters"] {
            for entry in clusters {
                entry["name"] = json!(cluster);
                entry["metadata_match"] = wanted(&mut rng);
            }
        } else {
            let fields = action.as_object_mut().expect("an action");
            fields.retain(|name, _| !["weighted_clusters", "cluster_header", "cluster"].contains(&name.as_str()));
            action["cluster"] = json!(cluster);
        }
        action["metadata_match"] = wanted(&mut rng);
    }
}

fn wanted(rng: &mut Rng) -> Value {
    let mut wanted = labels(rng, 3);
    if one_in(rng, 4) {
        wanted["fallback_list"] = (0..rng.usize(0..3)).map(|_| labels(rng, 2)).collect();
    }
    json!({"filter_metadata": {"envoy.lb": wanted}})
}
