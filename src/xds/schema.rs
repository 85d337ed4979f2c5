//! Compact tables of every message and enum that `proto/` declares: names, numbers, kinds, and what the ledger says
//! about each field. They serve the coverage scan and the JSON layer.
//!
//! The tables say nothing about values and decode nothing.

use std::sync::LazyLock;

/// One message.
#[derive(Debug)]
pub struct Message {
    /// Full name without a leading dot, such as `envoy.config.route.v3.Route`.
    pub full_name: &'static str,
    /// Sorted by number.
    pub fields: &'static [Field],
    /// The names of the one-ofs; [`Field::oneof`] is an index into them.
    pub oneofs: &'static [&'static str],
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// The name as the `.proto` source spells it.
    pub name: &'static str,
    /// The field number on the wire.
    pub number: u32,
    /// The type of one value.
    pub kind: Kind,
    /// How many values there may be, and in which form.
    pub cardinality: Cardinality,
    oneof: u8,
    class: u16,
    id: u16,
    pub(crate) walk: Walk,
}

const NO_ONEOF: u8 = u8::MAX;

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the protocol buffer language")]
pub enum Kind {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Bytes,
    Uint32,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    Message(MessageId),
    Enum(EnumId),
}

/// Refers to a message of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(u16);

/// Refers to an enum of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumId(u16);

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// At most one.
    Single,
    /// Any number, each with a tag of its own.
    Repeated,
    /// Any number of scalars, written together behind one tag; readers take both forms.
    Packed,
    /// A map: repeated entry messages with a `key` (number 1) and a `value` (number 2).
    Map,
}

/// What the coverage scan does with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Nothing to report, nothing below.
    Pass,
    /// A message of which every field is classified.
    Enter,
    /// As `Enter`, but the wire types keep it encoded.
    Lazy,
    /// Set means reported.
    Report,
    /// As `Report`, for fields whose zero value is the same as not set.
    ReportUnlessZero,
    /// Both.
    ReportAndEnter,
}

/// One enum.
#[derive(Debug)]
pub struct Enum {
    /// Full name without a leading dot.
    pub full_name: &'static str,
    /// Names and numbers, in the order of the `.proto` source.
    pub values: &'static [(&'static str, i32)],
}

/// What amesh does with a field or an extension; `ledger/README.md` says what each class promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Read, and translated as Envoy means it.
    Translated,
    /// Deliberately not read: without effect on what happens to a request.
    NoEffect,
    /// Read; the note says how the result differs.
    Approximated(&'static str),
    /// Not read, because APISIX cannot do it.
    Refused(Action, &'static str),
    /// Not read in this release.
    NotYet(Action, &'static str),
    /// Below a field that is not read, so without a class of its own.
    Unlisted,
}

/// What happens where something is set that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Left out; never less safe than what Envoy does.
    Ignore,
    /// The smallest owner (route, virtual host, route configuration, cluster, listener) answers 503.
    Deny,
}

/// What the ledger says about a type that may stand in an `Any`.
#[derive(Debug)]
pub struct Extension {
    /// Where it may stand: `http_filter`, `cluster_type`, ...; `ledger/README.md` lists the kinds.
    pub kind: &'static str,
    /// Full name of the message, or `*` for those without an entry.
    pub type_name: &'static str,
    class: u16,
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// The message of that full name (without a leading dot or a `type.googleapis.com/`).
#[must_use]
pub fn message(full_name: &str) -> Option<&'static Message> {
    read_message(full_name).or_else(|| find(OTHERS, full_name))
}

/// As [`message`], for messages that the translation reads. A program that asks for no others does not contain them.
#[must_use]
pub fn read_message(full_name: &str) -> Option<&'static Message> {
    find(READ, full_name)
}

fn find(table: &'static [Message], full_name: &str) -> Option<&'static Message> {
    let found = table.binary_search_by(|message| message.full_name.cmp(full_name));
    table.get(found.ok()?)
}

/// Every message: those that are read, then the others, each sorted by full name.
#[must_use]
pub fn messages() -> &'static [&'static Message] {
    static ALL: LazyLock<Vec<&Message>> = LazyLock::new(|| READ.iter().chain(OTHERS).collect());
    &ALL
}

