//! Changes of headers. No name stands in two groups: APISIX adds, then sets, then removes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Conflict, Template};

/// One or several lines of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// One line.
    One(Template),
    /// Several lines.
    Many(Vec<Template>),
}

impl From<Vec<Template>> for Value {
    fn from(mut values: Vec<Template>) -> Self {
        if values.len() == 1 { values.pop().map_or(Self::Many(Vec::new()), Self::One) } else { Self::Many(values) }
    }
}

/// `plugins.proxy-rewrite.headers`. Names are in lower case. A value that turns out empty removes the header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RequestHeaders {
    /// Lines to add to those that are there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) add: BTreeMap<String, Value>,
    /// Lines in place of those that are there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) set: BTreeMap<String, Value>,
    /// Names of headers to take away.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) remove: BTreeSet<String>,
}

impl RequestHeaders {
    /// Changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.set.is_empty() && self.remove.is_empty()
    }

    /// Sets a header, whatever else is done to it.
    pub(crate) fn overwrite(&mut self, name: String, value: Value) {
        self.add.remove(&name);
        self.remove.remove(&name);
        self.set.insert(name, value);
    }

    /// Puts a value in place of what stands for it.
    pub(crate) fn fill(&mut self, mark: &str, value: &Template) {
        for own in self.add.values_mut().chain(self.set.values_mut()) {
            match own {
                Value::One(template) => template.fill(mark, value),
                Value::Many(templates) => templates.iter_mut().for_each(|template| template.fill(mark, value)),
            }
        }
    }

    /// Both.
    pub(super) fn merge(mut self, other: Self) -> Result<Self, Conflict> {
        if self == other || other.is_empty() {
            return Ok(self);
        }
        if other.names().any(|name| self.names().any(|own| own.eq_ignore_ascii_case(name))) {
            return Err(Conflict);
        }
        self.add.extend(other.add);
        self.set.extend(other.set);
        self.remove.extend(other.remove);
        Ok(self)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.add.keys().chain(self.set.keys()).chain(&self.remove)
    }
}

/// `plugins.response-rewrite.headers`. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ResponseHeaders {
    /// Lines to add, as `name: value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<String>,
    /// The line in place of those that are there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) set: BTreeMap<String, Template>,
    /// Names of headers to take away.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) remove: BTreeSet<String>,
}

impl ResponseHeaders {
    /// Changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.set.is_empty() && self.remove.is_empty()
    }

    /// Adds lines; false, and nothing is done, where APISIX takes no such value: one with a colon or an empty one.
    #[must_use]
    pub(crate) fn add_all(&mut self, name: &str, values: &[Template]) -> bool {
        let is_bad = |value: &str| value.is_empty() || value.contains(':') || value.ends_with(r"\/");
        if values.iter().any(|value| is_bad(value.as_str())) {
            return false;
        }
        for value in values {
            let text = value.as_str();
            let text = text.strip_suffix('/').map_or_else(|| text.to_owned(), |head| format!("{head}${{_ ?? /}}"));
            self.add.push(format!("{name}: {text}"));
        }
        true
    }

    /// Both.
    pub(super) fn merge(mut self, other: Self) -> Result<Self, Conflict> {
        if self == other || other.is_empty() {
            return Ok(self);
        }
        if other.names().any(|name| self.names().any(|own| own.eq_ignore_ascii_case(name))) {
            return Err(Conflict);
        }
        self.add.extend(other.add);
        self.set.extend(other.set);
        self.remove.extend(other.remove);
        Ok(self)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let added = self.add.iter().filter_map(|line| line.split(':').next());
        added.chain(self.set.keys().map(String::as_str)).chain(self.remove.iter().map(String::as_str))
    }
}
