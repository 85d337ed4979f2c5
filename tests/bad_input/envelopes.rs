//! What is wrong with a message as a whole, or with the way its resources stand in it.

use amesh_tests::message::{CLUSTER, ENDPOINTS, LISTENER, ROUTES, encode, response};
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message;
use serde_json::{Value, json};

use crate::running::{error, receivers, responses, unchanged};

/// Every receiver refuses the message with these words, and nothing changes.
fn refused(message: &[u8], words: &[&str]) {
    for detail in unchanged(&mut receivers(1 << 20), message) {
        let detail = detail.expect("a NACK");
        for word in words {
            assert!(detail.contains(word), "{word:?} is missing: {detail}");
        }
    }
}

fn cluster(name: &str) -> Vec<u8> {
    encode(&json!({"@type": CLUSTER, "name": name, "type": "STATIC"}))
}

fn with(url: &str, resources: Vec<Any>) -> Vec<u8> {
    DiscoveryResponse { type_url: url.to_owned(), resources, ..DiscoveryResponse::default() }.encode_to_vec()
}

#[test]
fn truncated_messages() {
    let receivers = &mut receivers(1 << 20);
    for response in responses() {
        for cut in (1..40).map(|part| response.len() * part / 40) {
            // What is cut off may be no more than the nonce.
            if DiscoveryResponse::decode(&response[..cut]).is_ok_and(|it| !it.type_url.is_empty()) {
                continue;
            }
            for detail in unchanged(receivers, &response[..cut]) {
                let detail = detail.expect("a NACK");
                assert!(detail.contains("cannot be decoded") || detail.contains("type URL"), "{detail}");
            }
        }
    }
}

#[test]
fn no_message_at_all() {
    refused(b"\xff\xff\xff\xff", &["the message cannot be decoded"]);
    refused(b"<html>bad gateway</html>", &["the message cannot be decoded"]);
    refused(b"{\"versionInfo\":\"1\"}", &["the message cannot be decoded"]);
}

#[test]
fn wrong_types() {
    refused(&with("type.googleapis.com/no.such.Type", Vec::new()), &["type.googleapis.com/no.such.Type"]);
    refused(&with("", Vec::new()), &["type URL"]);
    let stray = Any { type_url: ROUTES.to_owned(), value: cluster("stray").into() };
    let clusters = DiscoveryResponse::decode(responses()[0].as_slice()).unwrap().resources;
    let message = with(CLUSTER, clusters.into_iter().chain([stray]).collect());
    refused(&message, &["\"stray\"", ROUTES, CLUSTER]);
}

#[test]
fn a_resource_that_is_garbled() {
    let mut clusters = DiscoveryResponse::decode(responses()[0].as_slice()).unwrap().resources;
    // The name can be read, what follows cannot.
    clusters.push(Any { type_url: CLUSTER.to_owned(), value: b"\x0a\x06broken\x1a\x7f\x01".to_vec().into() });
    refused(&with(CLUSTER, clusters), &["Cluster \"broken\""]);
}

#[test]
fn two_resources_of_one_name() {
    for receiver in &mut receivers(1 << 20) {
        let routes = |status: u16| {
            let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": status}});
            let host = json!({"name": "v", "domains": ["*"], "routes": [route]});
            encode(&json!({"@type": ROUTES, "name": "9080", "virtual_hosts": [host]}))
        };
        let answer = receiver.stream(&response(ROUTES, "2", [routes(418), routes(599)])).unwrap();
        let detail = error(&answer).expect("a NACK");
        assert!(detail.contains("RouteConfiguration \"9080\"") && detail.contains("two resources"), "{detail}");
        assert!(answer.changes.contains("418") && !answer.changes.contains("599"), "the first one counts");
    }
}

#[test]
fn a_message_over_the_limit() {
    const LIMIT: usize = 100_000;
    for (index, receiver) in receivers(LIMIT).iter_mut().enumerate() {
        let before = receiver.in_force();
        let message = vec![0; LIMIT + 1];
        // The module refuses it before it takes it in: the protocol's own answer for that is a 413.
        let why = match receiver.stream(&message) {
            Ok(answer) => error(&answer).expect("a NACK"),
            Err(status) => status,
        };
        assert!(why.contains(&LIMIT.to_string()) && why.contains("limits.message_bytes"), "{index}: {why}");
        assert_eq!(receiver.in_force(), before);
    }
}

/// A message of some kind inside a message of that kind, a thousand times over.
fn nested(innermost: Any, wrap: impl Fn(Any) -> Any) -> Any {
    (0..1_000).fold(innermost, |inner, _| wrap(inner))
}

