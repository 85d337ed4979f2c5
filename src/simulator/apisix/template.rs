//! Templates in plugin configurations: `$name`, `${name}`, `${name ?? default}`.

use std::sync::LazyLock;

use pcre2::bytes::Captures;

use super::pcre::Pattern;
use super::stop::Stop;
use super::substitute::Groups;
use super::vars::{Value, Vars};

/// A dollar that no backslash precedes, then a name, in braces or not.
static REFERENCE: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"(?<!\\)\$(\{\s*([^}]+?)\s*\}|([\w\.]+))", false));

/// A group of proxy-rewrite's regex: `$1` or `${1}`.
static GROUP: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"(?<!\\)\$\{?(\d+)\}?", false));

/// The text with every reference replaced once; absent variables without a default are empty.
pub(super) fn resolve(template: &str, vars: &Vars) -> Result<Vec<u8>, Stop> {
    resolve_with(template, vars, |value| value)
}

/// The same after references to the groups of a regex.
pub(super) fn resolve_captured(template: &str, groups: &Groups, vars: &Vars) -> Result<Vec<u8>, Stop> {
    let group = |captures: &Captures| {
        let number = captures.get(1).and_then(|number| std::str::from_utf8(number.as_bytes()).ok()?.parse().ok());
        let group = number.and_then(|number: usize| groups.get(number)?.clone());
        Ok(group.unwrap_or_default())
    };
    replace(&replace(template.as_bytes(), &GROUP, group)?, &REFERENCE, |captures| reference(captures, vars))
}

/// The same with every value changed on its way.
pub(super) fn resolve_with(template: &str, vars: &Vars, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<Vec<u8>, Stop> {
    replace(template.as_bytes(), &REFERENCE, |captures| reference(captures, vars).map(&change))
}

/// Whether some reference has a value.
pub(super) fn resolves_any(template: &str, vars: &Vars) -> Result<bool, Stop> {
    for captures in REFERENCE.captures(template.as_bytes()) {
        let inner = captures.get(2).or_else(|| captures.get(3));
        let reference = inner.map(|inner| String::from_utf8_lossy(inner.as_bytes())).unwrap_or_default();
        let name = reference.split("??").next().unwrap_or_default().trim();
        if reference.contains("??") || vars.get(name)? != Value::Absent {
            return Ok(true);
        }
    }
    Ok(false)
}

fn reference(captures: &Captures, vars: &Vars) -> Result<Vec<u8>, Stop> {
    let inner = captures.get(2).or_else(|| captures.get(3));
    let reference = inner.map(|inner| String::from_utf8_lossy(inner.as_bytes()));
    value(&reference.unwrap_or_default(), vars)
}

fn replace(
    bytes: &[u8],
    pattern: &Pattern,
    with: impl Fn(&Captures) -> Result<Vec<u8>, Stop>,
) -> Result<Vec<u8>, Stop> {
    let mut resolved = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for captures in pattern.captures(bytes) {
        let Some(whole) = captures.get(0) else { continue };
        resolved.extend_from_slice(bytes.get(done..whole.start()).unwrap_or_default());
        resolved.extend(with(&captures)?);
        done = whole.end();
    }
    resolved.extend_from_slice(bytes.get(done..).unwrap_or_default());
    Ok(resolved)
}

fn value(reference: &str, vars: &Vars) -> Result<Vec<u8>, Stop> {
    let mut parts = reference.split("??").map(str::trim);
    let name = parts.next().unwrap_or_default();
    Ok(match vars.get(name)? {
        Value::Text(text) => text,
        Value::True => b"true".to_vec(),
        Value::Absent => parts.next().unwrap_or_default().into(),
    })
}
