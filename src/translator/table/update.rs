//! A new version of a table: checked first, then put in force.
//!
//! Virtual hosts are told by the hashes of their bytes. What stands before the first and behind the last difference is
//! not looked at any further.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use amesh_xds::wire::envoy::config::route::v3 as wire;
use bytes::Bytes;

use super::domains::{Conflict, Domain};
use super::{Planned, Settings, Slot, Table, TableError, Unit};
use crate::hosts::has_host_key;
use crate::model::route::convert_virtual_host;
use crate::names::ContentHash;
use crate::options::Limits;
use crate::report::Report;

/// A checked update; nothing has changed yet.
#[derive(Debug)]
pub(crate) struct Update {
    settings: Settings,
    /// The part of the list that is replaced.
    places: Range<usize>,
    /// By what.
    slots: Vec<Slot>,
    /// Some virtual host's key is not its name.
    renamed: bool,
    gone: Vec<Arc<str>>,
    changed: Vec<(Arc<str>, Unit)>,
}

impl Update {
    /// The virtual hosts that are gone or become others.
    fn replaced(&self) -> BTreeSet<&str> {
        self.gone.iter().chain(self.changed.iter().map(|(key, _)| key)).map(|key| &**key).collect()
    }
}

/// What an update has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Everything has to be planned anew.
    pub(crate) all: bool,
    /// What virtual hosts share has to be planned anew.
    pub(crate) shared: bool,
    /// Units that have to be planned anew.
    pub(crate) units: BTreeSet<Arc<str>>,
    /// Units that are gone, with what was made of them.
    pub(crate) gone: Vec<(Arc<str>, Unit)>,
}

impl Table {
    /// Checks a new version against the one in force.
    pub(crate) fn prepare(
        &self,
        settings: Settings,
        config: &wire::RouteConfiguration,
        limits: &Limits,
    ) -> Result<Update, TableError> {
        let hosts = &config.virtual_hosts;
        let hashes: Vec<ContentHash> = hosts.iter().map(|bytes| ContentHash::of(bytes)).collect();
        let (places, slots, renamed) = self.slots(hosts, &hashes);
        let kept: BTreeSet<&Arc<str>> = slots.iter().map(|slot| &slot.key).collect();
        let old = self.slots.get(places.clone()).unwrap_or_default();
        let gone = old.iter().map(|slot| &slot.key).filter(|key| !kept.contains(key)).cloned().collect();
        let mut changed = Vec::new();
        for ((index, slot), bytes) in slots.iter().enumerate().zip(hosts.iter().skip(places.start)) {
            if self.units.get(&slot.key).is_none_or(|unit| unit.hash != slot.hash) {
                changed.push((slot.key.clone(), unit(slot.hash, bytes, index.saturating_add(places.start), limits)?));
            }
        }
        let update = Update { settings, places, slots, renamed, gone, changed };
        self.check_domains(&update)?;
        self.check_bodies(&update)?;
        Ok(update)
    }

    /// The part of the list that differs, what it becomes, and whether some key is not a name.
    fn slots(&self, hosts: &[Bytes], hashes: &[ContentHash]) -> (Range<usize>, Vec<Slot>, bool) {
        let same = |(slot, hash): &(&Slot, &ContentHash)| slot.hash == **hash;
        let head = self.slots.iter().zip(hashes).take_while(same).count();
        let shorter = self.slots.len().min(hashes.len());
        let rest = shorter.saturating_sub(head);
        let tail = self.slots.iter().rev().zip(hashes.iter().rev()).take(rest).take_while(same).count();
        let places = head..self.slots.len().saturating_sub(tail);
        let part = head..hosts.len().saturating_sub(tail);
        let (hosts_there, hashes_there) = (hosts.get(part.clone()), hashes.get(part));
        let named = self.named_slots(&places, hosts_there.unwrap_or_default(), hashes_there.unwrap_or_default());
        if let Some(slots) = named {
            return (places, slots, false);
        }
        let (mut taken, mut renamed) = (BTreeSet::new(), false);
        let keys = hosts.iter().enumerate().map(|(index, bytes)| {
            let name = name(bytes);
            let key = unique_key(&name, index, &mut taken);
            renamed |= *key != *name;
            key
        });
        let slots: Vec<Slot> = keys.zip(hashes).map(|(key, hash)| Slot { hash: *hash, key }).collect();
        (0..self.slots.len(), slots, renamed)
    }

    /// The slots of the virtual hosts that take some places; `None` where names alone do not tell virtual hosts apart.
    fn named_slots(&self, places: &Range<usize>, hosts: &[Bytes], hashes: &[ContentHash]) -> Option<Vec<Slot>> {
        let old = self.slots.get(places.clone()).filter(|_| !self.renamed)?;
        let in_place = old.len() == hosts.len();
        let mut slots: Vec<Slot> = Vec::with_capacity(hosts.len());
        for (index, (bytes, hash)) in hosts.iter().zip(hashes).enumerate() {
            let unchanged = old.get(index).filter(|slot| in_place && slot.hash == *hash);
            slots.push(unchanged.cloned().unwrap_or_else(|| Slot { hash: *hash, key: name(bytes).into() }));
        }
        let mut keys: Vec<&Arc<str>> = slots.iter().map(|slot| &slot.key).collect();
        keys.sort_unstable();
        let free: BTreeSet<&Arc<str>> = old.iter().map(|slot| &slot.key).collect();
        let taken = |key: &&Arc<str>| !free.contains(*key) && self.units.contains_key(*key);
        let twice = keys.iter().zip(keys.iter().skip(1)).any(|(one, other)| one == other);
        let told_apart = !twice && !keys.iter().any(taken);
        told_apart.then_some(slots)
    }

