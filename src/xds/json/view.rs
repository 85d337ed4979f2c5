//! Encoded messages as JSON for people: snake case, `Any` expanded where its type is declared.
//!
//! Numbers that a message does not declare are left out; the coverage scan is what reports them.

use super::DEPTH_LIMIT;
use super::error::{ViewError, ViewProblem};
use super::place::Place;
use super::secrets::{is_sensitive, is_source};
use super::view_known::unset;
use super::well_known::WellKnown;
use crate::reader::{Problem, Reader, Value as Wire};
use crate::schema::{Cardinality, Field, Kind, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Stands where a secret was.
pub(super) const REDACTED: &str = "[redacted]";

/// What becomes of private keys, passwords, tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// `"[redacted]"` stands in their place, and in the place of values of types that are not declared.
    Redact,
    /// They are shown.
    Show,
}

/// The JSON form of an encoded message.
pub fn from_wire(message: &'static Message, bytes: &[u8], secrets: Secrets) -> Result<Json, ViewError> {
    Viewer { secrets, below_secret: false }.message(message, bytes, &Place::ROOT)
}

/// Decodes; knows whether it is below a field that holds a secret.
#[derive(Clone, Copy)]
pub(super) struct Viewer {
    secrets: Secrets,
    below_secret: bool,
}

/// The values of one field, in the order of the bytes.
type Values<'a> = Vec<Wire<'a>>;

impl Viewer {
    pub(super) fn message(self, message: &'static Message, bytes: &[u8], place: &Place<'_>) -> Result<Json, ViewError> {
        let place = place.deeper();
        if place.depth > DEPTH_LIMIT {
            return Err(ViewProblem::Wire(Problem::TooDeep).at(&place));
        }
        match WellKnown::of(message) {
            Some(known) => self.well_known(known, message, bytes, &place),
            None => self.object(message, bytes, &place).map(Json::Object),
        }
    }

    pub(super) fn object(
        self,
        message: &'static Message,
        bytes: &[u8],
        place: &Place<'_>,
    ) -> Result<Map<String, Json>, ViewError> {
        let values = members(message, bytes).map_err(|problem| ViewProblem::from(problem).at(place))?;
        let mut object = Map::new();
        for (number, values) in values {
            let Some(field) = message.field(number) else { continue };
            let value = self.into(message, field).field(field, &values, &place.field(field.name))?;
            object.insert(field.name.to_owned(), value);
        }
        Ok(object)
    }

    fn into(self, message: &Message, field: &Field) -> Self {
        let secret = self.below_secret || is_sensitive(message.full_name, field.name);
        let below_secret = secret && self.secrets == Secrets::Redact && !is_source(message.full_name, field.name);
        Self { below_secret, ..self }
    }

    fn field(self, field: &'static Field, values: &Values<'_>, place: &Place<'_>) -> Result<Json, ViewError> {
        match field.cardinality {
            Cardinality::Map => self.map(field, values, place),
            Cardinality::Repeated | Cardinality::Packed => self.list(field, values, place),
            Cardinality::Single => match (values.as_slice(), field.message()) {
                // Occurrences of one message are merged, which their bytes one behind the other are.
                ([_, _, ..], Some(message)) => self.message(message, &joined(values), place),
                (occurrences, _) => match occurrences.last() {
                    Some(last) => self.value(field, *last, place),
                    None => Ok(Json::Null),
                },
            },
        }
    }

    fn list(self, field: &'static Field, values: &Values<'_>, place: &Place<'_>) -> Result<Json, ViewError> {
        let mut list = Vec::with_capacity(values.len());
        for value in values {
            let place = place.index(list.len());
            match (packable(field.kind), value) {
                (true, Wire::Bytes(bytes)) if !is_fixed(field.kind, bytes, field.cardinality) => {
                    let packed = unpack(field.kind, bytes).map_err(|problem| ViewProblem::from(problem).at(&place))?;
                    for value in packed {
                        list.push(self.value(field, value, &place)?);
                    }
                }
                _ => list.push(self.value(field, *value, &place)?),
            }
        }
        Ok(Json::Array(list))
    }

    fn map(self, field: &'static Field, values: &Values<'_>, place: &Place<'_>) -> Result<Json, ViewError> {
        let fields = field.message().and_then(|entry| Some((entry, entry.field(1)?, entry.field(2)?)));
        let Some((entry, key_field, value_field)) = fields else { return Ok(Json::Null) };
        let mut map = Map::new();
        for value in values {
            let mut found = delimited(*value)
                .and_then(|bytes| members(entry, bytes))
                .map_err(|problem| ViewProblem::from(problem).at(place))?;
            let mut take = |field: &Field| found.remove(&field.number).unwrap_or_else(|| vec![unset(field.kind)]);
            let public = Self { below_secret: false, ..self };
            let key = match public.field(key_field, &take(key_field), place)? {
                Json::String(key) => key,
                other => other.to_string(),
            };
            let value = self.field(value_field, &take(value_field), &place.key(&key))?;
            map.insert(key, value);
        }
        Ok(Json::Object(map))
    }

    fn value(self, field: &'static Field, value: Wire<'_>, place: &Place<'_>) -> Result<Json, ViewError> {
        match field.message() {
            Some(message) => {
                let bytes = delimited(value).map_err(|problem| ViewProblem::from(problem).at(place))?;
                self.message(message, bytes, place)
            }
            None => self.scalar(field.kind, value).map_err(|problem| problem.at(place)),
        }
    }

    pub(super) fn scalar(self, kind: Kind, value: Wire<'_>) -> Result<Json, ViewProblem> {
        if self.below_secret && matches!(kind, Kind::String | Kind::Bytes) {
            return Ok(Json::from(REDACTED));
        }
        scalar(kind, value)
    }

