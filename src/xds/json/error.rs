//! What stops a conversion.

use super::place::Place;
use crate::reader;
use thiserror::Error;

/// JSON that is not the message it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{problem}", prefix(.path))]
pub struct JsonError {
    /// Where; empty for the whole value.
    pub path: String,
    /// What is wrong.
    pub problem: JsonProblem,
}

/// What is wrong with a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonProblem {
    /// Another JSON type than the field takes.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the field takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// Text or a number that the field's type cannot hold.
    #[error("{text} is not {expected}")]
    BadValue {
        /// What stands there, shortened.
        text: String,
        /// What the field takes.
        expected: &'static str,
    },
    /// A name that the enum does not have.
    #[error("{name:?} is not a value of {enumeration}")]
    BadEnum {
        /// The name.
        name: String,
        /// Full name of the enum.
        enumeration: &'static str,
    },
    /// Two fields of one one-of.
    #[error("{first} and {second} exclude each other (oneof {oneof})")]
    OneOf {
        /// A field that is set.
        first: &'static str,
        /// Another one.
        second: &'static str,
        /// The one-of's name.
        oneof: &'static str,
    },
    /// One field in both spellings.
    #[error("{0} is given twice, in snake case and in camel case")]
    Twice(&'static str),
    /// An `Any` that does not say what it holds.
    #[error("\"@type\" is missing")]
    NoType,
    /// A type URL without a slash, or with nothing behind it.
    #[error("{0:?} is not a type URL such as \"type.googleapis.com/envoy.config.cluster.v3.Cluster\"")]
    BadTypeUrl(String),
    /// One of Google's types in an `Any` without its value.
    #[error("\"value\" is missing beside \"@type\"")]
    NoValue,
    /// More messages in each other than the limit.
    #[error("messages are nested more than {} deep", super::DEPTH_LIMIT)]
    TooDeep,
    /// Protocol buffers end at 2 GiB.
    #[error("a message is larger than 2 GiB")]
    TooLarge,
}

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{problem}", prefix(.path))]
pub struct ViewError {
    /// Where; empty for the whole message.
    pub path: String,
    /// What is wrong.
    pub problem: ViewProblem,
}

/// What is wrong with encoded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ViewProblem {
    /// Not a protocol buffer of that type.
    #[error("{0}")]
    Wire(#[from] reader::Problem),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
}

impl JsonProblem {
    pub(super) fn at(self, place: &Place<'_>) -> JsonError {
        JsonError { path: place.to_string(), problem: self }
    }
}

impl ViewProblem {
    pub(super) fn at(self, place: &Place<'_>) -> ViewError {
        ViewError { path: place.to_string(), problem: self }
    }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}