fn deep(bytes: &[u8], field: u8) -> Vec<u8> {
    let mut length = Vec::new();
    prost::encoding::encode_varint(bytes.len() as u64, &mut length);
    [&[field << 3 | 2], length.as_slice(), bytes].concat()
}

#[test]
fn any_inside_any_a_thousand_deep() {
    const ANY: &str = "type.googleapis.com/google.protobuf.Any";
    const WRAPPER: &str = "type.googleapis.com/envoy.service.discovery.v3.Resource";
    let plain = || Any { type_url: CLUSTER.to_owned(), value: cluster("deep").into() };
    let boxed = |inner: Any| Any { type_url: ANY.to_owned(), value: inner.encode_to_vec().into() };
    refused(&with(CLUSTER, vec![nested(plain(), boxed)]), &["google.protobuf.Any"]);
    let wrapped = |inner: Any| {
        let value = [deep(b"deep", 3), deep(&inner.encode_to_vec(), 2)].concat();
        Any { type_url: WRAPPER.to_owned(), value: value.into() }
    };
    refused(&with(CLUSTER, vec![nested(plain(), wrapped)]), &["\"deep\"", "envoy.service.discovery.v3.Resource"]);
}

#[test]

fn filters_inside_filters_a_thousand_deep() {
    const FILTER: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
    let wrapped = |inner: Any| Any { type_url: FILTER.to_owned(), value: deep(&inner.encode_to_vec(), 1).into() };
    let deepest = nested(Any { type_url: FILTER.to_owned(), value: Vec::new().into() }, wrapped);
    let entry = [deep(b"filter", 1), deep(&deepest.encode_to_vec(), 2)].concat();
    let route = encode(&json!({"@type": "type.googleapis.com/envoy.config.route.v3.Route",
        "match": {"prefix": "/"}, "direct_response": {"status": 201}}));
    // A virtual host whose typed_per_filter_config (15) holds that.
    let host = [deep(b"v", 1), deep(b"deep.test", 2), deep(&route, 3), deep(&entry, 15)].concat();
    let routes = [deep(b"9080", 1), deep(&host, 2)].concat();
    for receiver in &mut receivers(1 << 20) {
        let answer = receiver.stream(&response(ROUTES, "2", [routes.clone()])).unwrap();
        // Not looked into: a wrapper inside a wrapper is no filter that Envoy has.
        let error = error(&answer).unwrap();
        assert!(error.contains("typed_per_filter_config") && error.contains("FilterConfig"), "{error}");
        assert!(!answer.changes.contains("201"), "{answer:?}");
    }
}

#[test]
fn structs_inside_structs_a_thousand_deep() {
    // google.protobuf.Value: list_value (6) with values (1), in the metadata (25) of a cluster.
    let value = (0..1_000).fold(Vec::new(), |inner, _| deep(&deep(&inner, 1), 6));
    let fields = deep(&[deep(b"key", 1), deep(&value, 2)].concat(), 1);
    let metadata = deep(&[deep(b"filter", 1), deep(&fields, 2)].concat(), 1);
    let mut tagged = vec![0xca, 0x01];
    prost::encoding::encode_varint(metadata.len() as u64, &mut tagged);
    tagged.extend(metadata);
    let deep = [cluster("deep"), tagged].concat();
    for receiver in &mut receivers(1 << 20) {
        let mut clusters = DiscoveryResponse::decode(responses()[0].as_slice()).unwrap().resources;
        clusters.push(Any { type_url: CLUSTER.to_owned(), value: deep.clone().into() });
        let before = receiver.in_force();
        let answer = receiver.stream(&with(CLUSTER, clusters)).unwrap();
        // Metadata is not read: whether it is refused or passed over, the others stay in use.
        if let Some(detail) = error(&answer) {
            assert!(detail.contains("Cluster \"deep\""), "{detail}");
        }
        assert_eq!(receiver.in_force(), before);
    }
}

#[test]
fn empty_responses_of_types_that_are_wanted_by_name_take_nothing_away() {
    let mut receivers = receivers(1 << 20);
    for url in [ENDPOINTS, ROUTES] {
        assert!(unchanged(&mut receivers, &response(url, "2", [])).iter().all(Option::is_none));
    }
    let gone: Value = json!([]);
    for receiver in &mut receivers {
        receiver.stream(&response(LISTENER, "2", [])).unwrap();
        assert_eq!(receiver.in_force()["routes"], gone, "listeners are wanted whole: none is left");
    }
}
