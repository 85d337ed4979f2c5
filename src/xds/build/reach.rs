//! Follows the read fields from the resource roots, checks that the ledger covers exactly what is reached, and
//! collects what the wire types hold.

use crate::Result;
use crate::descriptors::{Descriptors, is_map_entry, is_message, is_well_known, type_name};
use crate::ledger::{Class, Ledger};
use prost_types::FieldDescriptorProto;
use std::collections::BTreeSet;

const ROOTS: [&str; 4] = [
    "envoy.config.listener.v3.Listener",
    "envoy.config.route.v3.RouteConfiguration",
    "envoy.config.cluster.v3.Cluster",
    "envoy.config.endpoint.v3.ClusterLoadAssignment",
];

/// What is reached through read fields.
pub(crate) struct Reached<'a> {
    descriptors: &'a Descriptors,
    ledger: &'a Ledger,
    pub(crate) messages: BTreeSet<String>,
    pub(crate) enums: BTreeSet<String>,
    complete: BTreeSet<&'a str>,
    problems: Vec<String>,
}

impl<'a> Reached<'a> {
    /// Fails with one line for every gap in the ledger and every line that names nothing.
    pub(crate) fn new(descriptors: &'a Descriptors, ledger: &'a Ledger) -> Result<Self> {
        let mut reached = Self {
            descriptors,
            ledger,
            messages: BTreeSet::new(),
            enums: BTreeSet::new(),
            complete: complete(descriptors, ledger),
            problems: Vec::new(),
        };
        for root in ROOTS {
            reached.visit(root, "the resource roots");
        }
        for ((_, name), extension) in &ledger.extensions {
            if extension.class.is_read() {
                reached.visit(name, &extension.place);
            }
        }
        for (name, place) in &ledger.complete {
            reached.visit(name, place);
        }
        reached.check_lines();
        if reached.problems.is_empty() {
            Ok(reached)
        } else {
            Err(format!("the ledger does not fit proto/:\n  {}", reached.problems.join("\n  ")).into())
        }
    }

    /// The class of a field; `None` where the ledger says nothing because nothing reaches the field.
    pub(crate) fn class(&self, message: &str, field: &str) -> Option<&Class> {
        if !self.messages.contains(message) {
            return None;
        }
        match self.ledger.messages.get(message) {
            Some(block) => block.fields.get(field).map(|(class, _)| class),
            None => Some(&Class::Translated),
        }
    }

    pub(crate) fn is_read(&self, message: &str, field: &str) -> bool {
        self.class(message, field).is_some_and(Class::is_read)
    }

    pub(crate) fn is_lazy(&self, message: &str, field: &str) -> bool {
        self.ledger.lazy.contains(&format!("{message}.{field}"))
    }

    fn visit(&mut self, name: &str, from: &str) {
        let Some(message) = self.descriptors.messages.get(name) else {
            self.problems.push(format!("{from}: there is no message {name}"));
            return;
        };
        if !self.messages.insert(name.to_owned()) {
            return;
        }
        if self.needs_lines(name) && !self.ledger.messages.contains_key(name) {
            self.problems.push(format!("{name}, reached from {from}, has no lines"));
            return;
        }
        for field in &message.field {
            let place = format!("{name}.{}", field.name());
            if self.class(name, field.name()).is_none() {
                self.problems.push(format!("{place} has no line"));
            } else if self.is_read(name, field.name()) {
                self.visit_type(field, &place);
            }
        }
    }

    fn visit_type(&mut self, field: &FieldDescriptorProto, place: &str) {
        let name = type_name(field);
        if is_message(field) {
            self.visit(name, place);
        } else if !name.is_empty() {
            self.enums.insert(name.to_owned());
        }
    }

    /// Map entries, well-known types and empty messages do without lines, and so do the messages that belong to
    /// the discovery protocol alone.
    fn needs_lines(&self, name: &str) -> bool {
        let message = self.descriptors.messages.get(name);
        let simple = message.is_none_or(|message| message.field.is_empty() || is_map_entry(message));
        !simple && !is_well_known(name) && !self.complete.contains(name)
    }

    fn check_lines(&mut self) {
        for (name, block) in &self.ledger.messages {
            let Some(message) = self.descriptors.messages.get(name) else {
                self.problems.push(format!("{}: there is no message {name}", block.place));
                continue;
            };
            if !self.messages.contains(name) {
                self.problems.push(format!("{}: no read field leads to {name}; take its lines out", block.place));
            }
            for (field, (_, place)) in &block.fields {
                if !message.field.iter().any(|declared| declared.name() == field) {
                    self.problems.push(format!("{place}: {name} has no field {field}"));
                }
            }
        }
        for path in &self.ledger.lazy {
            let (message, field) = path.rsplit_once('.').unwrap_or_default();
            if !self.is_read(message, field) {
                self.problems.push(format!("lazy.txt: {path} is not a read field"));
            }
        }
    }
}

/// The messages below the `complete` ones that have no lines of their own.
fn complete<'a>(descriptors: &'a Descriptors, ledger: &'a Ledger) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<&str> = ledger.complete.iter().map(|(name, _)| name.as_str()).collect();
    while let Some(name) = todo.pop() {
        if !ledger.messages.contains_key(name) && found.insert(name) {
            let fields = descriptors.messages.get(name).into_iter().flat_map(|message| &message.field);
            todo.extend(fields.filter(|field| is_message(field)).map(type_name));
        }
    }
    found
}
