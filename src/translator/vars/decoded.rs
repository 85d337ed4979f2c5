//! Query parameters whose names and values Envoy decodes before it compares them.

use super::{Expr, escape_pcre};

/// The query may have a parameter of this name, however it is written.
pub(crate) fn parameter_may_be_there(name: &str) -> Expr {
    Expr::matches("args", format!(r"(?:^|&){}(?:=|&|\z)", written(name, "%&=")))
}

/// The first parameter of this name has a value.
pub(crate) fn decoded_parameter_filled(name: &str) -> Expr {
    Expr::matches("args", first(name, "[^&]++"))
}

/// The first parameter of this name has one of these values, none of which is empty.
pub(crate) fn decoded_parameter(name: &str, values: &[&str]) -> Expr {
    if values.is_empty() {
        return Expr::False;
    }
    let values: Vec<String> = values.iter().map(|value| written(value, "%&")).collect();
    Expr::matches("args", first(name, &format!(r"(?:{})(?=&|\z)", values.join("|"))))
}

fn first(name: &str, value: &str) -> String {
    let name = written(name, "%&=");
    format!(r"^(?:(?!{name}(?:=|&|\z))[^&]*+&)*+{name}={value}")
}

/// A pattern for all ways to write a text: each character as it is or escaped; those in `special` only escaped.
fn written(text: &str, special: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        let plain = c.to_string();
        let bytes: Vec<String> = plain.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let escaped = format!("(?i:{})", bytes.concat());
        if special.contains(c) {
            pattern.push_str(&escaped);
        } else {
            pattern.extend(["(?:", &escape_pcre(&plain), "|", &escaped, ")"]);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::{decoded_parameter, decoded_parameter_filled, parameter_may_be_there};
    use crate::vars::Expr;

    fn holds(expr: &Expr, text: &str) -> bool {
        let json: serde_json::Value = serde_json::to_value(expr).unwrap();
        pcre2::bytes::Regex::new(json[2].as_str().unwrap()).unwrap().is_match(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_and_values_are_decoded() {
        let is_key = decoded_parameter("key", &["a b", "p+q", "100%", "YQ=="]);
        for (query, expected) in [
            ("key=a%20b", true),
            ("x=1&k%65y=%61%20%62&key=no", true),
            ("key=a+b", false),
            ("key=p+q", true),
            ("key=p%2Bq&z", true),
            ("key=YQ==", true),
            ("key=100%25", true),
            ("key=100%", false),
            ("key=no&key=p+q", false),
            ("kkey=p+q", false),
            ("key=p+qq", false),
        ] {
            assert_eq!(holds(&is_key, query), expected, "{query}");
        }
        let filled = decoded_parameter_filled("k");
        assert!(holds(&filled, "a&k=1") && !holds(&filled, "k=&k=1") && !holds(&filled, "k&k=1"));
        let there = parameter_may_be_there("access_token");
        assert!(
            holds(&there, "access_token") && holds(&there, "x&access%5Ftoken=") && !holds(&there, "access_tokens=1")
        );
        assert!(decoded_parameter("k", &[]).is_false());
    }
}
