//! Paths whose segments may have parameters that do not count: `RouteConfiguration.
//! ignore_path_parameters_in_path_matching`. Envoy leaves out what stands between a semicolon and the next slash.

use super::Key;
use crate::vars::{Expr, escape_pcre};

/// Parameters of one segment, which are its end.
const PARAMETERS: &str = "(?:;[^/]*+)?";

/// How a path goes on behind a text, parameters left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not at all.
    Nothing,
    /// In any way.
    Anything,
    /// Not at all, or with a slash.
    Segment,
}

/// Keys and condition for the paths that begin with a text, as [`super::path_keys`] gives them.
pub(super) fn keys(text: &str, end: End, ignore_case: bool) -> (Vec<Key>, Expr) {
    let Some(relative) = text.strip_prefix('/') else {
        // Every path begins with a slash.
        let all = text.is_empty() && end == End::Anything;
        return if all { (vec![Key::prefix("/")], Expr::True) } else { (Vec::new(), Expr::False) };
    };
    if relative.contains(';') {
        return (Vec::new(), Expr::False);
    }
    let cased = ignore_case && text.contains(|c: char| c.is_ascii_alphabetic());
    let head = relative.split('/').next().unwrap_or_default();
    let head = if cased { head.split(|c: char| c.is_ascii_alphabetic()).next().unwrap_or_default() } else { head };
    let key = Key::prefix(&format!("/{head}"));
    if end == End::Anything && !cased && key.text() == text {
        return (vec![key], Expr::True);
    }
    let pattern = pattern(relative, end);
    (vec![key], if cased { Expr::matches_caseless("uri", pattern) } else { Expr::matches("uri", pattern) })
}

fn pattern(relative: &str, end: End) -> String {
    let segments: Vec<String> = relative.split('/').map(escape_pcre).collect();
    let text = segments.join(&format!("{PARAMETERS}/"));
    match end {
        End::Nothing => format!(r"^/{text}{PARAMETERS}\z"),
        End::Anything => format!("^/{text}"),
        End::Segment => format!(r"^/{text}{PARAMETERS}(?:/|\z)"),
    }
}

/// A segment before the last one has parameters.
pub(crate) fn inside() -> Expr {
    Expr::matches("uri", "^[^;]*+;[^/]*+/")
}
