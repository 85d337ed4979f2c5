//! The operators of conditions.

use serde_json::Value as Json;

use super::expr::addresses;
use super::ip::IpSet;
use super::number::{self, tonumber};
use super::pcre::Pattern;
use super::stop::Stop;
use super::vars::Value;

/// An operator with its right side.
#[derive(Debug)]
pub(super) enum Operator {
    Equal(Json),
    Differs(Json),
    Greater(Option<f64>),
    GreaterOrEqual(Option<f64>),
    Less(Option<f64>),
    LessOrEqual(Option<f64>),
    Matches(Pattern),
    /// `~~` with a right side that no regex can be made of.
    MatchesNonsense,
    In(Vec<Json>),
    /// True for lists only, and no variable that the model knows is one.
    Has,
    IpMatch(IpSet),
}

impl Operator {
    /// `None`: no such operator. The error is the library's message.
    pub(super) fn new(name: &str, right: &Json) -> Result<Option<Self>, String> {
        Ok(Some(match name {
            "==" => Self::Equal(right.clone()),
            "~=" => Self::Differs(right.clone()),
            ">" => Self::Greater(bound(right)),
            ">=" => Self::GreaterOrEqual(bound(right)),
            "<" => Self::Less(bound(right)),
            "<=" => Self::LessOrEqual(bound(right)),
            "~~" => regex(right, false),
            "~*" => regex(right, true),
            "in" => Self::In(right.as_array().cloned().unwrap_or_default()),
            "has" => Self::Has,
            "ipmatch" => Self::IpMatch(addresses(right)?),
            _ => return Ok(None),
        }))
    }

    pub(super) fn compare(&self, left: &Value) -> Result<bool, Stop> {
        Ok(match self {
            Self::Equal(right) => equals(left, right),
            Self::Differs(right) => !equals(left, right),
            Self::Greater(bound) => ordered(left, *bound, |left, right| left > right),
            Self::GreaterOrEqual(bound) => ordered(left, *bound, |left, right| left >= right),
            Self::Less(bound) => ordered(left, *bound, |left, right| left < right),
            Self::LessOrEqual(bound) => ordered(left, *bound, |left, right| left <= right),
            Self::Matches(pattern) => match left {
                Value::Absent => false,
                Value::True => pattern.find(b"true").is_some(),
                Value::Text(text) => pattern.find(text).is_some(),
            },
            Self::MatchesNonsense if *left == Value::Absent => false,
            Self::MatchesNonsense => return Err(Stop::raised("a regex that is no text")),
            Self::In(items) => items.iter().any(|item| !item.is_null() && same(left, item)),
            Self::Has => false,
            Self::IpMatch(addresses) => match left {
                Value::Absent => false,
                Value::True => return Err(Stop::raised("an address that is no text")),
                Value::Text(text) => addresses.contains(text),
            },
        })
    }
}

/// The right side of an order comparison; `None` compares false with everything.
fn bound(right: &Json) -> Option<f64> {
    match right {
        Json::String(text) => tonumber(text.as_bytes()),
        Json::Number(number) => number.as_f64().map(number::stored),
        _ => None,
    }
}

fn regex(right: &Json, caseless: bool) -> Operator {
    match right {
        Json::String(text) => Operator::Matches(Pattern::new(text, caseless)),
        Json::Number(number) => {
            let text = number::text(number.as_f64().unwrap_or_default());
            Operator::Matches(Pattern::new(text, caseless))
        }
        _ => Operator::MatchesNonsense,
    }
}

fn ordered(left: &Value, bound: Option<f64>, compare: fn(f64, f64) -> bool) -> bool {
    let Value::Text(text) = left else { return false };
    tonumber(text).zip(bound).is_some_and(|(left, right)| compare(left, right))
}

/// `==`: with a number on the right the left side is made a number; `null` means absent.
#[allow(clippy::float_cmp, reason = "the comparison that Lua makes")]
fn equals(left: &Value, right: &Json) -> bool {
    match (left, right) {
        (Value::Text(text), Json::Number(number)) => {
            tonumber(text).is_some_and(|left| Some(left) == number.as_f64().map(number::stored))
        }
        _ => same(left, right),
    }
}

/// Lua's equality: no conversion between types.
fn same(left: &Value, right: &Json) -> bool {
    match (left, right) {
        (Value::Absent, Json::Null) => true,
        (Value::True, Json::Bool(right)) => *right,
        (Value::Text(left), Json::String(right)) => left == right.as_bytes(),
        _ => false,
    }
}
