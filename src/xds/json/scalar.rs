//! JSON values as scalars: numbers, text, bytes, enums.

use super::error::JsonProblem;
use super::writer::Scalar;
use crate::schema::{Enum, Kind};
use base64::Engine;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use serde_json::Value;
use std::borrow::Cow;

/// Text in messages is cut off after so many characters.
const SHOWN_LENGTH: usize = 60;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// The wire form of a value that is no message.
pub(super) fn scalar(kind: Kind, value: &Value) -> Result<Scalar<'_>, JsonProblem> {
    match kind {
        Kind::Bool => boolean(value).map(|value| Scalar::Varint(u64::from(value))),
        Kind::String => text(value, "text").map(|text| Scalar::Bytes(Cow::Borrowed(text.as_bytes()))),
        Kind::Bytes => bytes(value).map(|bytes| Scalar::Bytes(Cow::Owned(bytes))),
        Kind::Double => double(value).map(|number| Scalar::Fixed64(number.to_bits())),
        Kind::Float => float(value).map(|number| Scalar::Fixed32(number.to_bits())),
        Kind::Enum(id) => enumeration(id.get(), value).map(|number| Scalar::Varint(signed(i64::from(number)))),
        Kind::Message(_) => Err(wrong_type("a scalar", value)),
        _ => integer(kind, value),
    }
}

/// The wire form of a map's key, which JSON writes as text.
pub(super) fn key(kind: Kind, key: &str) -> Result<Scalar<'_>, JsonProblem> {
    match (kind, key) {
        (Kind::String, _) => Ok(Scalar::Bytes(Cow::Borrowed(key.as_bytes()))),
        (Kind::Bool, "true" | "false") => Ok(Scalar::Varint(u64::from(key == "true"))),
        (Kind::Bool, _) => Err(bad_value(&format!("{key:?}"), "true or false")),
        _ => whole(key).and_then(|number| fit(kind, number, || format!("{key:?}"))),
    }
}

fn boolean(value: &Value) -> Result<bool, JsonProblem> {
    value.as_bool().ok_or_else(|| wrong_type("true or false", value))
}

pub(super) fn text<'a>(value: &'a Value, expected: &'static str) -> Result<&'a str, JsonProblem> {
    value.as_str().ok_or_else(|| wrong_type(expected, value))
}

fn bytes(value: &Value) -> Result<Vec<u8>, JsonProblem> {
    let text = text(value, "bytes in base64")?;
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| bad_value(&format!("{text:?}"), "base64"))
}

fn integer(kind: Kind, value: &Value) -> Result<Scalar<'static>, JsonProblem> {
    let number = match value {
        Value::Number(number) => whole(&number.to_string()),
        Value::String(text) => whole(text),
        _ => Err(wrong_type(integer_name(kind), value)),
    }?;
    fit(kind, number, || value.to_string())
}

/// A whole number, written in any way that JSON has.
fn whole(text: &str) -> Result<i128, JsonProblem> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number = text.parse::<f64>().ok().filter(|number| number.fract() == 0.0 && number.abs() <= 2e19);
    #[allow(clippy::cast_possible_truncation, reason = "whole and within the range of i128")]
    number.map(|number| number as i128).ok_or_else(|| bad_value(&format!("{text:?}"), "a whole number"))
}

fn fit(kind: Kind, number: i128, shown: impl FnOnce() -> String) -> Result<Scalar<'static>, JsonProblem> {
    let found = match kind {
        Kind::Int32 => i32::try_from(number).map(|number| Scalar::Varint(signed(i64::from(number)))),
        Kind::Int64 => i64::try_from(number).map(|number| Scalar::Varint(signed(number))),
        Kind::Uint32 => u32::try_from(number).map(|number| Scalar::Varint(u64::from(number))),
        Kind::Uint64 => u64::try_from(number).map(Scalar::Varint),
        Kind::Fixed32 => u32::try_from(number).map(Scalar::Fixed32),
        Kind::Fixed64 => u64::try_from(number).map(Scalar::Fixed64),
        Kind::Sfixed32 => i32::try_from(number).map(|number| Scalar::Fixed32(number.cast_unsigned())),
        Kind::Sfixed64 => i64::try_from(number).map(|number| Scalar::Fixed64(signed(number))),
        Kind::Sint32 => i32::try_from(number).map(|number| Scalar::Varint(zigzag(i64::from(number)))),
        _ => i64::try_from(number).map(|number| Scalar::Varint(zigzag(number))),
    };
    found.map_err(|_| bad_value(&shown(), integer_name(kind)))
}

fn integer_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number of 32 bits",
        Kind::Uint32 | Kind::Fixed32 => "a whole number of 32 bits, not negative",
        Kind::Uint64 | Kind::Fixed64 => "a whole number of 64 bits, not negative",
        _ => "a whole number of 64 bits",
    }
}

fn signed(number: i64) -> u64 {
    number.cast_unsigned()
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

pub(super) fn double(value: &Value) -> Result<f64, JsonProblem> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Rust also takes "inf" and the like; those must not pass.
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => return Err(wrong_type("a number", value)),
    };
    number.ok_or_else(|| bad_value(&value.to_string(), "a number"))
}

fn float(value: &Value) -> Result<f32, JsonProblem> {
    let number = double(value)?;
    #[allow(clippy::cast_possible_truncation, reason = "rounding is what a float field means; overflow is checked")]
    let float = number as f32;
    let overflow = number.is_finite() && float.is_infinite();
    if overflow { Err(bad_value(&value.to_string(), "a number of 32 bits")) } else { Ok(float) }
}

fn enumeration(enumeration: &'static Enum, value: &Value) -> Result<i32, JsonProblem> {
    let expected = "the name or number of an enum value";
    match value {
        // google.protobuf.NullValue is the one enum that null is a value of; elsewhere null means not set.
        Value::Null if enumeration.full_name == "google.protobuf.NullValue" => Ok(0),
        Value::String(name) => {
            let found = enumeration.values.iter().find(|(known, _)| known == name);
            let bad = || JsonProblem::BadEnum { name: shorten(name), enumeration: enumeration.full_name };
            found.map(|(_, number)| *number).ok_or_else(bad)
        }
        Value::Number(number) => {
            let whole = whole(&number.to_string())?;
            i32::try_from(whole).map_err(|_| bad_value(&value.to_string(), expected))
        }
        _ => Err(wrong_type(expected, value)),
    }
}

pub(super) fn wrong_type(expected: &'static str, value: &Value) -> JsonProblem {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    JsonProblem::WrongType { expected, found }
}

pub(super) fn bad_value(text: &str, expected: &'static str) -> JsonProblem {
    JsonProblem::BadValue { text: shorten(text), expected }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_LENGTH) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
