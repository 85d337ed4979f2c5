//! Members of JSON objects in either spelling.

use serde_json::Value;

/// The member of that name in snake case, or in camel case.
pub(super) fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).or_else(|| value.get(camel_case(name))).filter(|value| !value.is_null())
}

/// The items of a list; none where there is no such list.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    get(value, name).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// The text of a member.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    get(value, name).and_then(Value::as_str)
}

/// The full name of the message that `"@type"` names.
pub(super) fn type_name(value: &Value) -> Option<&str> {
    value.get("@type")?.as_str()?.rsplit('/').next()
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (initial, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        camel + &initial.to_ascii_uppercase() + rest
    })
}
