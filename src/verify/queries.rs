//! Query parameters and cookies around their matchers.

use serde_json::Value;

use crate::headers::{Values, string};
use crate::look::{at, list, text};

/// The query parameter matchers of a route match, with values that can stand in a query.
pub(crate) fn queries(matcher: &Value) -> Vec<(String, Values)> {
    let mut found = named(list(matcher, &["query_parameters"]));
    for (_, values) in &mut found {
        let usable = |value: &Option<String>| value.iter().all(|text| text.bytes().all(can_stand_in_query));
        values.good.retain(usable);
        values.near.retain(usable);
        values.near.push(Some("%61".into()));
    }
    found
}

/// The cookie matchers of a route match.
pub(crate) fn cookies(matcher: &Value) -> Vec<(String, Values)> {
    let mut found = named(list(matcher, &["cookies"]));
    for (_, values) in &mut found {
        let usable = |value: &Option<String>| value.iter().all(|text| !text.contains([';', ' ', '"']));
        values.good.retain(usable);
        values.near.retain(usable);
    }
    found
}

fn named(matchers: &[Value]) -> Vec<(String, Values)> {
    let name = |matcher: &Value| text(matcher, &["name"]).unwrap_or_default().to_owned();
    matchers.iter().map(|matcher| (name(matcher), values(matcher))).collect()
}

fn values(matcher: &Value) -> Values {
    let present = || Values { good: vec![Some("p".into()), Some(String::new())], near: vec![None] };
    let values = match at(matcher, &["string_match"]) {
        Some(matcher) => string(matcher),
        None => match at(matcher, &["present_match"]) {
            Some(Value::Bool(false)) => Values { good: vec![None], near: present().good },
            _ => present(),
        },
    };
    match at(matcher, &["invert_match"]) {
        Some(Value::Bool(true)) => Values { good: values.near, near: values.good },
        _ => values,
    }
}

fn can_stand_in_query(byte: u8) -> bool {
    byte > b' ' && byte < 0x7f && !matches!(byte, b'&' | b'#' | b'%' | b'+' | b'=')
}
