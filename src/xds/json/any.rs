//! `google.protobuf.Any`: a message of any type, with its type beside it.

use super::encode::Encoder;
use super::error::{JsonError, JsonProblem};
use super::place::Place;
use super::scalar::text;
use super::well_known::WellKnown;
use super::writer::{Scalar, close, open};
use super::{Problem, Unknown};
use crate::schema::{self, Message};
use serde_json::{Map, Value};
use std::borrow::Cow;

impl Encoder<'_> {
    /// Appends type URL and value; the value stays empty for types that are not declared.
    pub(super) fn any(
        &mut self,
        object: &Map<String, Value>,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        if object.is_empty() {
            return Ok(());
        }
        let type_url = type_url(object).map_err(|problem| problem.at(place))?;
        Scalar::Bytes(Cow::Borrowed(type_url.as_bytes())).write(1, out);
        let Some(message) = declared(type_url) else {
            self.problems.push(Problem { path: place.to_string(), unknown: Unknown::Type(type_url.to_owned()) });
            return Ok(());
        };
        let tag = out.len();
        let mark = open(2, out);
        let start = out.len();
        self.packed(message, object, place, out)?;
        if out.len() == start {
            out.truncate(tag);
            return Ok(());
        }
        if close(mark, out) { Ok(()) } else { Err(JsonProblem::TooLarge.at(place)) }
    }

    fn packed(
        &mut self,
        message: &'static Message,
        object: &Map<String, Value>,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        if WellKnown::of(message).is_some() {
            let value = object.get("value").ok_or_else(|| JsonProblem::NoValue.at(place))?;
            let others = object.keys().filter(|name| *name != "value");
            others.for_each(|name| self.unknown_field(message, name, place));
            return self.message(message, value, &place.field("value"), out);
        }
        // Some writers give google.protobuf.Empty a "value" too, others do not.
        match object.get("value") {
            Some(value) if message.full_name == "google.protobuf.Empty" => self.message(message, value, place, out),
            _ => self.object(message, object, place, out),
        }
    }
}

fn type_url(object: &Map<String, Value>) -> Result<&str, JsonProblem> {
    let type_url = text(object.get("@type").ok_or(JsonProblem::NoType)?, "a type URL")?;
    let name = type_url.rsplit_once('/').map(|(_, name)| name);
    if name.is_some_and(|name| !name.is_empty()) {
        return Ok(type_url);
    }
    Err(JsonProblem::BadTypeUrl(type_url.chars().take(200).collect()))
}

/// The message that a type URL names, if it is declared.
pub(super) fn declared(type_url: &str) -> Option<&'static Message> {
    schema::message(type_url.rsplit('/').next()?)
}
