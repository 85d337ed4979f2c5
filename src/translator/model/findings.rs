//! Every field that is set and not translated is reported, by the ledger's word.

use std::borrow::Cow;

use amesh_xds::coverage::{self, Found, LazyFields, Path, Sink, WireError};
use amesh_xds::schema::{self, Action, Class, Message};
use amesh_xds::wire::google::protobuf::Any;

use crate::diagnostic::Code;
use crate::report::{Place, Report};
use crate::resource_type::message_name;

/// Whether something is set that cannot be left out safely: its owner has to answer 503.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Denied(pub(crate) bool);

impl Denied {
    /// Either of two.
    pub(crate) fn or(self, other: Denied) -> Denied {
        Denied(self.0 || other.0)
    }
}

/// Scans an encoded message without its lazy fields and reports what is found below `place`.
pub(crate) fn scan(message: &str, bytes: &[u8], place: &Place<'_>, report: &mut Report) -> Result<Denied, WireError> {
    let Some(message) = schema::read_message(message) else { return Ok(Denied(true)) };
    scan_message(message, bytes, place, report)
}

fn scan_message(
    message: &'static Message,
    bytes: &[u8],
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Denied, WireError> {
    let mut reporter = Reporter { place, report, denied: Denied(false) };
    coverage::scan(message, bytes, LazyFields::Skip, &mut reporter)?;
    Ok(reporter.denied)
}

struct Reporter<'a> {
    place: &'a Place<'a>,
    report: &'a mut Report,
    denied: Denied,
}

impl Sink for Reporter<'_> {
    fn found(&mut self, found: Found, path: &Path<'_>) {
        let Some(field) = found.field else { return self.unknown(found, path) };
        let Some((code, denied)) = code_of(field.class()) else { return };
        self.denied = self.denied.or(denied);
        let note = Cow::Borrowed(field.class().note().unwrap_or_default());
        let place = self.place;
        self.report.count(code, field.name, note, 1, || (place.join(&path.to_string()), Cow::Borrowed("")));
    }
}

impl Reporter<'_> {
    fn unknown(&mut self, found: Found, path: &Path<'_>) {
        let message = format!("field {} of {} is not known to this release", found.number, found.message.full_name);
        let place = self.place;
        let first = || (place.join(&path.to_string()), Cow::Borrowed(""));
        self.report.count(Code::FieldUnknown, "", message.into(), 1, first);
    }
}

fn code_of(class: Class) -> Option<(Code, Denied)> {
    Some(match class {
        Class::Translated | Class::NoEffect | Class::Unlisted => return None,
        Class::Approximated(_) => (Code::FieldApproximated, Denied(false)),
        Class::Refused(Action::Ignore, _) => (Code::FieldIgnored, Denied(false)),
        Class::Refused(Action::Deny, _) => (Code::FieldDenied, Denied(true)),
        Class::NotYet(Action::Ignore, _) => (Code::FieldNotYet, Denied(false)),
        Class::NotYet(Action::Deny, _) => (Code::FieldNotYetDenied, Denied(true)),
    })
}

/// What the ledger says about the message inside an `Any`.
pub(crate) enum Extension<'a> {
    /// Read here: the message's full name and bytes, scanned.
    Read(&'a str, &'a bytes::Bytes, Denied),
    /// Not read; reported where that makes a difference.
    Passed(Denied),
}

impl Extension<'_> {
    /// Whether it cannot be left out safely.
    pub(crate) fn denied(&self) -> Denied {
        let (Extension::Read(_, _, denied) | Extension::Passed(denied)) = self;
        *denied
    }
}

/// What the ledger says about the type of an `Any`.
pub(crate) struct Classified<'a> {
    /// The message's full name.
    pub(crate) name: Cow<'a, str>,
    /// The message is wrapped in a `TypedStruct`.
    pub(crate) is_struct: bool,
    /// `None` where the ledger does not name the type.
    pub(crate) class: Option<Class>,
}

/// Looks up the type of an `Any` and reports nothing.
pub(crate) fn classify<'a>(kind: &str, any: &'a Any) -> Classified<'a> {
    let (name, is_struct) = type_name(any);
    let entry = schema::extension(kind, &name).filter(|entry| entry.type_name != "*");
    let class = entry.map(schema::Extension::class);
    Classified { name, is_struct, class }
}

/// Looks up an extension. One that is read is scanned; any other is reported at `place` if it makes a difference.
pub(crate) fn extension<'a>(
    kind: &str,
    any: &'a Any,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Extension<'a>, WireError> {
    let (name, is_struct) = type_name(any);
    let Some(class) = schema::extension(kind, &name).map(schema::Extension::class) else {
        return Ok(Extension::Passed(deny(&name, "the type is not known", place, report)));
    };
    Ok(match class {
        Class::Translated | Class::Approximated(_) if is_struct => {
            Extension::Passed(deny(&name, "configuration in the form of a TypedStruct is not read", place, report))
        }
        Class::Translated | Class::Approximated(_) => {
            let name = message_name(&any.type_url);
            Extension::Read(name, &any.value, scan(name, &any.value, place, report)?)
        }
        Class::NoEffect | Class::Unlisted => Extension::Passed(Denied(false)),
        Class::Refused(action, note) | Class::NotYet(action, note) => {
            Extension::Passed(passed(action, &name, note, place, report))
        }
    })
}

/// The message an `Any` stands for, and whether it is wrapped in a `TypedStruct`.
fn type_name(any: &Any) -> (Cow<'_, str>, bool) {
    let name = message_name(&any.type_url);
    if !matches!(name, "xds.type.v3.TypedStruct" | "udpa.type.v1.TypedStruct") {
        return (Cow::Borrowed(name), false);
    }
    // Its field 1 is the type URL.
    let inner = crate::intake::peek_name(&any.value).unwrap_or_default();
    (Cow::Owned(message_name(&inner).to_owned()), true)
}

fn passed(action: Action, name: &str, note: &'static str, place: &Place<'_>, report: &mut Report) -> Denied {
    if action == Action::Deny {
        return deny(name, note, place, report);
    }
    report.add(Code::ExtensionIgnored, place, format!("{}: {note}", shown(name)));
    Denied(false)
}

fn deny(name: &str, note: &'static str, place: &Place<'_>, report: &mut Report) -> Denied {
    report.add(Code::ExtensionDenied, place, format!("{}: {note}", shown(name)));
    Denied(true)
}

/// A type's name for people.
pub(crate) fn shown(name: &str) -> String {
    let name: String = name.chars().take(200).collect();
    if name.is_empty() { "no type given".to_owned() } else { name }
}
