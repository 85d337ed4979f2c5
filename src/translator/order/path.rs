//! Envoy's path matchers as keys and, where a key says too little, a condition on the path.

use super::{Key, parameters};
use crate::regex::Pcre;
use crate::vars::{Expr, escape_pcre};

/// How a route matches the path, without its query: `RouteMatch.path_specifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathMatch {
    /// The path begins with this text.
    Prefix(String),
    /// The path is this text.
    Exact(String),
    /// The path is this text, or this text followed by a slash and more.
    SeparatedPrefix(String),
    /// The expression matches the whole path.
    Regex(Pcre),
    /// As [`PathMatch::Regex`], but parameters count in any case: a path template.
    Template(Pcre),
}

/// Further fields that decide how paths are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathOptions {
    /// `RouteMatch.case_sensitive` is false. Without effect on [`PathMatch::Regex`].
    pub(crate) ignore_case: bool,
    /// `RouteConfiguration.ignore_path_parameters_in_path_matching`: what stands between a semicolon and the next slash
    /// does not count.
    pub(crate) ignore_parameters: bool,
}

/// Keys and a condition on `uri` that together hold for exactly the paths that the matcher accepts. No key means that
/// no path matches. The condition is [`Expr::True`] where the keys say everything.
///
/// Paths are what nginx makes of the target (decoded, slashes merged). With [`PathOptions::ignore_parameters`] a regular
/// expression that is not plain text must be one [`Pcre::before`] a semicolon, and is told only for paths that are not
/// [`parameters::inside`].
#[must_use]
pub(crate) fn path_keys(matcher: &PathMatch, options: PathOptions) -> (Vec<Key>, Expr) {
    match matcher {
        PathMatch::Regex(pcre) => regex_keys(pcre, options),
        PathMatch::Template(pcre) => regex_keys(pcre, PathOptions::default()),
        PathMatch::Prefix(text) | PathMatch::Exact(text) | PathMatch::SeparatedPrefix(text) => {
            text_keys(text, matcher, options)
        }
    }
}

/// What may follow the text of a matcher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Nothing,
    Anything,
    After(char),
}

fn tails(matcher: &PathMatch) -> Vec<Tail> {
    match matcher {
        PathMatch::Prefix(_) | PathMatch::Regex(_) | PathMatch::Template(_) => vec![Tail::Anything],
        PathMatch::Exact(_) => vec![Tail::Nothing],
        PathMatch::SeparatedPrefix(_) => vec![Tail::Nothing, Tail::After('/')],
    }
}

fn end(matcher: &PathMatch) -> parameters::End {
    match matcher {
        PathMatch::Prefix(_) | PathMatch::Regex(_) | PathMatch::Template(_) => parameters::End::Anything,
        PathMatch::Exact(_) => parameters::End::Nothing,
        PathMatch::SeparatedPrefix(_) => parameters::End::Segment,
    }
}

fn text_keys(text: &str, matcher: &PathMatch, options: PathOptions) -> (Vec<Key>, Expr) {
    if options.ignore_parameters {
        return parameters::keys(text, end(matcher), options.ignore_case);
    }
    let tails = tails(matcher);
    // Every path begins with a slash.
    let unreachable = !(text.starts_with('/') || text.is_empty());
    if unreachable || (text.is_empty() && tails == [Tail::Nothing]) {
        return (Vec::new(), Expr::False);
    }
    if options.ignore_case && text.contains(|c: char| c.is_ascii_alphabetic()) {
        return caseless_keys(text, &tails);
    }
    let keys: Option<Vec<Key>> = tails.iter().map(|tail| literal_key(text, *tail)).collect();
    match keys {
        Some(keys) => (keys, Expr::True),
        None => (vec![Key::prefix(text)], literal_condition(text, &tails)),
    }
}

/// The key that says exactly "`text`, then `tail`".
fn literal_key(text: &str, tail: Tail) -> Option<Key> {
    let whole = match tail {
        Tail::Nothing => return Key::exact(text),
        Tail::Anything if text.is_empty() => "/".to_owned(),
        Tail::Anything => text.to_owned(),
        Tail::After(c) => format!("{text}{c}"),
    };
    let key = Key::prefix(&whole);
    (key.text() == whole).then_some(key)
}

fn literal_condition(text: &str, tails: &[Tail]) -> Expr {
    if tails == [Tail::Nothing] {
        return Expr::equal("uri", text);
    }
    Expr::matches("uri", pattern(text, tails))
}

fn pattern(text: &str, tails: &[Tail]) -> String {
    let tail = |tail: &Tail| match tail {
        Tail::Nothing => r"\z".to_owned(),
        Tail::Anything => String::new(),
        Tail::After(c) => c.to_string(),
    };
    let tails: Vec<String> = tails.iter().map(tail).collect();
    let literal = escape_pcre(text);
    match tails.as_slice() {
        [only] => format!("^{literal}{only}"),
        many => format!("^{literal}(?:{})", many.join("|")),
    }
}

/// The tree compares with case: the key ends before the first letter.
fn caseless_keys(text: &str, tails: &[Tail]) -> (Vec<Key>, Expr) {
    let head = text.split(|c: char| c.is_ascii_alphabetic()).next().unwrap_or_default();
    (vec![Key::prefix(head)], Expr::matches_caseless("uri", pattern(text, tails)))
}

fn regex_keys(pcre: &Pcre, options: PathOptions) -> (Vec<Key>, Expr) {
    let head = pcre.head();
    if !(head.is_empty() || head.starts_with('/')) {
        return (Vec::new(), Expr::False);
    }
    let options = PathOptions { ignore_case: false, ..options };
    if let Some(text) = pcre.literal() {
        return text_keys(text, &PathMatch::Exact(text.to_owned()), options);
    }
    if let Some(text) = pcre.prefix() {
        return text_keys(text, &PathMatch::Prefix(text.to_owned()), options);
    }
    if let Some(text) = pcre.separated_prefix() {
        return text_keys(text, &PathMatch::SeparatedPrefix(text.to_owned()), options);
    }
    (vec![Key::prefix(head)], Expr::matches("uri", pcre.full_match()))
}
