//! Protocol buffers' JSON form (proto3 JSON), to and from the wire, with nothing but the schema tables.
//!
//! [`to_wire`] takes what people and control planes write: snake case or camel case, enums by name or number, 64-bit
//! numbers as text, durations, wrappers, `Any` with `"@type"`. What this release does not declare is left out and
//! noted as a [`Problem`]; what contradicts a declaration is a [`JsonError`] with its path. [`from_wire`] is for
//! reading: it expands `Any` and can leave secrets out.
//!
//! Nothing here checks more than types: whether Envoy would accept a value is the translator's business.

mod any;
mod encode;
mod error;
mod place;
mod scalar;
mod secrets;
mod struct_value;
mod view;
mod view_known;
mod well_known;
mod writer;

pub use error::{JsonError, JsonProblem, ViewError, ViewProblem};
pub use view::{Secrets, from_wire};

use crate::schema::Message;
use serde_json::Value;
use std::fmt::{self, Display, Formatter};

/// How deep messages may lie in each other, in both directions.
pub const DEPTH_LIMIT: u32 = 64;

/// Something in the JSON that this release does not declare, and that is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, in the form `virtual_hosts[2].routes[5].match`; ends with the field's name for unknown fields.
    pub path: String,
    /// What is not known.
    pub unknown: Unknown,
}

/// What is not declared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// A field of this message (full name).
    Field(&'static str),
    /// The type of an `Any`; its type URL is kept, its value is not.
    Type(String),
}

impl Display for Problem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.unknown {
            Unknown::Field(message) => write!(out, "{}: {message} has no such field", self.path),
            Unknown::Type(type_url) => write!(out, "{}: the type {type_url} is not known", self.path),
        }
    }
}

/// Encodes the JSON form of a message, fields in the order of their numbers.
///
/// Fields and types that are not declared are added to `problems`.
pub fn to_wire(message: &'static Message, value: &Value, problems: &mut Vec<Problem>) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::new();
    encode::Encoder { problems }.message(message, value, &place::Place::ROOT, &mut out)?;
    Ok(out)
}
