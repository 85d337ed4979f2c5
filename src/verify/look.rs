//! Reading JSON by path.

use serde_json::Value;

/// The value at `path`, a list of field names; `null` counts as absent.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// The text at `path`.
pub(crate) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(value, path).and_then(Value::as_str)
}

/// The list at `path`; empty where there is none.
pub(crate) fn list<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The number at `path`, perhaps written as text.
pub(crate) fn number(value: &Value, path: &[&str]) -> Option<i64> {
    let value = at(value, path)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
