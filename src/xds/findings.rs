//! Gathers what the coverage scan finds, one entry a field however often it is set.

use crate::coverage::{Found, Sink};
use crate::path::Path;
use crate::schema::{Class, Field, Message};
use std::collections::BTreeMap;

/// So many different undeclared numbers are told apart; hostile input could hold any number of them.
const UNKNOWN_LIMIT: usize = 100;

/// One field that is set somewhere.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The message that declares the field, or should.
    pub message: &'static Message,
    /// The field; `None` for a number that this release does not know.
    pub field: Option<&'static Field>,
    /// The field number.
    pub number: u32,
    /// How often it is set.
    pub count: u64,
    /// Where it is set first.
    pub first_path: String,
}

impl Finding {
    /// What the ledger says; `None` for a field that this release does not know.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.field.map(Field::class)
    }
}

/// The findings of one scan, or of several in a row.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    prefix: String,
    known: BTreeMap<u16, Finding>,
    unknown: BTreeMap<(&'static str, u32), Finding>,
    unknown_beyond_limit: u64,
}

impl Findings {
    /// Begins what follows with a path: `virtual_hosts[2].` turns `name` into `virtual_hosts[2].name`.
    pub fn set_prefix(&mut self, prefix: impl Into<String>) {
        self.prefix = prefix.into();
    }

    /// Nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.unknown.is_empty()
    }

    /// The declared fields in the order of the tables, then the undeclared numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.known.values().chain(self.unknown.values())
    }

    /// How many occurrences of undeclared numbers are not among the findings, because there were too many different
    /// numbers.
    #[must_use]
    pub fn unknown_beyond_limit(&self) -> u64 {
        self.unknown_beyond_limit
    }
}

impl Sink for Findings {
    fn found(&mut self, found: Found, path: &Path<'_>) {
        let Found { message, field, number } = found;
        let prefix = &self.prefix;
        let first = || Finding { message, field, number, count: 0, first_path: format!("{prefix}{path}") };
        let finding = if let Some(field) = field {
            self.known.entry(field.id()).or_insert_with(first)
        } else {
            let key = (message.full_name, number);
            if self.unknown.len() >= UNKNOWN_LIMIT && !self.unknown.contains_key(&key) {
                self.unknown_beyond_limit = self.unknown_beyond_limit.saturating_add(1);
                return;
            }
            self.unknown.entry(key).or_insert_with(first)
        };
        finding.count = finding.count.saturating_add(1);
    }
}
