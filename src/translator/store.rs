//! The APISIX resources that should exist, beside those that APISIX has taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::changes::{ChangeSet, Delete, Kind, Upsert};
use crate::names::revision;

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    json: Box<str>,
    revision: u64,
}

/// What should be, what is, and what APISIX would not take.
#[derive(Debug, Default)]
struct Slot {
    target: Option<Version>,
    committed: Committed,
    /// Revision of a target that APISIX refused for good.
    abandoned: Option<u64>,
}

/// What APISIX holds. `Same` spares a second copy of almost everything.
#[derive(Debug, Default)]
enum Committed {
    #[default]
    Nothing,
    Same,
    Other(Version),
}

impl Slot {
    fn set(&mut self, target: Option<Version>) {
        if let Committed::Same = self.committed {
            let old = std::mem::replace(&mut self.target, target);
            self.committed = old.map_or(Committed::Nothing, Committed::Other);
        } else {
            self.target = target;
        }
        if let (Committed::Other(committed), Some(target)) = (&self.committed, &self.target)
            && committed == target
        {
            self.committed = Committed::Same;
        }
    }

    fn commit(&mut self) {
        self.abandoned = None;
        self.committed = if self.target.is_some() { Committed::Same } else { Committed::Nothing };
    }

    fn is_committed(&self) -> bool {
        matches!((&self.target, &self.committed), (Some(_), Committed::Same) | (None, Committed::Nothing))
    }

    /// APISIX has refused the target for good.
    fn is_refused(&self) -> bool {
        self.target.as_ref().is_some_and(|target| self.abandoned == Some(target.revision))
    }

    /// To be offered to APISIX. While something stands refused nothing is deleted: the old version of what was refused
    /// may refer to it.
    fn is_pending(&self, refused: bool) -> bool {
        !self.is_committed() && !self.is_refused() && (self.target.is_some() || !refused)
    }

    /// What APISIX should hold now: the target, or what it has while the target cannot be had.
    fn wanted(&self, refused: bool) -> Option<&Version> {
        if self.is_committed() || self.is_pending(refused) { self.target.as_ref() } else { self.applied() }
    }

    fn applied(&self) -> Option<&Version> {
        match &self.committed {
            Committed::Nothing => None,
            Committed::Same => self.target.as_ref(),
            Committed::Other(version) => Some(version),
        }
    }
}

/// All resources of all kinds. A change costs in proportion to itself, whatever else is stored.
#[derive(Debug, Default)]
pub(crate) struct Store {
    slots: BTreeMap<(Kind, Box<str>), Slot>,
    /// Keys whose target and committed versions may differ.
    dirty: BTreeSet<(Kind, Box<str>)>,
}

impl Store {
    /// Says what a resource should be.
    pub(crate) fn put(&mut self, kind: Kind, id: &str, json: Box<str>) {
        let version = Version { revision: revision(&json), json };
        let key = (kind, Box::from(id));
        let slot = self.slots.entry(key.clone()).or_default();
        if slot.target.as_ref() != Some(&version) {
            slot.set(Some(version));
            let committed = slot.is_committed();
            self.note(key, committed);
        }
    }

    /// Says that a resource should not be.
    pub(crate) fn remove(&mut self, kind: Kind, id: &str) {
        let key = (kind, Box::from(id));
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.set(None);
            let committed = slot.is_committed();
            self.note(key, committed);
        }
    }

    /// Keeps track of what is to be committed after a slot was set.
    fn note(&mut self, key: (Kind, Box<str>), committed: bool) {
        if committed {
            self.settle(&key);
        } else {
            self.dirty.insert(key);
        }
    }

    fn settle(&mut self, key: &(Kind, Box<str>)) {
        self.dirty.remove(key);
        if self.slots.get(key).is_some_and(|slot| slot.target.is_none()) {
            self.slots.remove(key);
        }
    }

    /// Something that should be in APISIX stands refused.
    fn has_refused(&self) -> bool {
        self.dirty.iter().any(|key| self.slots.get(key).is_some_and(Slot::is_refused))
    }

    /// What has to change in APISIX.
    pub(crate) fn pending(&self) -> ChangeSet<'_> {
        let refused = self.has_refused();
        let mut changes = ChangeSet::default();
        for key in &self.dirty {
            let Some(slot) = self.slots.get(key).filter(|slot| slot.is_pending(refused)) else { continue };
            match &slot.target {
                Some(version) => changes.upserts.push(upsert(key.0, &key.1, version)),
                None => changes.deletes.push(Delete { kind: key.0, id: &key.1 }),
            }
        }
        changes.deletes.sort_by_key(|delete| std::cmp::Reverse(delete.kind));
        changes
    }

    /// How many resources differ from what APISIX holds.
    pub(crate) fn pending_count(&self) -> usize {
        let refused = self.has_refused();
        self.dirty.iter().filter(|key| self.slots.get(*key).is_some_and(|slot| slot.is_pending(refused))).count()
    }

    /// APISIX has taken what was pending.
    pub(crate) fn commit(&mut self) {
        let refused = self.has_refused();
        for key in std::mem::take(&mut self.dirty) {
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            if slot.is_pending(refused) {
                slot.commit();
                self.settle(&key);
            } else {
                self.dirty.insert(key);
            }
        }
    }

    /// APISIX has refused what was pending: it is not offered again until it changes.
    pub(crate) fn abandon(&mut self) {
        for key in &self.dirty {
            if let Some(slot) = self.slots.get_mut(key) {
                slot.abandoned = slot.target.as_ref().map(|target| target.revision);
            }
        }
    }

    /// What APISIX should hold of one kind, by id.
    pub(crate) fn target(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        let refused = self.has_refused();
        self.of(kind).filter_map(move |(id, slot)| Some(upsert(kind, id, slot.wanted(refused)?)))
    }

    /// What APISIX holds of one kind, by id.
    pub(crate) fn applied(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        self.of(kind).filter_map(move |(id, slot)| Some(upsert(kind, id, slot.applied()?)))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &Slot)> {
        let start = (kind, Box::from(""));
        let slots = self.slots.range(start..).take_while(move |((k, _), _)| *k == kind);
        slots.map(|((_, id), slot)| (&**id, slot))
    }
}

