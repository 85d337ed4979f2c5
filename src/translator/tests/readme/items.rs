//! Fields and extensions of the ledger, with what becomes of them in the words of the documents.

use amesh_xds::schema::{self, Action, Class, Extension, Message};

/// What becomes of a field or an extension. The order is that of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Translated,
    Approximated,
    LeftOut,
    Denied,
    NoEffect,
}

impl Fate {
    pub(crate) const ALL: [Self; 5] =
        [Self::Translated, Self::Approximated, Self::LeftOut, Self::Denied, Self::NoEffect];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Translated => "translated",
            Self::Approximated => "approximated",
            Self::LeftOut => "left out",
            Self::Denied => "denied",
            Self::NoEffect => "no effect",
        }
    }
}

/// `None` for what has no class of its own.
pub(crate) fn fate(class: Class) -> Option<Fate> {
    Some(match class {
        Class::Translated => Fate::Translated,
        Class::Approximated(_) => Fate::Approximated,
        Class::Refused(Action::Ignore, _) | Class::NotYet(Action::Ignore, _) => Fate::LeftOut,
        Class::Refused(Action::Deny, _) | Class::NotYet(Action::Deny, _) => Fate::Denied,
        Class::NoEffect => Fate::NoEffect,
        Class::Unlisted => return None,
    })
}

/// APISIX could do it, or something near it; a later release may.
pub(crate) fn is_planned(class: Class) -> bool {
    matches!(class, Class::NotYet(..))
}

/// The messages that the translation reads, without map entries and Google's own.
pub(crate) fn messages() -> impl Iterator<Item = &'static Message> {
    let read = |message: &&&Message| schema::read_message(message.full_name).is_some();
    let is_plain = |message: &&&Message| !message.is_well_known() && !message.full_name.ends_with("Entry");
    schema::messages().iter().filter(read).filter(is_plain).copied()
}

/// The extensions of one kind.
pub(crate) fn extensions(kind: &str) -> impl Iterator<Item = &'static Extension> {
    schema::extensions().iter().filter(move |extension| extension.kind == kind)
}

/// The class of `message.field` or of `kind: type`.
pub(crate) fn class_of(item: &str) -> Class {
    if let Some((kind, type_name)) = item.split_once(": ") {
        let found = extensions(kind).find(|extension| extension.type_name == type_name);
        return found.unwrap_or_else(|| panic!("the ledger has no extension {item}")).class();
    }
    let (message, field) = item.rsplit_once('.').expect("message.field");
    let message = schema::read_message(message).unwrap_or_else(|| panic!("{message} is not read"));
    message.field_named(field).unwrap_or_else(|| panic!("there is no field {item}")).class()
}
