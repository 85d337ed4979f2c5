//! `google.protobuf.Struct`, `Value` and `ListValue`: any JSON.

use super::DEPTH_LIMIT;
use super::encode::{list, object};
use super::error::{JsonError, JsonProblem};
use super::place::Place;
use super::scalar::double;
use super::writer::{Scalar, close, open};
use serde_json::Value;
use std::borrow::Cow;

pub(super) fn structure(value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    for (key, member) in object(value, place)? {
        let mark = open(1, out);
        if !key.is_empty() {
            Scalar::Bytes(Cow::Borrowed(key.as_bytes())).write(1, out);
        }
        below(2, member, &place.field(key), out, self::value)?;
        end(close(mark, out), place)?;
    }
    Ok(())
}

pub(super) fn list_value(value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let mut values = list(value, place)?.iter().enumerate();
    values.try_for_each(|(index, value)| below(1, value, &place.index(index), out, self::value))
}

pub(super) fn value(value: &Value, place: &Place<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    match value {
        Value::Null => Scalar::Varint(0).write(1, out),
        Value::Number(_) => {
            let number = double(value).map_err(|problem| problem.at(place))?;
            Scalar::Fixed64(number.to_bits()).write(2, out);
        }
        Value::String(text) => Scalar::Bytes(Cow::Borrowed(text.as_bytes())).write(3, out),
        Value::Bool(value) => Scalar::Varint(u64::from(*value)).write(4, out),
        Value::Object(_) => return below(5, value, place, out, structure),
        Value::Array(_) => return below(6, value, place, out, list_value),
    }
    Ok(())
}

type Write = fn(&Value, &Place<'_>, &mut Vec<u8>) -> Result<(), JsonError>;

/// One message of these three inside another.
fn below(number: u32, value: &Value, place: &Place<'_>, out: &mut Vec<u8>, write: Write) -> Result<(), JsonError> {
    let place = place.deeper();
    if place.depth > DEPTH_LIMIT {
        return Err(JsonProblem::TooDeep.at(&place));
    }
    let mark = open(number, out);
    write(value, &place, out)?;
    end(close(mark, out), &place)
}

fn end(fits: bool, place: &Place<'_>) -> Result<(), JsonError> {
    if fits { Ok(()) } else { Err(JsonProblem::TooLarge.at(place)) }
}
