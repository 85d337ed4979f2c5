//! The compiled `.proto` sources, indexed by full name.

use crate::Result;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every declared message and enum by full name, without a leading dot.
pub(crate) struct Descriptors {
    pub(crate) files: Vec<FileDescriptorProto>,
    pub(crate) messages: BTreeMap<String, DescriptorProto>,
    pub(crate) enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Descriptors {
    /// Compiles all `.proto` files below `folder`.
    pub(crate) fn compile(folder: &Path) -> Result<Self> {
        let mut sources = Vec::new();
        find_sources(folder, &mut sources)?;
        sources.sort();
        let set: FileDescriptorSet = protox::compile(sources, [folder])?;
        let mut found = Self { files: set.file, messages: BTreeMap::new(), enums: BTreeMap::new() };
        for file in found.files.clone() {
            for message in &file.message_type {
                found.index_message(file.package(), message);
            }
            for item in &file.enum_type {
                found.enums.insert(join(file.package(), item.name()), item.clone());
            }
        }
        Ok(found)
    }

    fn index_message(&mut self, prefix: &str, message: &DescriptorProto) {
        let name = join(prefix, message.name());
        for nested in &message.nested_type {
            self.index_message(&name, nested);
        }
        for item in &message.enum_type {
            self.enums.insert(join(&name, item.name()), item.clone());
        }
        self.messages.insert(name, message.clone());
    }

    /// The entry message of a map field.
    pub(crate) fn map_entry(&self, field: &FieldDescriptorProto) -> Option<&DescriptorProto> {
        self.messages.get(type_name(field)).filter(|entry| is_message(field) && is_map_entry(entry))
    }
}

fn find_sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

/// `prefix.name`, or `name` alone.
pub(crate) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// The full name of a field's message or enum, without the leading dot.
pub(crate) fn type_name(field: &FieldDescriptorProto) -> &str {
    field.type_name().trim_start_matches('.')
}

pub(crate) fn is_message(field: &FieldDescriptorProto) -> bool {
    field.r#type() == Type::Message
}

pub(crate) fn is_repeated(field: &FieldDescriptorProto) -> bool {
    field.label() == Label::Repeated
}

pub(crate) fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

/// Google's well-known types are always whole and are not walked into.
pub(crate) fn is_well_known(message: &str) -> bool {
    message.starts_with("google.protobuf.")
}