    fn check_domains(&self, update: &Update) -> Result<(), TableError> {
        let replaced = update.replaced();
        let claims =
            update.changed.iter().flat_map(|(key, unit)| unit.domains.iter().map(move |domain| (domain, &**key)));
        match self.domains.conflict(claims, &replaced) {
            None => Ok(()),
            Some(Conflict { domain, first, second }) => Err(TableError::DuplicateDomain {
                domain: domain.text.to_string(),
                first: first.to_owned(),
                second: second.to_owned(),
            }),
        }
    }

    /// Virtual hosts that stay are looked at only where less is allowed than before.
    fn check_bodies(&self, update: &Update) -> Result<(), TableError> {
        let limit = update.settings.largest_body;
        let lowered = (limit < self.settings.largest_body).then(|| update.replaced());
        let kept = lowered.map(|replaced| self.units.iter().filter(move |(key, _)| !replaced.contains(&***key)));
        let all = kept.into_iter().flatten().chain(update.changed.iter().map(|(key, unit)| (key, unit)));
        let long = all.filter_map(|(key, unit)| unit.host.longer_body(limit).map(|body| (key, body)));
        match long.min() {
            None => Ok(()),
            Some((key, (route, size))) => Err(TableError::Body { host: key.to_string(), route, size, limit }),
        }
    }

    /// Puts a checked update in force.
    pub(crate) fn apply(&mut self, update: Update) -> Changed {
        let mut changed = Changed { all: self.settings != update.settings, ..Changed::default() };
        self.settings = update.settings;
        let touched = update.gone.iter().chain(update.changed.iter().map(|(key, _)| key));
        let mut around: BTreeSet<Arc<str>> = touched.flat_map(|key| self.neighbours(key)).cloned().collect();
        for key in update.gone {
            changed.gone.extend(self.remove(&key, &mut changed.shared).map(|unit| (key, unit)));
        }
        changed.units = update.changed.iter().map(|(key, _)| key.clone()).collect();
        self.replace(update.changed, &mut changed.shared);
        around.extend(changed.units.iter().flat_map(|key| self.neighbours(key)).cloned());
        changed.units.extend(around.into_iter().filter(|key| self.units.contains_key(key)));
        changed.shared |= self.settings.host_variable.is_some();
        if self.any_ports > 0 {
            changed.shared = true;
            changed.units.extend(self.units.iter().filter(|(_, unit)| unit.has_any_port).map(|(key, _)| key.clone()));
        }
        self.renamed = update.renamed;
        self.place(update.places, update.slots);
        changed
    }

    /// Puts changed virtual hosts in the place of their last versions.
    fn replace(&mut self, changed: Vec<(Arc<str>, Unit)>, shared: &mut bool) {
        let mut claims = Vec::new();
        let mut units = Vec::with_capacity(changed.len());
        for (key, mut unit) in changed {
            *shared |= unit.is_shared();
            if let Some(old) = self.remove(&key, shared) {
                unit.planned = old.planned;
            }
            claims.extend(unit.domains.iter().map(|domain| (domain.clone(), key.clone())));
            self.any_ports = self.any_ports.saturating_add(usize::from(unit.has_any_port));
            units.push((key, unit));
        }
        self.domains.extend(claims);
        self.units.extend(units);
    }

    fn remove(&mut self, key: &str, shared: &mut bool) -> Option<Unit> {
        let unit = self.units.remove(key)?;
        *shared |= unit.is_shared();
        self.any_ports = self.any_ports.saturating_sub(usize::from(unit.has_any_port));
        self.domains.remove(&unit.domains, key);
        Some(unit)
    }

    /// Brings the list, and the places that units know, up to date.
    fn place(&mut self, places: Range<usize>, slots: Vec<Slot>) {
        let (start, length) = (places.start, slots.len());
        let end = places.end.min(self.slots.len());
        let places = start.min(end)..end;
        let moved = if places.len() == length { length } else { usize::MAX };
        self.slots.splice(places, slots);
        for (index, slot) in self.slots.iter().enumerate().skip(start).take(moved) {
            if let Some(unit) = self.units.get_mut(&slot.key) {
                unit.index = index;
            }
        }
    }
}

fn name(bytes: &Bytes) -> String {
    crate::intake::peek_name(bytes).unwrap_or_default()
}

/// The virtual host's name; where several have one name, the later ones get their place added.
fn unique_key(name: &str, index: usize, keys: &mut BTreeSet<Arc<str>>) -> Arc<str> {
    let mut key: Arc<str> = name.into();
    while !keys.insert(key.clone()) {
        key = format!("{key}#{index}").into();
    }
    key
}

fn unit(hash: ContentHash, bytes: &Bytes, index: usize, limits: &Limits) -> Result<Unit, TableError> {
    let mut report = Report::default();
    let host = convert_virtual_host(bytes, limits, &mut report).map_err(|error| TableError::VirtualHost {
        index,
        name: name(bytes),
        error,
    })?;
    let domains = host.domains.iter().map(|domain| Domain::new(domain)).collect();
    let is_sharing = !host.domains.iter().all(|domain| has_host_key(domain));
    let has_any_port = host.domains.iter().any(|domain| domain.ends_with(":*"));
    Ok(Unit { hash, domains, index, is_sharing, has_any_port, host, report, planned: Planned::default() })
}
