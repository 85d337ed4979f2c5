//! What becomes of path and host, as patterns on path and query as they came.

use crate::apisix::{ProxyRewrite, Template, Value};
use crate::model::route::{Forward, PathRewrite, Route};
use crate::order::PathMatch;
use crate::vars::escape_pcre;

/// What is forwarded in place of what came; `None` where it is the same.
pub(super) fn rewrite(route: &Route, forward: &Forward, host: Option<String>) -> Option<ProxyRewrite> {
    if forward.path.is_none() && host.is_none() {
        return None;
    }
    let has_host = host.is_some();
    let mut rewrite = ProxyRewrite { host, ..ProxyRewrite::default() };
    let mut original = |name: &str, variable: &str| {
        rewrite.headers.set.insert(name.to_owned(), Value::One(Template::variable(variable)));
    };
    if has_host {
        original("x-envoy-original-host", "http_host");
    }
    if let Some(path) = &forward.path {
        original("x-envoy-original-path", "real_request_uri");
        rewrite.regex_uri = pairs(route, path, false);
    }
    Some(rewrite)
}

/// A query and what follows.
const FROM_QUERY: &str = r"\?[\s\S]*";

/// `proxy-rewrite.regex_uri` for a rewrite of the path.
pub(super) fn pairs(route: &Route, rewrite: &PathRewrite, strips_query: bool) -> Vec<String> {
    let (pattern, replacement, groups) = match rewrite {
        PathRewrite::Unchanged => return if strips_query { without_query() } else { Vec::new() },
        PathRewrite::Matched(text) => (matched(route), text.replace('$', "$$"), 0),
        PathRewrite::Regex(regex) => (regex.pattern.clone(), regex.substitute.clone(), regex.groups),
    };
    if !strips_query {
        return vec![pattern, replacement];
    }
    let rest = groups.saturating_add(1);
    let mut pairs = vec![format!(r"{pattern}([^?]*)[\s\S]*"), format!("{replacement}${{{rest}}}")];
    pairs.extend(without_query());
    pairs
}

/// The path as it came.
pub(super) fn without_query() -> Vec<String> {
    vec![FROM_QUERY.to_owned(), String::new()]
}

/// This path in place of the one that came.
pub(super) fn whole_path(path: &str) -> Vec<String> {
    vec![r"^[^?]*".to_owned(), path.replace('$', "$$")]
}

/// The part of the path that the route matches by: all of it for an expression. Parameters may follow where they are
/// ignored.
fn matched(route: &Route) -> String {
    let caseless = if route.case_sensitive { "" } else { "(?i)" };
    match &route.path {
        Some(PathMatch::Prefix(text) | PathMatch::SeparatedPrefix(text)) => format!("{caseless}^{}", escape_pcre(text)),
        Some(PathMatch::Exact(text)) => format!(r"{caseless}^{}(?=[?;]|\z)", escape_pcre(text)),
        Some(PathMatch::Regex(_) | PathMatch::Template(_)) | None => r"^[^?]*".to_owned(),
    }
}
