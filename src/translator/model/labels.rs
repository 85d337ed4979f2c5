//! Labels inside a `google.protobuf.Struct`.

use std::collections::BTreeMap;

use amesh_xds::wire::envoy::config::core::v3::Metadata;
use amesh_xds::wire::google::protobuf::value::Kind;
use amesh_xds::wire::google::protobuf::{Struct, Value};

/// The part of metadata that load balancing looks at.
pub(crate) const LOAD_BALANCING: &str = "envoy.lb";

/// The members of a `Struct`, in order.
pub(crate) type Labels = BTreeMap<String, Label>;

/// A value that equals another one where Envoy says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Label>),
    /// A struct.
    Members(Labels),
    /// A number, a boolean, null or nothing, in a form that equals only itself.
    Other(String),
}

impl From<&Value> for Label {
    fn from(value: &Value) -> Self {
        match &value.kind {
            Some(Kind::StringValue(text)) => Self::Text(text.clone()),
            Some(Kind::ListValue(list)) => Self::List(list.values.iter().map(Self::from).collect()),
            Some(Kind::StructValue(members)) => Self::Members(labels(members)),
            Some(Kind::NumberValue(number)) => Self::Other(number.to_string()),
            Some(Kind::BoolValue(value)) => Self::Other(value.to_string()),
            Some(Kind::NullValue(_)) => Self::Other("null".to_owned()),
            None => Self::Other(String::new()),
        }
    }
}

/// All members.
pub(crate) fn labels(members: &Struct) -> Labels {
    members.fields.iter().map(|(key, value)| (key.clone(), Label::from(value))).collect()
}

/// What load balancing looks at.
pub(crate) fn load_balancing_labels(metadata: Option<&Metadata>) -> Labels {
    metadata.and_then(|metadata| metadata.filter_metadata.get(LOAD_BALANCING)).map(labels).unwrap_or_default()
}

/// The members as text. Numbers, lists and members of members get a form that equals only itself.
pub(crate) fn string_labels(labels: &Struct) -> Vec<(String, String)> {
    labels.fields.iter().map(|(key, value)| (key.clone(), text(value.kind.as_ref()))).collect()
}

fn text(kind: Option<&Kind>) -> String {
    match kind {
        Some(Kind::StringValue(text)) => text.clone(),
        other => format!("\0{other:?}"),
    }
}

/// True where `needle` stands somewhere in the bytes.
pub(crate) fn mentions(bytes: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    // Every endpoint of a mesh is looked at: most places are told by their first byte.
    bytes.windows(needle.len()).any(|window| window.first() == needle.first() && window == needle)
}
