//! Parts of a resource that are reported as a whole, so that nothing inside them has to be.

use amesh_tests::message::name_of;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

/// The code under which a listener is reported as a whole, because it is not on a TCP port.
pub(crate) fn elsewhere(listener: &DynamicMessage) -> Option<&'static str> {
    let socket = message(listener, "address").and_then(|address| message(&address, "socket_address"));
    let is_tcp = |it: &DynamicMessage| {
        it.get_field_by_name("protocol").and_then(|protocol| protocol.as_enum_number()) == Some(0)
    };
    (!socket.is_some_and(|it| is_tcp(&it))).then_some("AM0301")
}

/// The code under which a filter chain is reported as not served; `None` where it is served.
pub(crate) fn left_out(chain: &DynamicMessage) -> Option<&'static str> {
    let is_http = |filter: &DynamicMessage| type_in(filter).is_some_and(|it| it.ends_with(".HttpConnectionManager"));
    if !list(chain, "filters").iter().any(is_http) {
        return Some("AM0301");
    }
    let socket = message(chain, "transport_socket").and_then(|socket| type_in(&socket));
    let is_secured = socket.is_some_and(|it| !it.ends_with(".RawBuffer"));
    (is_secured || message(chain, "filter_chain_match").is_some_and(|it| is_for_others(&it))).then_some("AM0304")
}

/// A match that plain HTTP does not meet.
fn is_for_others(matcher: &DynamicMessage) -> bool {
    let texts = |field: &str| -> Vec<String> {
        let value = matcher.get_field_by_name(field);
        value.iter().filter_map(|it| it.as_list()).flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let is_plain = |protocol: &String| ["http/1.0", "http/1.1", "h2c"].contains(&protocol.as_str());
    let transport = matcher.get_field_by_name("transport_protocol");
    !texts("server_names").is_empty()
        || transport.is_some_and(|it| it.as_str() == Some("tls"))
        || !texts("application_protocols").iter().all(is_plain)
}

/// Whether a filter is switched off for some routes, whatever else its configuration for them says.
pub(crate) fn is_switched_off(config: &DynamicMessage) -> bool {
    config.get_field_by_name("disabled").and_then(|value| value.as_bool()) == Some(true)
}

/// Whether a field that is read is not looked into: it only matters that it is set.
pub(crate) fn is_flag(field: &str) -> bool {
    field == "original_ip_detection_extensions"
}

/// Whether the field belongs to an HTTP filter that is switched off, and so does nothing.
pub(crate) fn is_disabled(owner: &DynamicMessage, field: &str) -> bool {
    let disabled = || owner.get_field_by_name("disabled").and_then(|value| value.as_bool()).unwrap_or_default();
    owner.descriptor().name() == "HttpFilter" && field == "typed_config" && disabled()
}

/// The full name of the message in `typed_config`.
fn type_in(owner: &DynamicMessage) -> Option<String> {
    let any = message(owner, "typed_config")?;
    let url = any.get_field_by_name("type_url")?;
    Some(name_of(url.as_str()?).to_owned())
}

fn message(owner: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    let is_set = owner.descriptor().get_field_by_name(field).is_some_and(|it| owner.has_field(&it));
    owner.get_field_by_name(field).filter(|_| is_set)?.as_message().cloned()
}

fn list(owner: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = owner.get_field_by_name(field);
    value.iter().filter_map(|it| it.as_list()).flatten().filter_map(Value::as_message).cloned().collect()
}
