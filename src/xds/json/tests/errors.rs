//! JSON that contradicts the declarations: each error names its place.

use amesh_xds::json::{JsonProblem, to_wire};
use amesh_xds::schema;
use serde_json::{Value, json};

fn error(name: &str, value: &Value) -> String {
    let mut problems = Vec::new();
    to_wire(schema::message(name).unwrap(), value, &mut problems).unwrap_err().to_string()
}

fn cluster(value: &Value) -> String {
    error("envoy.config.cluster.v3.Cluster", value)
}

#[test]
fn each_error_names_its_place() {
    let cases = [
        (json!([]), "expected an object, found a list"),
        (json!({"name": 7}), "name: expected text, found a number"),
        (json!({"type": "DNS"}), "type: \"DNS\" is not a value of envoy.config.cluster.v3.Cluster.DiscoveryType"),
        (json!({"connect_timeout": "5"}), "connect_timeout: \"5\" is not a duration in seconds, such as \"1.5s\""),
        (json!({"connect_timeout": "400000000000s"}), "connect_timeout: \"400000000000s\" is not a duration"),
        (
            json!({"outlier_detection": {"max_ejection_percent": -1}}),
            "outlier_detection.max_ejection_percent: -1 is not",
        ),
        (json!({"outlier_detection": {"max_ejection_percent": 1.5}}), "\"1.5\" is not a whole number"),
        (json!({"health_checks": {}}), "health_checks: expected a list, found an object"),
        (json!({"health_checks": [null]}), "health_checks[0]: expected an object, found null"),
        (json!({"transport_socket": {"typed_config": {"x": 1}}}), "typed_config: \"@type\" is missing"),
        (json!({"transport_socket": {"typed_config": {"@type": "nothing"}}}), "\"nothing\" is not a type URL"),
        (json!({"lbPolicy": "RANDOM", "lb_policy": "RANDOM"}), "lb_policy is given twice"),
        (json!({"metadata": {"filter_metadata": {"k": 3}}}), "metadata.filter_metadata[\"k\"]: expected an object"),
    ];
    for (value, expected) in cases {
        let found = cluster(&value);
        assert!(found.contains(expected), "{value}\n found {found}\n not   {expected}");
    }
}

#[test]
fn two_fields_of_one_oneof_exclude_each_other() {
    let action = json!({"match": {"prefix": "/"}, "route": {"cluster": "a"}, "redirect": {"host_redirect": "b"}});
    let found = error("envoy.config.route.v3.Route", &action);
    assert_eq!(found, "route and redirect exclude each other (oneof action)");
}

fn nested(levels: usize) -> Value {
    let any = |below: Value| json!({"@type": "type.googleapis.com/google.protobuf.Any", "value": below});
    (0..levels).fold(json!({}), |below, _| any(below))
}

#[test]
fn nesting_ends_at_a_limit() {
    let message = schema::message("google.protobuf.Any").unwrap();
    assert!(to_wire(message, &nested(60), &mut Vec::new()).is_ok());
    let deep = nested(1000);
    assert_eq!(to_wire(message, &deep, &mut Vec::new()).unwrap_err().problem, JsonProblem::TooDeep);
    let lists = (0..1000).fold(json!([]), |below, _| json!([below]));
    let value = schema::message("google.protobuf.Value").unwrap();
    assert_eq!(to_wire(value, &lists, &mut Vec::new()).unwrap_err().problem, JsonProblem::TooDeep);
}
