//! Rules of Envoy's about single fields that several messages share.

use std::fmt;

/// Why Envoy would refuse a field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {broken}")]
pub(crate) struct RuleError {
    path: String,
    broken: Broken,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("is empty")]
    Empty,
    #[error("is not set")]
    Missing,
    #[error("is {0}, which is none of its values")]
    Undefined(i32),
    #[error("has a line break or a NUL in it")]
    Line,
}

/// A text that must not be empty.
pub(crate) fn filled(text: &str, path: impl fmt::Display) -> Result<(), RuleError> {
    hold(!text.is_empty(), path, Broken::Empty)
}

/// A field that must be set.
pub(crate) fn set<T>(value: Option<T>, path: impl fmt::Display) -> Result<T, RuleError> {
    value.ok_or_else(|| RuleError { path: path.to_string(), broken: Broken::Missing })
}

/// A number that must stand for a value of its enum.
pub(crate) fn defined<E: TryFrom<i32>>(number: i32, path: impl fmt::Display) -> Result<E, RuleError> {
    E::try_from(number).map_err(|_| RuleError { path: path.to_string(), broken: Broken::Undefined(number) })
}

/// A text for a header line.
pub(crate) fn one_line(text: &str, path: impl fmt::Display) -> Result<(), RuleError> {
    hold(!text.contains(['\0', '\r', '\n']), path, Broken::Line)
}

fn hold(rule: bool, path: impl fmt::Display, broken: Broken) -> Result<(), RuleError> {
    if rule { Ok(()) } else { Err(RuleError { path: path.to_string(), broken }) }
}
