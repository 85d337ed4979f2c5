//! Every declared message and enum against Envoy's own descriptors, where they are at hand.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod support;

use amesh_xds::schema::{self, Cardinality, Enum, Field, Kind, Message};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use std::collections::BTreeMap;

#[derive(Default)]
struct Envoy {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Envoy {
    fn new(set: FileDescriptorSet) -> Self {
        let mut envoy = Self::default();
        for file in set.file {
            let package = file.package().to_owned();
            file.message_type.into_iter().for_each(|message| envoy.add(&package, message));
            file.enum_type.into_iter().for_each(|item| envoy.add_enum(&package, item));
        }
        envoy
    }

    fn add(&mut self, prefix: &str, mut message: DescriptorProto) {
        let name = format!("{prefix}.{}", message.name());
        for nested in std::mem::take(&mut message.nested_type) {
            self.add(&name, nested);
        }
        for item in std::mem::take(&mut message.enum_type) {
            self.add_enum(&name, item);
        }
        self.messages.insert(name, message);
    }

    fn add_enum(&mut self, prefix: &str, item: EnumDescriptorProto) {
        self.enums.insert(format!("{prefix}.{}", item.name()), item);
    }

    fn is_map_entry(&self, name: &str) -> bool {
        let message = self.messages.get(name.trim_start_matches('.'));
        message.and_then(|message| message.options.as_ref()).is_some_and(prost_types::MessageOptions::map_entry)
    }

    /// A field in the words that the tables are compared in.
    fn describe(&self, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
        let kind = match field.r#type() {
            Type::Message | Type::Enum => field.type_name().trim_start_matches('.').to_owned(),
            scalar => format!("{scalar:?}"),
        };
        let packed = field.options.as_ref().and_then(|options| options.packed).unwrap_or(true);
        let text = matches!(field.r#type(), Type::Message | Type::String | Type::Bytes);
        let cardinality = match field.label() {
            Label::Repeated if self.is_map_entry(field.type_name()) => Cardinality::Map,
            Label::Repeated if packed && !text => Cardinality::Packed,
            Label::Repeated => Cardinality::Repeated,
            _ => Cardinality::Single,
        };
        let oneof = field.oneof_index.map(|index| message.oneof_decl[usize::try_from(index).unwrap()].name());
        format!("{} = {} {kind} {cardinality:?} {oneof:?}", field.name(), field.number())
    }
}

fn describe(message: &Message, field: &Field) -> String {
    let kind = match field.kind {
        Kind::Message(id) => id.get().full_name.to_owned(),
        Kind::Enum(id) => id.get().full_name.to_owned(),
        scalar => format!("{scalar:?}"),
    };
    let oneof = field.oneof().map(|index| message.oneofs[index]);
    format!("{} = {} {kind} {:?} {oneof:?}", field.name, field.number, field.cardinality)
}

fn compare_message(envoy: &Envoy, message: &Message) {
    let theirs = envoy.messages.get(message.full_name).expect(message.full_name);
    let mut fields: Vec<_> = theirs.field.iter().collect();
    fields.sort_by_key(|field| field.number());
    let theirs: Vec<String> = fields.iter().map(|field| envoy.describe(theirs, field)).collect();
    let ours: Vec<String> = message.fields.iter().map(|field| describe(message, field)).collect();
    assert_eq!(ours, theirs, "{}", message.full_name);
}

fn compare_enum(envoy: &Envoy, item: &Enum) {
    let theirs = envoy.enums.get(item.full_name).expect(item.full_name);
    let theirs: Vec<_> = theirs.value.iter().map(|value| (value.name(), value.number())).collect();
    assert_eq!(item.values, theirs, "{}", item.full_name);
}

fn envoy(test: &str) -> Option<Envoy> {
    let bytes = std::fs::read(support::shared(test)?.join("corpus/envoy-1.40-descriptors.pb")).unwrap();
    Some(Envoy::new(FileDescriptorSet::decode(bytes.as_slice()).unwrap()))
}

#[test]
fn messages_are_envoys() {
    let Some(envoy) = envoy("messages_are_envoys") else { return };
    for message in schema::messages() {
        compare_message(&envoy, message);
    }
    for item in schema::enums() {
        compare_enum(&envoy, item);
    }
    let fields: usize = schema::messages().iter().map(|message| message.fields.len()).sum();
    println!("{} messages, {fields} fields, {} enums compared", schema::messages().len(), schema::enums().len());
}

#[test]
fn extensions_are_envoys() {
    let Some(envoy) = envoy("extensions_are_envoys") else { return };
    // Istio's own extensions are not among Envoy's descriptors, some of them in spite of their names.
    let theirs = |name: &str| name.starts_with("envoy.extensions.") || name.starts_with("envoy.config.");
    for extension in schema::extensions().iter().filter(|extension| theirs(extension.type_name)) {
        assert!(envoy.messages.contains_key(extension.type_name), "{}", extension.type_name);
    }
}

#[test]
fn lookups_find_every_entry() {
    for message in schema::messages() {
        assert_eq!(schema::message(message.full_name).unwrap().full_name, message.full_name);
        for field in message.fields {
            assert_eq!(message.field(field.number).unwrap().name, field.name);
            assert_eq!(message.field_named(field.name).unwrap().number, field.number);
        }
        assert!(message.field(0).is_none() && message.field(u32::MAX).is_none());
    }
    assert!(schema::message("envoy.config.route.v3.Nothing").is_none());
}

#[test]
fn unknown_extensions_fall_back_to_the_star() {
    let class =
        |kind, name| schema::extension(kind, name).map(|extension| (extension.type_name, extension.class().is_read()));
    let router = "envoy.extensions.filters.http.router.v3.Router";
    assert_eq!(class("http_filter", router), Some((router, true)));
    assert_eq!(class("http_filter", "example.Unknown"), Some(("*", false)));
    assert_eq!(class("no_such_kind", router), None);
}
