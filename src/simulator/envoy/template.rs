//! URI templates: `envoy.extensions.path.match.uri_template.v3` and `envoy.extensions.path.rewrite.uri_template.v3`.

use regex::bytes::Regex;

use super::stop::{Known, NotModelled};

/// A path with `*` (one segment), `**` (any rest), and named parts `{name}`, `{name=*}`, `{name=a/**}`.
#[derive(Debug, Clone)]
pub(super) struct Template {
    source: String,
    names: Vec<String>,
    pattern: Regex,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// What a character of a path segment may be.
const SEGMENT: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=*]";
/// The same with slashes.
const REST: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=*/]";

impl Template {
    pub(super) fn read(source: &str) -> Result<Self, String> {
        if !source.starts_with('/') {
            return Err("a path template begins with a slash".into());
        }
        let mut reader = Reader { names: Vec::new(), pattern: r"\A".into(), after_rest: false };
        reader.pieces(source)?;
        let pattern = Regex::new(&(reader.pattern + r"\z")).map_err(|error| error.to_string())?;
        Ok(Self { source: source.into(), names: reader.names, pattern })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn matches(&self, path: &[u8]) -> Known<bool> {
        if !path.is_ascii() {
            return NotModelled::because("a path template and a path that is not ASCII");
        }
        Ok(self.pattern.is_match(path))
    }

    /// A path that fits, written anew: `{name}` is a part of it.
    pub(super) fn rewrite(&self, path: &[u8], template: &str) -> Option<Vec<u8>> {
        let captures = self.pattern.captures(path)?;
        let mut written = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            written.extend(before.bytes());
            let at = self.names.iter().position(|other| other == name)?;
            written.extend(captures.get(at.checked_add(1)?)?.as_bytes());
            rest = after;
        }
        written.extend(rest.bytes());
        Some(written)
    }
}

struct Reader {
    names: Vec<String>,
    pattern: String,
    after_rest: bool,
}

impl Reader {
    fn pieces(&mut self, mut text: &str) -> Result<(), String> {
        while !text.is_empty() {
            if self.after_rest {
                // Only literals may follow `**`.
                if text.starts_with(['*', '{']) {
                    return Err("an operator after **".into());
                }
            }
            if let Some(rest) = text.strip_prefix("**") {
                self.pattern.extend([REST, "*"]);
                self.after_rest = true;
                text = rest;
            } else if let Some(rest) = text.strip_prefix('*') {
                self.pattern.extend([SEGMENT, "+"]);
                text = rest;
            } else if let Some(rest) = text.strip_prefix('{') {
                let (variable, rest) = rest.split_once('}').ok_or("an unclosed variable")?;
                self.variable(variable)?;
                text = rest;
            } else {
                let end = text.find(['*', '{']).unwrap_or(text.len());
                let (literal, rest) = text.split_at_checked(end).unwrap_or((text, ""));
                if literal.contains(['}', '?', '#']) || literal.contains("//") {
                    return Err(format!("an invalid literal {literal}"));
                }
                self.pattern.push_str(&regex::escape(literal));
                text = rest;
            }
        }
        Ok(())
    }

    fn variable(&mut self, variable: &str) -> Result<(), String> {
        let (name, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || self.names.iter().any(|other| other == name) || pattern.is_empty() || pattern.contains('{') {
            return Err(format!("an invalid variable {variable}"));
        }
        self.names.push(name.into());
        self.pattern.push('(');
        self.pieces(pattern)?;
        self.pattern.push(')');
        Ok(())
    }
}
