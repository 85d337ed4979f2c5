//! Messages: from a JSON object to fields on the wire.

use super::error::{JsonError, JsonProblem};
use super::place::Place;
use super::scalar::{key, scalar, wrong_type};
use super::well_known::WellKnown;
use super::writer::{close, open};
use super::{DEPTH_LIMIT, Problem, Unknown};
use crate::schema::{Cardinality, Field, Kind, Message};
use serde_json::{Map, Value};

/// Encodes; collects what is not declared.
pub(super) struct Encoder<'p> {
    pub(super) problems: &'p mut Vec<Problem>,
}

/// A declared field and what the JSON says about it.
type Member<'v> = (&'static Field, &'v Value);

impl Encoder<'_> {
    /// Appends the fields of a message, whatever its JSON form.
    pub(super) fn message(
        &mut self,
        message: &'static Message,
        value: &Value,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let place = place.deeper();
        if place.depth > DEPTH_LIMIT {
            return Err(JsonProblem::TooDeep.at(&place));
        }
        match WellKnown::of(message) {
            Some(known) => self.well_known(known, message, value, &place, out),
            None => self.object(message, object(value, &place)?, &place, out),
        }
    }

    /// Appends the fields of a message whose JSON form is an object of its fields.
    pub(super) fn object(
        &mut self,
        message: &'static Message,
        object: &Map<String, Value>,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let mut members: Vec<Member<'_>> = Vec::with_capacity(object.len());
        for (name, value) in object {
            match find(message, name) {
                Some(field) if value.is_null() && !takes_null(field) => {}
                Some(field) => members.push((field, value)),
                None => self.unknown_field(message, name, place),
            }
        }
        members.sort_by_key(|(field, _)| field.number);
        exclude(message, &members).map_err(|problem| problem.at(place))?;
        members.into_iter().try_for_each(|(field, value)| self.field(field, value, &place.field(field.name), out))
    }

    pub(super) fn unknown_field(&mut self, message: &'static Message, name: &str, place: &Place<'_>) {
        // "@type" stands at the top of resources, where it has been read already.
        if name != "@type" {
            let path = place.field(name).to_string();
            self.problems.push(Problem { path, unknown: Unknown::Field(message.full_name) });
        }
    }

    fn field(
        &mut self,
        field: &'static Field,
        value: &Value,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        match field.cardinality {
            Cardinality::Single => self.value(field, value, field.oneof().is_some(), place, out),
            Cardinality::Repeated => {
                let mut list = list(value, place)?.iter().enumerate();
                list.try_for_each(|(index, value)| self.value(field, value, true, &place.index(index), out))
            }
            Cardinality::Packed => packed(field, list(value, place)?, place, out),
            Cardinality::Map => {
                let mut entries = object(value, place)?.iter();
                entries.try_for_each(|(key, value)| self.entry(field, key, value, &place.key(key), out))
            }
        }
    }

    /// One value behind its tag; zero is left out where it means the same as not set.
    fn value(
        &mut self,
        field: &'static Field,
        value: &Value,
        presence: bool,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let Some(message) = field.message() else {
            let scalar = scalar(field.kind, value).map_err(|problem| problem.at(place))?;
            if presence || !scalar.is_zero() {
                scalar.write(field.number, out);
            }
            return Ok(());
        };
        let mark = open(field.number, out);
        self.message(message, value, place, out)?;
        if close(mark, out) { Ok(()) } else { Err(JsonProblem::TooLarge.at(place)) }
    }

    fn entry(
        &mut self,
        field: &'static Field,
        name: &str,
        value: &Value,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let entry = field.message();
        let members = entry.and_then(|entry| Some((entry.field(1)?, entry.field(2)?)));
        let Some((key_field, value_field)) = members else { return Ok(()) };
        let mark = open(field.number, out);
        let key = key(key_field.kind, name).map_err(|problem| problem.at(place))?;
        if !key.is_zero() {
            key.write(1, out);
        }
        self.value(value_field, value, false, place, out)?;
        if close(mark, out) { Ok(()) } else { Err(JsonProblem::TooLarge.at(place)) }
    }
}

fn packed(field: &'static Field, list: &[Value], place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    if list.is_empty() {
        return Ok(());
    }
    let mark = open(field.number, out);
    for (index, value) in list.iter().enumerate() {
        scalar(field.kind, value).map_err(|problem| problem.at(&place.index(index)))?.write_bare(out);
    }
    if close(mark, out) { Ok(()) } else { Err(JsonProblem::TooLarge.at(place)) }
}

/// One field must not stand there twice, nor two fields of one one-of.
fn exclude(message: &'static Message, members: &[Member<'_>]) -> Result<(), JsonProblem> {
    let mut rest = members;
    while let Some(((first, _), below)) = rest.split_first() {
        rest = below;
        if below.first().is_some_and(|(next, _)| next.number == first.number) {
            return Err(JsonProblem::Twice(first.name));
        }
        let Some(oneof) = first.oneof() else { continue };
        if let Some((second, _)) = below.iter().find(|(second, _)| second.oneof() == Some(oneof)) {
            let oneof = message.oneofs.get(oneof).copied().unwrap_or_default();
            return Err(JsonProblem::OneOf { first: first.name, second: second.name, oneof });
        }
    }
    Ok(())
}

fn find(message: &'static Message, name: &str) -> Option<&'static Field> {
    message.field_named(name).or_else(|| message.fields.iter().find(|field| is_camel_case(field.name, name)))
}

/// Whether `camel` is the JSON name of `snake`: underscores gone, the letter behind each in upper case.
fn is_camel_case(snake: &str, camel: &str) -> bool {
    let mut upper = false;
    let mut found = camel.chars();
    for letter in snake.chars() {
        if letter == '_' {
            upper = true;
            continue;
        }
        let expected = if upper { letter.to_ascii_uppercase() } else { letter };
        upper = false;
        if found.next() != Some(expected) {
            return false;
        }
    }
    found.next().is_none()
}

/// Null is a value for these and means "not set" for all others.
fn takes_null(field: &'static Field) -> bool {
    let is = |name: &str, full_name: &'static str| full_name == name && field.cardinality == Cardinality::Single;
    match field.kind {
        Kind::Message(id) => is("google.protobuf.Value", id.get().full_name),
        Kind::Enum(id) => is("google.protobuf.NullValue", id.get().full_name),
        _ => false,
    }
}

pub(super) fn object<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v Map<String, Value>, JsonError> {
    value.as_object().ok_or_else(|| wrong_type("an object", value).at(place))
}

pub(super) fn list<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v [Value], JsonError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type("a list", value).at(place))
}
