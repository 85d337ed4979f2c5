//! What a change of endpoints touches, where a cluster is used in several ways.

use serde_json::json;

use super::support::{CLUSTER, ENDPOINTS, ROUTES, ingest};
use super::{cluster, endpoints, pending_names, routes, running};

#[test]
fn a_host_name_of_endpoints_changes_the_routes_that_send_it() {
    let mut translator = running();
    let mut config = routes("r", &[("a", "one"), ("b", "two")]);
    config["virtual_hosts"][1]["routes"][0]["route"]["auto_host_rewrite"] = json!(true);
    ingest(&mut translator, ROUTES, &[config]);
    translator.commit();
    ingest(&mut translator, ENDPOINTS, &[endpoints("two", "10.0.0.9")]);
    assert_eq!(pending_names(&translator), ["+two"]);
    translator.commit();
    let mut named = endpoints("two", "10.0.0.9");
    named["endpoints"][0]["lb_endpoints"][0]["endpoint"]["hostname"] = json!("inner.example");
    ingest(&mut translator, ENDPOINTS, &[named]);
    assert_eq!(pending_names(&translator), ["+r/b#0"]);
}

#[test]
fn upstreams_of_one_cluster_come_go_and_change_together() {
    let mut translator = running();
    let mut config = routes("r", &[("a", "one"), ("b", "two"), ("c", "two")]);
    config["virtual_hosts"][2]["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 2});
    ingest(&mut translator, ROUTES, &[config]);
    translator.commit();
    ingest(&mut translator, ENDPOINTS, &[endpoints("two", "10.0.0.9")]);
    assert_eq!(pending_names(&translator), ["+two", "+two"]);
    translator.commit();
    ingest(&mut translator, ROUTES, &[routes("r", &[("a", "one"), ("b", "two")])]);
    let gone = pending_names(&translator);
    assert!(gone.iter().any(|name| name.starts_with("-two_retries2")), "{gone:?}");
    assert!(!gone.contains(&"+two".to_owned()), "{gone:?}");
}

#[test]
fn an_endpoint_change_touches_its_subset_and_no_other_cluster() {
    let mut translator = running();
    let mut divided = cluster("two");
    divided["lb_subset_config"] = json!({"subset_selectors": [{"keys": ["v"]}], "fallback_policy": "ANY_ENDPOINT"});
    let mut config = routes("r", &[("a", "one"), ("b", "two"), ("c", "two"), ("d", "two")]);
    for (host, value) in [(1, "1"), (2, "2")] {
        let metadata = json!({"filter_metadata": {"envoy.lb": {"v": value}}});
        config["virtual_hosts"][host]["routes"][0]["route"]["metadata_match"] = metadata;
    }
    ingest(&mut translator, CLUSTER, &[cluster("one"), divided]);
    ingest(&mut translator, ROUTES, &[config]);
    let members = |second: &str| {
        let endpoint = |address: &str, value: &str| {
            let socket = json!({"socket_address": {"address": address, "port_value": 80}});
            let metadata = json!({"filter_metadata": {"envoy.lb": {"v": value}}});
            json!({"endpoint": {"address": socket}, "metadata": metadata})
        };
        json!({"cluster_name": "two", "endpoints": [{"lb_endpoints": [endpoint("10.0.0.1", "1"), endpoint(second, "2")]}]})
    };
    ingest(&mut translator, ENDPOINTS, &[members("10.0.0.2")]);
    translator.commit();
    ingest(&mut translator, ENDPOINTS, &[members("10.0.0.3")]);
    assert_eq!(pending_names(&translator), ["+two", "+two"], "the subset and all endpoints, not the other subset");
}
