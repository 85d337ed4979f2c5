//! Values around a string or header matcher.

use serde_json::Value;

use crate::look::{at, list, number, text};
use crate::sample::samples;

/// What a matcher asks of a name: values that it takes and values that it does not. `None` is absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) good: Vec<Option<String>>,
    pub(crate) near: Vec<Option<String>>,
}

impl Values {
    /// A value that it takes, where one is known.
    pub(crate) fn first(&self) -> Option<&Option<String>> {
        self.good.first()
    }

    fn inverted(self) -> Self {
        Self { good: self.near, near: self.good }
    }
}

/// Values for one header matcher, `envoy.config.route.v3.HeaderMatcher`.
pub(crate) fn header(matcher: &Value) -> Values {
    let values = if let Some(present) = at(matcher, &["present_match"]).and_then(Value::as_bool) {
        let there = Values { good: vec![Some("p".into()), Some(String::new())], near: vec![None] };
        if present { there } else { there.inverted() }
    } else if let Some(range) = at(matcher, &["range_match"]) {
        within(number(range, &["start"]).unwrap_or(0), number(range, &["end"]).unwrap_or(0))
    } else {
        legacy(matcher)
            .or_else(|| at(matcher, &["string_match"]).map(string))
            .unwrap_or(Values { good: vec![Some("p".into())], near: vec![None] })
    };
    let inverted = at(matcher, &["invert_match"]) == Some(&Value::Bool(true));
    if inverted { values.inverted() } else { values }
}

fn legacy(matcher: &Value) -> Option<Values> {
    let plain = |name: &str| text(matcher, &[name]).map(|text| (name.trim_end_matches("_match").to_owned(), text));
    if let Some((kind, text)) =
        ["exact_match", "prefix_match", "suffix_match", "contains_match"].into_iter().find_map(plain)
    {
        return Some(string(&serde_json::json!({ kind: text })));
    }
    text(matcher, &["safe_regex_match", "regex"]).map(regex)
}

/// Values for `envoy.type.matcher.v3.StringMatcher`.
pub(crate) fn string(matcher: &Value) -> Values {
    if let Some(pattern) = text(matcher, &["safe_regex", "regex"]) {
        return regex(pattern);
    }
    let kinds = ["exact", "prefix", "suffix", "contains"];
    let Some((kind, text)) = kinds.into_iter().find_map(|kind| Some((kind, text(matcher, &[kind])?))) else {
        return Values { good: vec![Some("p".into())], near: vec![None] };
    };
    let (before, after) = (format!("z{text}"), format!("{text}z"));
    let mut values = Values { good: vec![Some(text.to_owned())], near: vec![None, Some(String::new())] };
    let takes = |list: &mut Values, text: String, good: bool| {
        if good { list.good.push(Some(text)) } else { list.near.push(Some(text)) }
    };
    takes(&mut values, before, matches!(kind, "suffix" | "contains"));
    takes(&mut values, after, matches!(kind, "prefix" | "contains"));
    let folded = at(matcher, &["ignore_case"]) == Some(&Value::Bool(true));
    let upper = text.to_ascii_uppercase();
    if upper != text {
        takes(&mut values, upper, folded);
    }
    takes(&mut values, text.get(..text.len().saturating_sub(1)).unwrap_or_default().to_owned(), false);
    values
}

fn regex(pattern: &str) -> Values {
    let good: Vec<Option<String>> = samples(pattern).into_iter().map(Some).collect();
    let near = good.iter().flatten().flat_map(|text| [format!("{text}!"), format!("!{text}")]).map(Some);
    Values { near: near.chain([None, Some(String::new())]).collect(), good }
}

fn within(start: i64, end: i64) -> Values {
    let texts = |numbers: [i64; 2]| numbers.into_iter().map(|number| Some(number.to_string())).collect();
    let mut near: Vec<Option<String>> = texts([start.saturating_sub(1), end]);
    near.extend([None, Some(format!("{start}.0")), Some(format!("{start}x")), Some(String::new())]);
    Values { good: texts([start, end.saturating_sub(1)]), near }
}

/// The header matchers of a route match, by name in lower case, with their values.
pub(crate) fn of_match(matcher: &Value) -> Vec<(String, Values)> {
    let name = |matcher: &Value| text(matcher, &["name"]).unwrap_or_default().to_ascii_lowercase();
    list(matcher, &["headers"]).iter().map(|matcher| (name(matcher), header(matcher))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_sides_of_each_matcher() {
        let exact = header(&json!({"name": "x", "string_match": {"exact": "ab"}}));
        assert_eq!(exact.good, [Some("ab".to_owned())]);
        assert!(exact.near.contains(&None) && exact.near.contains(&Some("AB".to_owned())));
        let inverted = header(&json!({"name": "x", "present_match": true, "invert_match": true}));
        assert_eq!(inverted.good, [None]);
        let range = header(&json!({"name": "x", "range_match": {"start": "1", "end": "4"}}));
        assert_eq!(range.good, [Some("1".to_owned()), Some("3".to_owned())]);
        assert!(range.near.contains(&Some("4".to_owned())));
    }
}
