//! Labels inside a `google.protobuf.Struct`.

use amesh_xds::wire::google::protobuf::Struct;
use amesh_xds::wire::google::protobuf::value::Kind;

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