    /// Whether nothing but structure may be shown.
    pub(super) fn hides(self) -> bool {
        self.below_secret
    }

    pub(super) fn redacts(self) -> bool {
        self.secrets == Secrets::Redact
    }
}

/// The values of each declared field; of a one-of the member that came last.
fn members<'a>(message: &Message, bytes: &'a [u8]) -> Result<BTreeMap<u32, Values<'a>>, Problem> {
    let mut reader = Reader::new(bytes);
    let mut members: BTreeMap<u32, Values<'_>> = BTreeMap::new();
    while let Some((number, form)) = reader.tag()? {
        let value = reader.value(number, form, DEPTH_LIMIT)?;
        let Some(field) = message.field(number) else { continue };
        if let Some(oneof) = field.oneof() {
            let other = |other: &u32| message.field(*other).and_then(Field::oneof) == Some(oneof) && *other != number;
            members.retain(|number, _| !other(number));
        }
        members.entry(number).or_default().push(value);
    }
    Ok(members)
}

fn joined(values: &Values<'_>) -> Vec<u8> {
    values.iter().filter_map(|value| delimited(*value).ok()).flatten().copied().collect()
}

pub(super) fn delimited(value: Wire<'_>) -> Result<&[u8], Problem> {
    match value {
        Wire::Bytes(bytes) => Ok(bytes),
        Wire::Varint(_) | Wire::Group => Err(Problem::WrongWireType),
    }
}

fn packable(kind: Kind) -> bool {
    !matches!(kind, Kind::Message(_) | Kind::String | Kind::Bytes)
}

/// Whether the bytes are one unpacked number of fixed size.
fn is_fixed(kind: Kind, bytes: &[u8], cardinality: Cardinality) -> bool {
    cardinality == Cardinality::Repeated && size(kind).is_some_and(|size| size == bytes.len())
}

/// Bytes of a number of fixed size.
fn size(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => Some(4),
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Some(8),
        _ => None,
    }
}

fn unpack(kind: Kind, bytes: &[u8]) -> Result<Values<'_>, Problem> {
    let Some(size) = size(kind) else {
        let mut reader = Reader::new(bytes);
        let mut values = Values::new();
        while !reader.rest().is_empty() {
            values.push(Wire::Varint(reader.varint()?));
        }
        return Ok(values);
    };
    let chunks = bytes.chunks_exact(size);
    if chunks.remainder().is_empty() { Ok(chunks.map(Wire::Bytes).collect()) } else { Err(Problem::Truncated) }
}

fn scalar(kind: Kind, value: Wire<'_>) -> Result<Json, ViewProblem> {
    match (kind, value) {
        (Kind::String, Wire::Bytes(bytes)) => text(bytes).map(Json::from),
        (Kind::Bytes, Wire::Bytes(bytes)) => Ok(Json::from(STANDARD.encode(bytes))),
        (kind, Wire::Bytes(bytes)) => Ok(fixed(kind, bytes)?),
        (kind, Wire::Varint(number)) => Ok(varint(kind, number)?),
        (_, Wire::Group) => Err(Problem::WrongWireType.into()),
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, ViewProblem> {
    std::str::from_utf8(bytes).map_err(|_| ViewProblem::Utf8)
}

fn fixed(kind: Kind, bytes: &[u8]) -> Result<Json, Problem> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return match kind {
            Kind::Fixed32 => Ok(Json::from(u32::from_le_bytes(bytes))),
            Kind::Sfixed32 => Ok(Json::from(i32::from_le_bytes(bytes))),
            Kind::Float => Ok(float(f64::from(f32::from_le_bytes(bytes)), &f32::from_le_bytes(bytes).to_string())),
            _ => Err(Problem::WrongWireType),
        };
    }
    let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| Problem::WrongWireType)?;
    match kind {
        Kind::Fixed64 => Ok(Json::from(u64::from_le_bytes(bytes).to_string())),
        Kind::Sfixed64 => Ok(Json::from(i64::from_le_bytes(bytes).to_string())),
        Kind::Double => Ok(double(f64::from_le_bytes(bytes))),
        _ => Err(Problem::WrongWireType),
    }
}

pub(super) fn double(number: f64) -> Json {
    float(number, &number.to_string())
}

/// A number with the digits that its own type needs; the three that JSON does not have as text.
fn float(number: f64, digits: &str) -> Json {
    match number {
        _ if number.is_nan() => Json::from("NaN"),
        f64::INFINITY => Json::from("Infinity"),
        f64::NEG_INFINITY => Json::from("-Infinity"),
        _ => Json::from(digits.parse().unwrap_or(number)),
    }
}

fn varint(kind: Kind, number: u64) -> Result<Json, Problem> {
    let low = u32::try_from(number & 0xffff_ffff).unwrap_or_default();
    let unzigzag = (number >> 1).cast_signed() ^ 0_i64.wrapping_sub((number & 1).cast_signed());
    Ok(match kind {
        Kind::Bool => Json::from(number != 0),
        Kind::Int32 => Json::from(low.cast_signed()),
        Kind::Uint32 => Json::from(low),
        Kind::Int64 => Json::from(number.cast_signed().to_string()),
        Kind::Uint64 => Json::from(number.to_string()),
        Kind::Sint32 => Json::from(unzigzag),
        Kind::Sint64 => Json::from(unzigzag.to_string()),
        Kind::Enum(id) => {
            let number = low.cast_signed();
            let name = id.get().values.iter().find(|(_, known)| *known == number);
            name.map_or_else(|| Json::from(number), |(name, _)| Json::from(*name))
        }
        _ => return Err(Problem::WrongWireType),
    })
}
