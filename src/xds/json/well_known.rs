//! Google's well-known types, which have JSON forms of their own.

use super::encode::{Encoder, object};
use super::error::JsonError;
use super::place::Place;
use super::scalar::{bad_value, scalar, text};
use super::struct_value;
use super::writer::Scalar;
use crate::schema::Message;
use prost_types::{Duration, Timestamp};
use serde_json::Value;

/// The most seconds that a duration may have, either way: 10,000 years.
const DURATION_LIMIT: u64 = 315_576_000_000;

/// The well-known types that `proto/` refers to, by JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WellKnown {
    Any,
    Duration,
    Timestamp,
    Struct,
    Value,
    ListValue,
    /// `StringValue` and its like: the JSON form is that of field 1.
    Wrapper,
}

impl WellKnown {
    pub(super) fn of(message: &Message) -> Option<Self> {
        match message.full_name.strip_prefix("google.protobuf.")? {
            "Any" => Some(Self::Any),
            "Duration" => Some(Self::Duration),
            "Timestamp" => Some(Self::Timestamp),
            "Struct" => Some(Self::Struct),
            "Value" => Some(Self::Value),
            "ListValue" => Some(Self::ListValue),
            "Empty" => None,
            name => name.ends_with("Value").then_some(Self::Wrapper),
        }
    }
}

impl Encoder<'_> {
    pub(super) fn well_known(
        &mut self,
        known: WellKnown,
        message: &'static Message,
        value: &Value,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        match known {
            WellKnown::Any => self.any(object(value, place)?, place, out),
            WellKnown::Duration => duration(value, place, out),
            WellKnown::Timestamp => timestamp(value, place, out),
            WellKnown::Struct => struct_value::structure(value, place, out),
            WellKnown::Value => struct_value::value(value, place, out),
            WellKnown::ListValue => struct_value::list_value(value, place, out),
            WellKnown::Wrapper => wrapper(message, value, place, out),
        }
    }
}

fn wrapper(message: &'static Message, value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let Some(field) = message.field(1) else { return Ok(()) };
    let scalar = scalar(field.kind, value).map_err(|problem| problem.at(place))?;
    if !scalar.is_zero() {
        scalar.write(1, out);
    }
    Ok(())
}

fn duration(value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let expected = "a duration in seconds, such as \"1.5s\"";
    let text = text(value, expected).map_err(|problem| problem.at(place))?;
    let parsed = text.parse::<Duration>().ok().filter(in_range);
    let duration = parsed.ok_or_else(|| bad_value(&format!("{text:?}"), expected).at(place))?;
    seconds_and_nanos(duration.seconds, duration.nanos, out);
    Ok(())
}

pub(super) fn in_range(duration: &Duration) -> bool {
    duration.seconds.unsigned_abs() <= DURATION_LIMIT && duration.nanos.unsigned_abs() < 1_000_000_000
}

fn timestamp(value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let expected = "a time such as \"2026-01-31T12:00:00Z\"";
    let text = text(value, expected).map_err(|problem| problem.at(place))?;
    let parsed: Timestamp = text.parse().map_err(|_| bad_value(&format!("{text:?}"), expected).at(place))?;
    seconds_and_nanos(parsed.seconds, parsed.nanos, out);
    Ok(())
}

fn seconds_and_nanos(seconds: i64, nanos: i32, out: &mut Vec<u8>) {
    for (number, value) in [(1, seconds), (2, i64::from(nanos))] {
        if value != 0 {
            Scalar::Varint(value.cast_unsigned()).write(number, out);
        }
    }
}
