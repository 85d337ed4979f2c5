//! What has to be taken out of Istio's xDS so that a stock Envoy on loopback can load it. Nothing else is changed.
//!
//! * Filters (of connections, of requests, of clusters) whose configuration is of a type that this Envoy does not hold
//!   are removed: Istio's own `istio.alpn`, `istio.metadata_exchange`, `istio.stats`. None of them routes.
//! * Every listener is bound to a free port of 127.0.0.1, and its connections are not handed over by their original
//!   destination, as no packet filter redirects any here.
//! * Filter chains with TLS are served in plain text and for any server name: nobody hands out the certificates here.
//! * The filter chain matches that need a redirected connection (`destination_port`) stay, and match nothing.

use amesh_tests::message::{LISTENER, Types, name_of};
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use serde_json::json;

/// The names of the fields that hold lists of filters.
const FILTERS: [&str; 3] = ["filters", "http_filters", "upstream_http_filters"];

/// Makes a response loadable.
pub(crate) fn response(types: &Types, bytes: &[u8]) -> Vec<u8> {
    let mut response = DiscoveryResponse::decode(bytes).expect("a response");
    for any in &mut response.resources {
        let mut message = types.from_bytes(&any.type_url, &any.value).expect("a resource");
        without_unknown(types, &mut message);
        if any.type_url == LISTENER {
            on_loopback(types, &mut message);
        }
        any.value = message.encode_to_vec().into();
    }
    response.encode_to_vec()
}

fn on_loopback(types: &Types, listener: &mut DynamicMessage) {
    let address = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.Address",
        "socket_address": {"address": "127.0.0.1", "port_value": 0},
    });
    let address = types.from_json(&address).expect("an address");
    listener.set_field_by_name("address", Value::Message(address));
    for field in ["bind_to_port", "use_original_dst"] {
        listener.clear_field_by_name(field);
    }
    let chains = listener.get_field_by_name_mut("filter_chains").and_then(Value::as_list_mut);
    chains.into_iter().flatten().filter_map(Value::as_message_mut).for_each(in_plain_text);
}

fn in_plain_text(chain: &mut DynamicMessage) {
    if chain.has_field_by_name("transport_socket") {
        chain.clear_field_by_name("transport_socket");
        chain.clear_field_by_name("filter_chain_match");
    }
}

/// Removes the filters of unknown types, also inside configurations.
fn without_unknown(types: &Types, message: &mut DynamicMessage) {
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        let value = message.get_field_mut(&field);
        match value {
            Value::List(list) => {
                if FILTERS.contains(&field.name()) {
                    list.retain(|filter| filter.as_message().is_none_or(|it| is_known(types, it)));
                }
                list.iter_mut().filter_map(Value::as_message_mut).for_each(|below| descend(types, below));
            }
            Value::Message(below) => descend(types, below),
            _ => {}
        }
    }
}

fn descend(types: &Types, message: &mut DynamicMessage) {
    if message.descriptor().full_name() != "google.protobuf.Any" {
        return without_unknown(types, message);
    }
    let Some(mut inner) = content(types, message) else { return };
    without_unknown(types, &mut inner);
    message.set_field_by_name("value", Value::Bytes(inner.encode_to_vec().into()));
}

fn is_known(types: &Types, filter: &DynamicMessage) -> bool {
    let config = filter.get_field_by_name("typed_config");
    let Some(any) = config.as_ref().and_then(|it| it.as_message()) else { return true };
    content(types, any).is_some_and(|inner| match inner.get_field_by_name("type_url") {
        // A TypedStruct: known is what it stands for.
        Some(url) => url.as_str().is_some_and(|url| types.message(url).is_some()),
        None => true,
    })
}

fn content(types: &Types, any: &DynamicMessage) -> Option<DynamicMessage> {
    let (url, value) = (any.get_field_by_name("type_url")?, any.get_field_by_name("value")?);
    types.from_bytes(name_of(url.as_str()?), value.as_bytes()?)
}
