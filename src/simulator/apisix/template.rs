//! Templates in plugin configurations: `$name`, `${name}`, `${name ?? default}`.

use std::sync::LazyLock;

use super::pcre::Pattern;
use super::stop::Stop;
use super::vars::{Value, Vars};

/// A dollar that no backslash precedes, then a name, in braces or not.
static REFERENCE: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"(?<!\\)\$(\{\s*([^}]+?)\s*\}|([\w\.]+))", false));

/// The text with every reference replaced once; absent variables without a default are empty.
pub(super) fn resolve(template: &str, vars: &Vars) -> Result<Vec<u8>, Stop> {
    let bytes = template.as_bytes();
    let mut resolved = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for captures in REFERENCE.captures(bytes) {
        let Some(whole) = captures.get(0) else { continue };
        let inner = captures.get(2).or_else(|| captures.get(3));
        let reference = inner.map(|inner| String::from_utf8_lossy(inner.as_bytes()));
        resolved.extend_from_slice(bytes.get(done..whole.start()).unwrap_or_default());
        resolved.extend(value(&reference.unwrap_or_default(), vars)?);
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