fn upsert<'a>(kind: Kind, id: &'a str, version: &'a Version) -> Upsert<'a> {
    Upsert { kind, id, json: &version.json, revision: version.revision }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Store};

    fn state(store: &Store) -> (Vec<String>, Vec<String>, Vec<String>) {
        let pending = store.pending();
        let upserts = pending.upserts.iter().map(|u| u.json.to_owned()).collect();
        let deletes = pending.deletes.iter().map(|d| d.id.to_owned()).collect();
        (upserts, deletes, store.applied(Kind::Routes).map(|u| u.json.to_owned()).collect())
    }

    fn texts(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    #[test]
    fn a_change_is_pending_until_committed() {
        let mut store = Store::default();
        store.put(Kind::Routes, "r", "1".into());
        assert_eq!(state(&store), (texts(&["1"]), vec![], vec![]));
        store.commit();
        assert_eq!(state(&store), (vec![], vec![], texts(&["1"])));
        store.put(Kind::Routes, "r", "2".into());
        assert_eq!(state(&store), (texts(&["2"]), vec![], texts(&["1"])));
        store.put(Kind::Routes, "r", "1".into());
        assert_eq!(state(&store), (vec![], vec![], texts(&["1"])));
        store.remove(Kind::Routes, "r");
        assert_eq!(state(&store), (vec![], texts(&["r"]), texts(&["1"])));
        store.commit();
        assert_eq!(state(&store), (vec![], vec![], vec![]));
        assert!(store.slots.is_empty() && store.dirty.is_empty());
    }

    #[test]
    fn what_was_refused_is_not_offered_again() {
        let mut store = Store::default();
        store.put(Kind::Routes, "r", "1".into());
        store.commit();
        store.put(Kind::Routes, "r", "bad".into());
        store.abandon();
        assert_eq!(state(&store), (vec![], vec![], texts(&["1"])));
        assert_eq!(store.target(Kind::Routes).map(|u| u.json).collect::<Vec<_>>(), ["1"]);
        store.put(Kind::Routes, "other", "3".into());
        store.commit();
        assert_eq!(store.pending_count(), 0);
        store.put(Kind::Routes, "r", "good".into());
        assert_eq!(state(&store).0, texts(&["good"]));
    }

    #[test]
    fn what_a_refused_version_would_have_replaced_is_kept() {
        let mut store = Store::default();
        store.put(Kind::Upstreams, "old", "1".into());
        store.put(Kind::Routes, "r", "to old".into());
        store.commit();
        store.put(Kind::Routes, "r", "bad".into());
        store.remove(Kind::Upstreams, "old");
        store.abandon();
        assert!(store.pending().is_empty());
        assert_eq!(store.target(Kind::Upstreams).count(), 1);
        store.put(Kind::Routes, "r", "good".into());
        assert_eq!(state(&store), (texts(&["good"]), texts(&["old"]), texts(&["to old"])));
        store.commit();
        assert_eq!(store.target(Kind::Upstreams).count(), 0);
    }

    #[test]
    fn a_resource_that_comes_and_goes_leaves_nothing() {
        let mut store = Store::default();
        store.put(Kind::Upstreams, "u", "1".into());
        store.remove(Kind::Upstreams, "u");
        assert!(store.pending().is_empty());
        assert!(store.slots.is_empty() && store.dirty.is_empty());
    }
}
