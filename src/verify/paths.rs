//! Paths around a path specifier.

use serde_json::Value;

use crate::look::{at, text};
use crate::sample::samples;

/// The kind of a path specifier, with its text.
enum Specifier<'m> {
    Exact(&'m str),
    Prefix(&'m str),
    Separated(&'m str),
    Regex(&'m str),
    Template(&'m str),
    Other,
}

/// Paths for a route match: those it takes first (at least one), then near misses and unusual spellings. None has a query.
pub(crate) fn paths(matcher: &Value) -> Vec<String> {
    let (good, text) = match specifier(matcher) {
        Specifier::Exact(path) => (vec![path.to_owned()], path),
        Specifier::Prefix(prefix) => (vec![prefix.to_owned(), format!("{prefix}z"), format!("{prefix}/y")], prefix),
        Specifier::Separated(prefix) => (vec![prefix.to_owned(), format!("{prefix}/y"), format!("{prefix}/")], prefix),
        Specifier::Regex(regex) => (samples(regex), ""),
        Specifier::Template(template) => (vec![filled(template)], ""),
        Specifier::Other => (Vec::new(), "/"),
    };
    let mut good: Vec<String> = good.into_iter().filter(|path| path.starts_with('/')).collect();
    if good.is_empty() {
        good.push(if text.starts_with('/') { text.to_owned() } else { "/".to_owned() });
    }
    let near: Vec<String> = good.iter().take(2).flat_map(|path| around(path)).collect();
    let mut all = good;
    for path in near {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all.retain(|path| path.bytes().all(|byte| byte > b' ' && byte != b'?' && byte != 0x7f));
    all
}

fn specifier(matcher: &Value) -> Specifier<'_> {
    if let Some(path) = text(matcher, &["path"]) {
        Specifier::Exact(path)
    } else if let Some(prefix) = text(matcher, &["prefix"]) {
        Specifier::Prefix(prefix)
    } else if let Some(prefix) = text(matcher, &["path_separated_prefix"]) {
        Specifier::Separated(prefix)
    } else if let Some(regex) = text(matcher, &["safe_regex", "regex"]) {
        Specifier::Regex(regex)
    } else if let Some(policy) = at(matcher, &["path_match_policy", "typed_config"]) {
        text(policy, &["path_template"]).map_or(Specifier::Other, Specifier::Template)
    } else {
        Specifier::Other
    }
}

/// A path that a URI template takes: `*`, `**` and `{name}` stand for a segment.
fn filled(template: &str) -> String {
    let mut path = String::new();
    let mut inside = false;
    for c in template.chars() {
        match c {
            '{' => {
                inside = true;
                path.push('v');
            }
            '}' => inside = false,
            _ if inside => {}
            '*' if path.ends_with('w') => {}
            '*' => path.push('w'),
            c => path.push(c),
        }
    }
    path
}

/// Near misses and unusual spellings of a path.
fn around(path: &str) -> Vec<String> {
    let mut near = vec![
        format!("{path}/"),
        format!("{path}x"),
        format!("{path}/x"),
        format!("{path};v=1"),
        path.to_ascii_uppercase(),
        path.to_ascii_lowercase(),
        format!("/{path}"),
        format!("/.{path}"),
        format!("/x/..{path}"),
        format!("{path}//x"),
        format!("{path}%2Fx"),
        format!("{path}%20x"),
    ];
    let mut shorter = path.to_owned();
    shorter.pop();
    near.push(if shorter.is_empty() { "/".to_owned() } else { shorter });
    if let Some(letter) = path.chars().find(char::is_ascii_alphanumeric) {
        near.push(path.replacen(letter, &format!("%{:02X}", u32::from(letter)), 1));
    }
    near.into_iter().filter(|near| near != path && near.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_edges_of_a_prefix() {
        let paths = paths(&json!({"prefix": "/api"}));
        assert_eq!(paths[0], "/api");
        for near in ["/api/", "/apix", "/API", "/ap", "//api", "/%61pi", "/x/../api"] {
            assert!(paths.iter().any(|path| path == near), "{near}");
        }
    }

    #[test]
    fn other_specifiers() {
        assert_eq!(paths(&json!({"safe_regex": {"regex": "/v[0-9]+/x"}}))[0], "/v0/x");
        assert_eq!(filled("/a/*/b/{name}/**"), "/a/w/b/v/w");
        assert_eq!(paths(&json!({"connect_matcher": {}}))[0], "/");
    }
}
