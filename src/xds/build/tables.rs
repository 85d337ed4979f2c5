//! Writes the schema tables: every declared message and enum, with the ledger's classes.

use crate::descriptors::{Descriptors, is_message, is_repeated, is_well_known, type_name};
use crate::ledger::{Action, Class, Ledger};
use crate::reach::Reached;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, OneofDescriptorProto};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::RangeFrom;

/// The Rust source of `tables.rs`, to be included in `schema`.
pub(crate) fn render(descriptors: &Descriptors, ledger: &Ledger, reached: &Reached<'_>) -> String {
    let tables = Tables {
        descriptors,
        reached,
        messages: read_first(descriptors, reached).zip(0..).collect(),
        enums: descriptors.enums.keys().map(String::as_str).zip(0..).collect(),
        classes: classes(ledger),
    };
    let mut text = String::new();
    tables.write_classes(&mut text);
    tables.write_messages(&mut text);
    tables.write_enums(&mut text);
    tables.write_extensions(ledger, &mut text);
    text
}

/// Every message, those that are read before the others, so that a program can do without the others.
fn read_first<'a>(descriptors: &'a Descriptors, reached: &Reached<'_>) -> impl Iterator<Item = &'a str> {
    let names = descriptors.messages.keys().map(String::as_str);
    let (read, others): (Vec<_>, Vec<_>) = names.partition(|name| reached.messages.contains(*name));
    read.into_iter().chain(others)
}

struct Tables<'a> {
    descriptors: &'a Descriptors,
    reached: &'a Reached<'a>,
    messages: BTreeMap<&'a str, u16>,
    enums: BTreeMap<&'a str, u16>,
    classes: BTreeMap<&'a Class, u16>,
}

/// The distinct classes; number 0 is left for fields that nothing reaches.
fn classes(ledger: &Ledger) -> BTreeMap<&Class, u16> {
    let fields = ledger.messages.values().flat_map(|block| block.fields.values().map(|(class, _)| class));
    let extensions = ledger.extensions.values().map(|extension| &extension.class);
    let distinct: BTreeSet<&Class> = fields.chain(extensions).chain([&Class::Translated]).collect();
    distinct.into_iter().zip(1..).collect()
}

