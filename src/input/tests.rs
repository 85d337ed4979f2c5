#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

#[test]
fn tells_what_a_document_is() {
    let listener = json!({"@type": LISTENER, "name": "l"});
    let cases = [
        (json!({"static_resources": {}}), Kind::Bootstrap),
        (json!({"node": {"id": "x"}, "staticResources": {}}), Kind::Bootstrap),
        (json!({"configs": []}), Kind::ConfigDump),
        (json!({"bootstrap": {}}), Kind::ConfigDump),
        (json!({"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump"}), Kind::ConfigDump),
        (json!({"versionInfo": "1", "resources": [listener]}), Kind::DiscoveryResponse),
        (json!({"listeners": [listener], "routes": []}), Kind::Scenario),
        (json!({"listeners": [], "clusters": []}), Kind::Scenario),
        (listener.clone(), Kind::Resource),
        (json!({"name": "9080", "virtualHosts": []}), Kind::Resource),
        (json!([listener]), Kind::List),
        (json!({"cluster_statuses": [{"name": "c", "host_statuses": []}]}), Kind::List),
    ];
    for (value, kind) in cases {
        assert_eq!(kind::detect(&value).unwrap(), kind, "{value}");
    }
    assert!(kind::detect(&json!({"apiVersion": "v1"})).is_err());
    assert!(kind::detect(&json!("text")).is_err());
}
