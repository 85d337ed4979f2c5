//! Reduces the descriptors to what is read: unread fields and messages that nothing reads are taken out, lazy
//! fields become `bytes`, which has the same form on the wire.

use crate::descriptors::{Descriptors, is_map_entry, is_message, is_well_known, join, type_name};
use crate::reach::Reached;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use std::collections::{BTreeMap, BTreeSet};

/// The descriptors of the wire types.
pub(crate) fn reduce(descriptors: &Descriptors, reached: &Reached<'_>) -> FileDescriptorSet {
    let files = descriptors.files.iter().map(|file| reduce_file(file, reached));
    FileDescriptorSet {
        file: files.filter(|file| !file.message_type.is_empty() || !file.enum_type.is_empty()).collect(),
    }
}

fn reduce_file(file: &FileDescriptorProto, reached: &Reached<'_>) -> FileDescriptorProto {
    let mut file = file.clone();
    let package = file.package().to_owned();
    file.message_type =
        file.message_type.iter().filter_map(|message| reduce_message(&package, message, reached)).collect();
    file.enum_type.retain(|item| reached.enums.contains(&join(&package, item.name())));
    file.service.clear();
    // Comments are found by position, and positions have changed.
    file.source_code_info = None;
    file
}

/// `None` when neither the message nor one that is declared in it is read.
fn reduce_message(prefix: &str, message: &DescriptorProto, reached: &Reached<'_>) -> Option<DescriptorProto> {
    let name = join(prefix, message.name());
    let mut lean = message.clone();
    lean.field = message.field.iter().filter_map(|field| reduce_field(&name, field, reached)).collect();
    lean.nested_type = message
        .nested_type
        .iter()
        .filter(|nested| !is_map_entry(nested) || refers_to(&lean, &join(&name, nested.name())))
        .filter_map(|nested| reduce_message(&name, nested, reached))
        .collect();
    lean.enum_type.retain(|item| reached.enums.contains(&join(&name, item.name())));
    renumber_oneofs(&mut lean);
    let kept = reached.messages.contains(&name) || !lean.nested_type.is_empty() || !lean.enum_type.is_empty();
    kept.then_some(lean)
}

fn reduce_field(message: &str, field: &FieldDescriptorProto, reached: &Reached<'_>) -> Option<FieldDescriptorProto> {
    let mut lean = reached.is_read(message, field.name()).then(|| field.clone())?;
    if reached.is_lazy(message, field.name()) && is_message(field) && !is_well_known(type_name(field)) {
        lean.set_type(Type::Bytes);
        lean.type_name = None;
    }
    Some(lean)
}

fn refers_to(message: &DescriptorProto, name: &str) -> bool {
    message.field.iter().any(|field| type_name(field) == name)
}

/// Takes out one-ofs without members, which would be enums without variants.
fn renumber_oneofs(message: &mut DescriptorProto) {
    let used: BTreeSet<i32> = message.field.iter().filter_map(|field| field.oneof_index).collect();
    let numbers: BTreeMap<i32, i32> = used.iter().copied().zip(0..).collect();
    for field in &mut message.field {
        field.oneof_index = field.oneof_index.and_then(|old| numbers.get(&old).copied());
    }
    let mut index = 0..;
    message.oneof_decl.retain(|_| index.next().is_some_and(|index| used.contains(&index)));
}
