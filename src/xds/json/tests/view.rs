//! The readable view: secrets, odd bytes.

use amesh_xds::json::{Secrets, from_wire, to_wire};
use amesh_xds::schema;
use proptest::prelude::*;
use prost_reflect::{Kind, Value as Reflected};
use serde_json::{Value, json};

const SECRET: &str = "envoy.extensions.transport_sockets.tls.v3.Secret";

fn view(name: &str, value: &Value, secrets: Secrets) -> Value {
    let message = schema::message(name).unwrap();
    from_wire(message, &to_wire(message, value, &mut Vec::new()).unwrap(), secrets).unwrap()
}

#[test]
fn secrets_are_left_out() {
    let secret = json!({"name": "s", "tls_certificate": {
        "certificate_chain": {"inline_string": "public"},
        "private_key": {"inline_string": "hunter2"},
        "password": {"inline_bytes": "aHVudGVyMg=="},
        "pkcs12": {"filename": "/etc/keys.p12"},
    }});
    let shown = view(SECRET, &secret, Secrets::Redact);
    assert!(!shown.to_string().contains("hunter2") && !shown.to_string().contains("aHVudGVyMg"));
    assert_eq!(shown["tls_certificate"]["certificate_chain"]["inline_string"], "public");
    assert_eq!(shown["tls_certificate"]["private_key"]["inline_string"], "[redacted]");
    assert_eq!(shown["tls_certificate"]["pkcs12"]["filename"], "/etc/keys.p12");
    assert_eq!(view(SECRET, &secret, Secrets::Show), secret);
    let generic = json!({"generic_secret": {"secrets": {"a": {"inline_string": "hunter2"}}}});
    assert!(!view(SECRET, &generic, Secrets::Redact).to_string().contains("hunter2"));
    let tickets = json!({"session_ticket_keys": {"keys": [{"inline_bytes": "aHVudGVyMg=="}]}});
    assert!(!view(SECRET, &tickets, Secrets::Redact).to_string().contains("aHVudGVyMg"));
    let provider = json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"key": ["hunter2", 42]}});
    let provider = json!({"tls_certificate": {"private_key_provider": {"typed_config": provider}}});
    let shown = view(SECRET, &provider, Secrets::Redact).to_string();
    assert!(!shown.contains("hunter2") && !shown.contains("42"), "{shown}");
}

/// Envoy's own annotations say which fields are sensitive.
#[test]
fn every_field_that_envoy_marks_is_a_secret() {
    let Some(folder) = crate::support::shared("every_field_that_envoy_marks_is_a_secret") else { return };
    let set = std::fs::read(folder.join("corpus/envoy-1.40-descriptors.pb")).unwrap();
    let pool = prost_reflect::DescriptorPool::decode(&*set).unwrap();
    let sensitive = pool.get_extension_by_name("udpa.annotations.sensitive").unwrap();
    let mut seen = 0;
    for message in pool.all_messages().filter(|message| schema::message(message.full_name()).is_some()) {
        for field in message.fields() {
            if *field.options().get_extension(&sensitive) != Reflected::Bool(true) {
                continue;
            }
            seen += 1;
            let (shown, probe) = probe(message.full_name(), &field);
            assert!(!shown.to_string().contains("hunter2"), "{}: {probe} shows as {shown}", field.full_name());
        }
    }
    assert!(seen >= 12, "{seen}");
}

/// A message with a secret in the field, and how it shows.
fn probe(message: &str, field: &prost_reflect::FieldDescriptor) -> (Value, Value) {
    let inner = match field.kind() {
        Kind::Message(kind) => match kind.full_name() {
            "google.protobuf.Any" => json!({"@type": "x/google.protobuf.StringValue", "value": "hunter2"}),
            "envoy.config.core.v3.DataSource" => json!({"inline_string": "hunter2"}),
            name if name.ends_with(".Credential") => json!({"key": "hunter2"}),
            name if name.ends_with(".ContextExtensionsEntry") => json!({"k": "hunter2"}),
            _ => json!({"k": {"inline_string": "hunter2"}}),
        },
        _ => json!("hunter2"),
    };
    let value = if field.is_list() { json!([inner]) } else { inner };
    let value = json!({field.name(): value});
    (view(message, &value, Secrets::Redact), value)
}

proptest! {
    /// Bytes of any kind give JSON or an error, and JSON that came out goes in again.
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), index in any::<prop::sample::Index>()) {
        let message = index.get(schema::messages());
        if let Ok(shown) = from_wire(message, &bytes, Secrets::Show) {
            let _ = to_wire(message, &shown, &mut Vec::new());
        }
    }
}
