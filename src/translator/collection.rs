//! The resources of one type: what is in force, what was refused, what is wanted and has not arrived.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::ContentHash;
use crate::report::Report;
use crate::verdict::Subscription;

/// One resource by name.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    /// The last good version.
    pub(crate) model: Option<M>,
    /// What is to be said about it.
    pub(crate) report: Report,
    /// The bytes last seen, good or bad.
    seen: Option<ContentHash>,
    /// Why the newest version is not in force.
    pub(crate) refused: Option<String>,
}

/// All resources of one type.
#[derive(Debug)]
pub(crate) struct Collection<M> {
    entries: BTreeMap<String, Entry<M>>,
    /// How many others refer to each name.
    wanted: BTreeMap<String, u32>,
    /// Wanted names of which nothing has been heard.
    outstanding: BTreeSet<String>,
    /// Names whose wanting has changed since the last verdict.
    moved: BTreeSet<String>,
    /// Names seen so far in a response that came in parts.
    parts: Option<BTreeSet<String>>,
}

impl<M> Default for Collection<M> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            wanted: BTreeMap::new(),
            outstanding: BTreeSet::new(),
            moved: BTreeSet::new(),
            parts: None,
        }
    }
}

impl<M> Collection<M> {
    /// The last good version of a resource.
    pub(crate) fn get(&self, name: &str) -> Option<&M> {
        self.entries.get(name)?.model.as_ref()
    }

    /// The last good version of a resource, to be changed in place.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut M> {
        self.entries.get_mut(name)?.model.as_mut()
    }

    /// What is known of a resource.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry<M>> {
        self.entries.get(name)
    }

    /// The resources in force, by name.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&str, &M)> {
        self.entries.iter().filter_map(|(name, entry)| Some((name.as_str(), entry.model.as_ref()?)))
    }

    /// Everything that is known, by name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry<M>)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// How many names are known.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where `name` would be one name more than `limit`.
    pub(crate) fn is_full(&self, name: &str, limit: usize) -> bool {
        self.entries.len() >= limit && !self.entries.contains_key(name)
    }

    /// True where these very bytes were the last ones seen under this name.
    pub(crate) fn is_unchanged(&self, name: &str, hash: ContentHash) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.seen == Some(hash))
    }

    /// Why the last version seen under this name was refused, if it was.
    pub(crate) fn refusal(&self, name: &str) -> Option<&str> {
        self.entries.get(name)?.refused.as_deref()
    }

    /// Puts a good version in force and gives back the one before.
    pub(crate) fn accept(&mut self, name: &str, hash: ContentHash, model: M, report: Report) -> Option<M> {
        self.outstanding.remove(name);
        let entry = self.entries.entry(name.to_owned()).or_insert_with(Entry::unknown);
        entry.seen = Some(hash);
        entry.refused = None;
        entry.report = report;
        entry.model.replace(model)
    }

    /// Notes a bad version; the last good one stays in force.
    pub(crate) fn refuse(&mut self, name: &str, hash: ContentHash, why: String) {
        self.outstanding.remove(name);
        let entry = self.entries.entry(name.to_owned()).or_insert_with(Entry::unknown);
        entry.seen = Some(hash);
        entry.refused = Some(why);
    }

    /// Takes the last good version out, to be put back changed.
    pub(crate) fn take(&mut self, name: &str) -> Option<M> {
        self.entries.get_mut(name)?.model.take()
    }

    /// Forgets a resource and gives back its last good version.
    pub(crate) fn remove(&mut self, name: &str) -> Option<M> {
        self.entries.remove(name).and_then(|entry| entry.model)
    }

    /// Notes the names of one part of a state-of-the-world response. After the last part: the names that are gone.
    pub(crate) fn absent_after(&mut self, names: BTreeSet<String>, more: bool) -> Vec<String> {
        let mut seen = self.parts.take().unwrap_or_default();
        seen.extend(names);
        if more {
            self.parts = Some(seen);
            return Vec::new();
        }
        self.entries.keys().filter(|name| !seen.contains(*name)).cloned().collect()
    }

    /// One more resource refers to `name`.
    pub(crate) fn want(&mut self, name: &str) {
        let count = self.wanted.entry(name.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
        if *count == 1 {
            self.moved.insert(name.to_owned());
            if !self.entries.contains_key(name) {
                self.outstanding.insert(name.to_owned());
            }
        }
    }

    /// One resource less refers to `name`. True where none is left.
    pub(crate) fn unwant(&mut self, name: &str) -> bool {
        let Some(count) = self.wanted.get_mut(name) else { return false };
        *count = count.saturating_sub(1);
        if *count > 0 {
            return false;
        }
        self.wanted.remove(name);
        self.outstanding.remove(name);
        self.moved.insert(name.to_owned());
        true
    }

    /// Takes a wanted resource as absent.
    pub(crate) fn expire(&mut self, name: &str) {
        self.outstanding.remove(name);
    }

    /// How many wanted resources have not arrived.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Wanted names that have not arrived, sorted.
    pub(crate) fn outstanding_names(&self) -> impl Iterator<Item = &str> {
        self.outstanding.iter().map(String::as_str)
    }

    /// How many resources have a refused newest version.
    pub(crate) fn refused(&self) -> usize {
        self.entries.values().filter(|entry| entry.refused.is_some()).count()
    }

    /// The change of the wanted names since the last call.
    pub(crate) fn subscription(&mut self, type_url: &str) -> Option<Subscription> {
        let moved = std::mem::take(&mut self.moved);
        let (added, removed): (Vec<_>, Vec<_>) = moved.into_iter().partition(|name| self.wanted.contains_key(name));
        if added.is_empty() && removed.is_empty() {
            return None;
        }
        Some(Subscription { type_url: type_url.to_owned(), wildcard: false, added, removed })
    }
}

impl<M> Entry<M> {
    fn unknown() -> Self {
        Self { model: None, report: Report::default(), seen: None, refused: None }
    }
}
