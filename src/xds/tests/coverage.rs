//! The coverage scan on messages made from JSON by full, reflective types.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod support;

use amesh_xds::coverage::{Findings, LazyFields, Problem, WireError, scan};
use amesh_xds::schema::{self, Action, Class};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(support::pool);

const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const ENDPOINTS: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";

fn encode(name: &str, json: &str) -> Vec<u8> {
    let descriptor = POOL.get_message_by_name(name).unwrap();
    let mut json = serde_json::Deserializer::from_str(json);
    DynamicMessage::deserialize(descriptor, &mut json).unwrap().encode_to_vec()
}

fn findings(name: &str, bytes: &[u8], lazy: LazyFields) -> Result<Vec<(String, u64)>, WireError> {
    let mut findings = Findings::default();
    scan(schema::message(name).unwrap(), bytes, lazy, &mut findings)?;
    Ok(findings.iter().map(|finding| (finding.first_path.clone(), finding.count)).collect())
}

fn paths(name: &str, json: &str) -> Vec<(String, u64)> {
    findings(name, &encode(name, json), LazyFields::Enter).unwrap()
}

fn found(paths: &[(&str, u64)]) -> Vec<(String, u64)> {
    paths.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
}

#[test]
fn covered_input_has_no_findings() {
    let json = r#"{"name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
        {"match": {"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "1"}}]},
         "metadata": {"filter_metadata": {"a": {}}}, "route": {"cluster": "c"}}]}]}"#;
    assert_eq!(paths(ROUTES, json), []);
}

#[test]
fn findings_are_counted_a_field_and_name_the_first_place() {
    let json = r#"{"virtual_hosts": [
        {"domains": ["a"]},
        {"domains": ["b"], "rate_limits": [{}], "routes": [
            {"match": {"path": "/x"}, "route": {"cluster": "c"}},
            {"match": {"prefix": "/", "filter_state": [{}, {}]}, "filter_action": {}},
            {"match": {"prefix": "/", "filter_state": [{}]}, "filter_action": {}}]}]}"#;
    assert_eq!(
        paths(ROUTES, json),
        found(&[
            ("virtual_hosts[1].routes[1].filter_action", 2),
            ("virtual_hosts[1].routes[1].match.filter_state[0]", 3),
            ("virtual_hosts[1].rate_limits[0]", 1),
        ])
    );
}

#[test]
fn lazy_fields_are_left_unless_asked_for() {
    let bytes = encode(ROUTES, r#"{"vhds": {}, "virtual_hosts": [{"rate_limits": [{}]}]}"#);
    assert_eq!(findings(ROUTES, &bytes, LazyFields::Skip).unwrap(), found(&[("vhds", 1)]));
}

#[test]
fn approximated_messages_are_reported_and_entered() {
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let json = r#"{"explicit_http_config": {"http2_protocol_options": {"allow_connect": true}}}"#;
    let http2 = "explicit_http_config.http2_protocol_options";
    assert_eq!(paths(options, json), found(&[(&format!("{http2}.allow_connect"), 1), (http2, 1)]));
}

#[test]
fn zero_is_as_good_as_not_set() {
    let bytes = [0xb0, 0x02, 0x00]; // RouteAction.append_x_forwarded_host = false
    assert_eq!(findings("envoy.config.route.v3.RouteAction", &bytes, LazyFields::Skip).unwrap(), []);
}

#[test]
fn map_entries_are_named_by_key() {
    let json = r#"{"named_endpoints": {"one": {"additional_addresses": [{}, {}]}}}"#;
    assert_eq!(paths(ENDPOINTS, json), found(&[("named_endpoints[\"one\"].additional_addresses[0]", 2)]));
}

#[test]
fn a_prefix_leads_the_paths() {
    let name = "envoy.config.route.v3.Route";
    let bytes = encode(name, r#"{"filter_action": {}}"#);
    let mut findings = Findings::default();
    findings.set_prefix("virtual_hosts[2].routes[5].");
    scan(schema::message(name).unwrap(), &bytes, LazyFields::Skip, &mut findings).unwrap();
    let finding = findings.iter().next().unwrap();
    assert_eq!(finding.first_path, "virtual_hosts[2].routes[5].filter_action");
    assert!(matches!(finding.class(), Some(Class::Refused(Action::Deny, _))));
}

#[test]
fn undeclared_numbers_are_findings() {
    let mut bytes = encode(CLUSTER, r#"{"name": "c"}"#);
    bytes.extend([0x92, 0x4d, 0x01, b'x', 0x92, 0x4d, 0x00]); // Field 1234, twice.
    assert_eq!(findings(CLUSTER, &bytes, LazyFields::Skip).unwrap(), found(&[("field 1234", 2)]));
}

#[test]
fn a_flood_of_undeclared_numbers_is_cut_off() {
    let mut bytes = Vec::new();
    for number in 2_000_u32..3_000 {
        prost::encoding::encode_key(number, prost::encoding::WireType::Varint, &mut bytes);
        bytes.push(1);
    }
    let mut findings = Findings::default();
    scan(schema::message(CLUSTER).unwrap(), &bytes, LazyFields::Skip, &mut findings).unwrap();
    assert_eq!((findings.iter().count(), findings.unknown_beyond_limit()), (100, 900));
}

#[test]
fn truncated_input_is_an_error_with_its_place() {
    let json = r#"{"endpoints": [{}, {"lb_endpoints": [{"endpoint": {"hostname": "h"}}]}]}"#;
    let mut bytes = encode(ENDPOINTS, json);
    assert!(findings(ENDPOINTS, &bytes[..bytes.len() - 1], LazyFields::Skip).is_err());
    // The host name claims one byte more than its message holds.
    let length = bytes.len() - 2;
    bytes[length] = 2;
    let error = findings(ENDPOINTS, &bytes, LazyFields::Skip).unwrap_err();
    assert_eq!(error.problem, Problem::Truncated);
    assert_eq!(error.path, "endpoints[1].lb_endpoints[0].endpoint.hostname");
    assert!(error.to_string().starts_with("envoy.config.endpoint.v3.ClusterLoadAssignment: endpoints[1]"), "{error}");
}

#[test]
fn nesting_is_limited() {
    let begun = vec![0x7b; 100_000]; // Groups of the undeclared number 15, each within the one before.
    assert_eq!(findings(ROUTES, &begun, LazyFields::Enter).unwrap_err().problem, Problem::TooDeep);
    let ended = [[0x7b; 50], [0x7c; 50]].concat();
    assert_eq!(findings(ENDPOINTS, &ended, LazyFields::Enter).unwrap(), found(&[("field 15", 1)]));
}