/// Every enum, sorted by full name.
#[must_use]
pub fn enums() -> &'static [Enum] {
    ENUMS
}

/// Every extension of the ledger, sorted by kind and type name.
#[must_use]
pub fn extensions() -> &'static [Extension] {
    EXTENSIONS
}

/// What the ledger says about a type in the place that `kind` names; the entry `*` answers for types without one.
#[must_use]
pub fn extension(kind: &str, type_name: &str) -> Option<&'static Extension> {
    let find = |name: &str| {
        let found = EXTENSIONS.binary_search_by(|entry| (entry.kind, entry.type_name).cmp(&(kind, name)));
        EXTENSIONS.get(found.ok()?)
    };
    find(type_name).or_else(|| find("*"))
}

impl Message {
    /// The field with that number.
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        // Most messages number their fields from 1 without gaps.
        let guess = self.fields.get(usize::try_from(number).ok()?.checked_sub(1)?);
        guess.filter(|field| field.number == number).or_else(|| {
            let found = self.fields.binary_search_by_key(&number, |field| field.number);
            self.fields.get(found.ok()?)
        })
    }

    /// The field with that name, as the `.proto` source spells it.
    #[must_use]
    pub fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether this is one of Google's well-known types, which have JSON forms of their own.
    #[must_use]
    pub fn is_well_known(&self) -> bool {
        self.full_name.starts_with("google.protobuf.")
    }
}

impl Field {
    /// The message that the values are, if they are messages.
    #[must_use]
    pub fn message(&self) -> Option<&'static Message> {
        match self.kind {
            Kind::Message(id) => Some(id.get()),
            _ => None,
        }
    }

    /// As [`Field::message`], for a field that is read, whose message is read too.
    pub(crate) fn read_message(&self) -> Option<&'static Message> {
        match self.kind {
            Kind::Message(id) => READ.get(usize::from(id.0)),
            _ => None,
        }
    }

    /// The enum that the values are of, if they are.
    #[must_use]
    pub fn enumeration(&self) -> Option<&'static Enum> {
        match self.kind {
            Kind::Enum(id) => Some(id.get()),
            _ => None,
        }
    }

    /// The index in [`Message::oneofs`] of the one-of that the field belongs to.
    #[must_use]
    pub fn oneof(&self) -> Option<usize> {
        (self.oneof != NO_ONEOF).then_some(usize::from(self.oneof))
    }

    /// What the ledger says about the field.
    #[must_use]
    pub fn class(&self) -> Class {
        class(self.class)
    }

    /// A number that no other field of the tables has; in the order of the tables.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Whether the wire types keep the field encoded, as bytes.
    #[must_use]
    pub fn is_lazy(&self) -> bool {
        self.walk == Walk::Lazy
    }
}

impl Extension {
    /// What the ledger says about the extension.
    #[must_use]
    pub fn class(&self) -> Class {
        class(self.class)
    }
}

impl Class {
    /// Whether the translation reads what has this class.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Translated | Self::Approximated(_))
    }

    /// The ledger's sentence on what differs for a request.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Approximated(note) | Self::Refused(_, note) | Self::NotYet(_, note) => Some(note),
            Self::Translated | Self::NoEffect | Self::Unlisted => None,
        }
    }

    /// What happens where it is set, if it is not read.
    #[must_use]
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Refused(action, _) | Self::NotYet(action, _) => Some(action),
            _ => None,
        }
    }
}

impl MessageId {
    /// The message itself.
    #[must_use]
    pub fn get(self) -> &'static Message {
        static NONE: Message = Message { full_name: "", fields: &[], oneofs: &[] };
        let index = usize::from(self.0);
        let other = || OTHERS.get(index.checked_sub(READ.len())?);
        READ.get(index).or_else(other).unwrap_or(&NONE)
    }
}

impl EnumId {
    /// The enum itself.
    #[must_use]
    pub fn get(self) -> &'static Enum {
        static NONE: Enum = Enum { full_name: "", values: &[] };
        ENUMS.get(usize::from(self.0)).unwrap_or(&NONE)
    }
}

fn class(number: u16) -> Class {
    CLASSES.get(usize::from(number)).copied().unwrap_or(Class::Unlisted)
}
