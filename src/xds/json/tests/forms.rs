//! Every form that a value may have, against the reference.

use crate::support;
use amesh_xds::json::{Problem, Secrets, Unknown, from_wire, to_wire};
use amesh_xds::schema;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(support::pool);

/// Encodes with ours and with the reference; both must mean the same. Gives our bytes.
fn agree(name: &str, value: &Value) -> Vec<u8> {
    let mut problems = Vec::new();
    let ours = to_wire(schema::message(name).unwrap(), value, &mut problems).unwrap();
    assert_eq!(problems, [], "{value}");
    let descriptor = POOL.get_message_by_name(name).unwrap();
    let theirs = DynamicMessage::deserialize(descriptor.clone(), value).unwrap();
    // Through the wire, because the reference remembers what was set to its default value.
    let decode = |bytes: &[u8]| DynamicMessage::decode(descriptor.clone(), bytes).unwrap();
    let theirs = decode(&theirs.encode_to_vec());
    assert_eq!(decode(&ours), theirs, "{value}");
    let shown = from_wire(schema::message(name).unwrap(), &ours, Secrets::Show).unwrap();
    let options = SerializeOptions::new().use_proto_field_name(true);
    let reference = theirs.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
    assert_eq!(shown, reference, "{value}");
    ours
}

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

#[test]
fn both_spellings_of_a_name_and_of_an_enum() {
    let snake = agree(CLUSTER, &json!({"name": "a", "type": "STRICT_DNS", "connect_timeout": "0.25s"}));
    let camel = agree(CLUSTER, &json!({"name": "a", "type": 1, "connectTimeout": "0.250s"}));
    assert_eq!(snake, camel);
}

#[test]
fn durations_and_times() {
    for text in ["1s", "1.5s", "0s", "-0.5s", "-3s", "315576000000s", "0.000000001s"] {
        agree(CLUSTER, &json!({"connect_timeout": text}));
    }
    for text in ["2026-01-31T12:00:00Z", "1970-01-01T00:00:00.123456789Z", "1969-12-31T23:59:59.5Z"] {
        agree("envoy.admin.v3.ClustersConfigDump.StaticCluster", &json!({"last_updated": text}));
    }
}

#[test]
fn numbers_as_text_and_text_as_numbers() {
    let value = json!({"interval": "1s", "success_rate_minimum_hosts": 5, "max_ejection_percent": "7"});
    agree(CLUSTER, &json!({"outlier_detection": value}));
    agree(CLUSTER, &json!({"ring_hash_lb_config": {"minimum_ring_size": "18446744073709551615"}}));
    agree(CLUSTER, &json!({"ring_hash_lb_config": {"minimum_ring_size": 1024.0}}));
    agree(CLUSTER, &json!({"common_lb_config": {"healthy_panic_threshold": {"value": 50.5}}}));
    agree(CLUSTER, &json!({"common_lb_config": {"healthy_panic_threshold": {"value": "Infinity"}}}));
}

#[test]
fn structs_and_maps_keep_every_json_type() {
    let anything = json!({"a": [1, 2.5, null, true, "x", {"b": {}}], "": -7, "list": [[]]});
    agree(CLUSTER, &json!({"metadata": {"filter_metadata": {"envoy.lb": anything, "e": {}}}}));
}

#[test]
fn bytes_in_both_alphabets() {
    let name = "envoy.config.core.v3.DataSource";
    let standard = agree(name, &json!({"inline_bytes": "+/+/AA=="}));
    let mut problems = Vec::new();
    let url_safe = to_wire(schema::message(name).unwrap(), &json!({"inline_bytes": "-_-_AA"}), &mut problems).unwrap();
    assert_eq!(standard, url_safe);
}

#[test]
fn zero_is_written_where_it_is_told_from_nothing() {
    let name = "envoy.config.core.v3.SocketAddress";
    assert!(!agree(name, &json!({"port_value": 0})).is_empty());
    assert!(agree(name, &json!({"address": "", "resolver_name": ""})).is_empty());
    assert!(agree(name, &json!({"address": null, "port_value": null})).is_empty());
}

#[test]
fn any_of_messages_and_of_well_known_types() {
    let any = |value: Value| json!({"typed_extension_protocol_options": {"x": value}});
    let url = |name: &str| format!("type.googleapis.com/{name}");
    agree(CLUSTER, &any(json!({"@type": url(CLUSTER), "name": "inner", "metadata": {}})));
    agree(CLUSTER, &any(json!({"@type": url(CLUSTER)})));
    agree(CLUSTER, &any(json!({"@type": url("google.protobuf.StringValue"), "value": "x"})));
    agree(CLUSTER, &any(json!({"@type": url("google.protobuf.Duration"), "value": "1.5s"})));
    let inner = json!({"@type": url("google.protobuf.BoolValue"), "value": true});
    agree(CLUSTER, &any(json!({"@type": url("google.protobuf.Any"), "value": inner})));
    let typed = json!({"@type": url("xds.type.v3.TypedStruct"), "type_url": "t/x", "value": {"a": 1}});
    agree(CLUSTER, &any(typed));
}

#[test]
fn what_is_not_declared_is_left_out_and_named() {
    let unknown = json!({"@type": "type.googleapis.com/acme.Unheard", "weight": 3});
    let value = json!({
        "name": "a",
        "shoe_size": 43,
        "load_assignment": {"endpoints": [{"lb_endpoints": [{}, {"endpoint": {"hat": {}}}]}]},
        "transport_socket": {"name": "x", "typed_config": unknown},
    });
    let mut problems = Vec::new();
    let bytes = to_wire(schema::message(CLUSTER).unwrap(), &value, &mut problems).unwrap();
    problems.sort();
    let path = |path: &str, unknown| Problem { path: path.into(), unknown };
    let hat = "load_assignment.endpoints[0].lb_endpoints[1].endpoint.hat";
    let expected = [
        path(hat, Unknown::Field("envoy.config.endpoint.v3.Endpoint")),
        path("shoe_size", Unknown::Field(CLUSTER)),
        path("transport_socket.typed_config", Unknown::Type("type.googleapis.com/acme.Unheard".into())),
    ];
    assert_eq!(problems, expected);
    let shown = from_wire(schema::message(CLUSTER).unwrap(), &bytes, Secrets::Show).unwrap();
    assert_eq!(shown["transport_socket"]["typed_config"], json!({"@type": "type.googleapis.com/acme.Unheard"}));
}