impl Tables<'_> {
    fn write_classes(&self, text: &mut String) {
        let _ = writeln!(text, "static CLASSES: &[Class] = &[\n    Class::Unlisted,");
        for class in self.classes.keys() {
            let _ = writeln!(text, "    {},", class_source(class));
        }
        text.push_str("];\n");
    }

    fn write_messages(&self, text: &mut String) {
        let mut ids = 0..;
        for (table, read) in [("READ", true), ("OTHERS", false)] {
            let _ = writeln!(text, "/// Sorted by full name.\nstatic {table}: &[Message] = &[");
            for (name, message) in &self.descriptors.messages {
                if self.reached.messages.contains(name) == read {
                    self.write_message(name, message, &mut ids, text);
                }
            }
            text.push_str("];\n");
        }
    }

    fn write_message(&self, name: &str, message: &DescriptorProto, ids: &mut RangeFrom<u16>, text: &mut String) {
        let oneofs: Vec<&str> = message.oneof_decl.iter().map(OneofDescriptorProto::name).collect();
        let _ = writeln!(text, "    Message {{ full_name: {name:?}, oneofs: &{oneofs:?}, fields: &[");
        let mut fields: Vec<&FieldDescriptorProto> = message.field.iter().collect();
        fields.sort_by_key(|field| field.number());
        for (field, id) in fields.into_iter().zip(ids) {
            let _ = writeln!(text, "        {},", self.field(name, field, id));
        }
        text.push_str("    ] },\n");
    }

    fn field(&self, message: &str, field: &FieldDescriptorProto, id: u16) -> String {
        let class = self.reached.class(message, field.name());
        let class = class.and_then(|class| self.classes.get(class)).copied().unwrap_or_default();
        let oneof = field.oneof_index.map_or("NO_ONEOF".to_owned(), |index| index.to_string());
        format!(
            "Field {{ name: {:?}, number: {}, kind: {}, cardinality: Cardinality::{}, oneof: {oneof}, class: {class}, \
             id: {id}, walk: Walk::{} }}",
            field.name(),
            field.number(),
            self.kind(field),
            self.cardinality(field),
            self.walk(message, field),
        )
    }

    fn kind(&self, field: &FieldDescriptorProto) -> String {
        let number = |names: &BTreeMap<&str, u16>| names.get(type_name(field)).copied().unwrap_or(u16::MAX);
        match field.r#type() {
            Type::Message | Type::Group => format!("Kind::Message(MessageId({}))", number(&self.messages)),
            Type::Enum => format!("Kind::Enum(EnumId({}))", number(&self.enums)),
            scalar => format!("Kind::{scalar:?}"),
        }
    }

    fn cardinality(&self, field: &FieldDescriptorProto) -> &'static str {
        let scalar = !matches!(field.r#type(), Type::Message | Type::Group | Type::String | Type::Bytes);
        let packed = field.options.as_ref().and_then(|options| options.packed).unwrap_or(true);
        match (is_repeated(field), self.descriptors.map_entry(field)) {
            (false, _) => "Single",
            (true, Some(_)) => "Map",
            (true, None) if scalar && packed => "Packed",
            (true, None) => "Repeated",
        }
    }

    /// What the coverage scan does with the field.
    fn walk(&self, message: &str, field: &FieldDescriptorProto) -> &'static str {
        let class = self.reached.class(message, field.name());
        let read = class.is_some_and(Class::is_read);
        let enter = read && is_message(field) && !is_well_known(type_name(field)) && self.holds_messages(field);
        let report = !matches!(class, Some(Class::Translated | Class::NoEffect));
        let presence = is_message(field) || is_repeated(field) || field.oneof_index.is_some();
        match (report, enter) {
            (false, true) if self.reached.is_lazy(message, field.name()) => "Lazy",
            (false, true) => "Enter",
            (false, false) => "Pass",
            (true, true) => "ReportAndEnter",
            (true, false) if presence => "Report",
            (true, false) => "ReportUnlessZero",
        }
    }

    /// A map entry is entered only for the sake of a value that is.
    fn holds_messages(&self, field: &FieldDescriptorProto) -> bool {
        self.descriptors.map_entry(field).is_none_or(|entry| {
            entry.field.iter().any(|member| is_message(member) && !is_well_known(type_name(member)))
        })
    }

    fn write_enums(&self, text: &mut String) {
        text.push_str("/// Sorted by full name.\nstatic ENUMS: &[Enum] = &[\n");
        for (name, item) in &self.descriptors.enums {
            let _ = writeln!(text, "    Enum {{ full_name: {name:?}, values: &{:?} }},", values(item));
        }
        text.push_str("];\n");
    }

    fn write_extensions(&self, ledger: &Ledger, text: &mut String) {
        text.push_str("/// Sorted by kind and type name.\nstatic EXTENSIONS: &[Extension] = &[\n");
        for ((kind, name), extension) in &ledger.extensions {
            let class = self.classes.get(&extension.class).copied().unwrap_or_default();
            let _ = writeln!(text, "    Extension {{ kind: {kind:?}, type_name: {name:?}, class: {class} }},");
        }
        text.push_str("];\n");
    }
}

fn values(item: &EnumDescriptorProto) -> Vec<(&str, i32)> {
    item.value.iter().map(|value| (value.name(), value.number())).collect()
}

fn class_source(class: &Class) -> String {
    let action = |action: &Action| match action {
        Action::Ignore => "Action::Ignore",
        Action::Deny => "Action::Deny",
    };
    match class {
        Class::Translated => "Class::Translated".to_owned(),
        Class::NoEffect => "Class::NoEffect".to_owned(),
        Class::Approximated(note) => format!("Class::Approximated({note:?})"),
        Class::Refused(act, note) => format!("Class::Refused({}, {note:?})", action(act)),
        Class::NotYet(act, note) => format!("Class::NotYet({}, {note:?})", action(act)),
    }
}
