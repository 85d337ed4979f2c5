//! The placement of an ordered list of routes in the path tree.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::Key;
use crate::vars::Expr;

/// One route of the list, in the order in which Envoy tries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The paths it may match, from [`super::path_keys`]; without keys it matches nothing.
    pub(crate) keys: Vec<Key>,
    /// It matches every request whose path one of its keys covers: there is no other condition at all.
    pub(crate) total: bool,
    /// Consecutive priorities to reserve, at least one; more if the route becomes several APISIX routes.
    pub(crate) slots: u32,
}

/// Where one route of the list goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// `uris`, sorted and distinct; empty if the route is unreachable.
    pub(crate) uris: Vec<String>,
    /// The highest priority reserved for it; it owns `slots` of them downwards. Priorities of a list begin at 1, so
    /// that 0 is left for the route that answers when none matches.
    pub(crate) priority: u32,
    /// A further condition on the path; [`Expr::True`] unless keys had to be cut short.
    pub(crate) condition: Expr,
    /// The route is unreachable because this earlier one takes all its requests.
    pub(crate) shadowed_by: Option<usize>,
}

/// Owners of each key, in ascending order.
type Nodes = BTreeMap<Key, Vec<usize>>;

/// Places the routes. `budget` is the number of uris that may be added to those the routes have themselves.
///
/// The cost is that of sorting the keys plus the uris written, times the number of cuts tried (a binary search over key
/// lengths) where the budget does not suffice.
#[must_use]
pub(crate) fn place(entries: &[Entry], budget: usize) -> Vec<Placed> {
    at_one_key(entries).unwrap_or_else(|| place_at_keys(entries, budget))
}

/// Where all routes have one and the same key, as those of most virtual hosts of a mesh do, they stand there in their
/// order, up to the first that takes everything. `None` where keys differ.
fn at_one_key(entries: &[Entry]) -> Option<Vec<Placed>> {
    let key = entries.first()?.keys.first()?;
    if !entries.iter().all(|entry| entry.keys.as_slice() == std::slice::from_ref(key)) {
        return None;
    }
    let last = entries.iter().position(|entry| entry.total);
    let placed = |(index, priority): (usize, u32)| {
        let shadowed_by = last.filter(|last| index > *last);
        let uris = if shadowed_by.is_none() { vec![key.to_uri()] } else { Vec::new() };
        Placed { uris, priority, condition: Expr::True, shadowed_by }
    };
    Some(priorities(entries).into_iter().enumerate().map(placed).collect())
}

/// Places routes of any keys.
pub(super) fn place_at_keys(entries: &[Entry], budget: usize) -> Vec<Placed> {
    let (nodes, shadows) = live_nodes(entries);
    let length = cut_length(&nodes, budget);
    let (nodes, mut conditions) = cut(nodes, length);
    let mut uris: Vec<BTreeSet<String>> = vec![BTreeSet::new(); entries.len()];
    let _: ControlFlow<()> = registrations(&nodes, |entry, key| {
        if let Some(uris) = uris.get_mut(entry) {
            uris.insert(key.to_uri());
        }
        ControlFlow::Continue(())
    });
    let mut placed = Vec::with_capacity(entries.len());
    for ((index, uris), priority) in uris.into_iter().enumerate().zip(priorities(entries)) {
        let shadowed_by = if uris.is_empty() { shadows.get(&index).copied() } else { None };
        let condition = conditions.remove(&index).map_or(Expr::True, Expr::any);
        placed.push(Placed { uris: uris.into_iter().collect(), priority, condition, shadowed_by });
    }
    placed
}

/// The first entry gets the highest priority.
fn priorities(entries: &[Entry]) -> Vec<u32> {
    let mut next = 0_u32;
    let mut priorities: Vec<u32> = Vec::with_capacity(entries.len());
    for entry in entries.iter().rev() {
        next = next.saturating_add(entry.slots.max(1));
        priorities.push(next);
    }
    priorities.reverse();
    priorities
}

/// The keys that are not wholly taken by an earlier entry, and for each entry that lost one, the last one that took.
fn live_nodes(entries: &[Entry]) -> (Nodes, BTreeMap<usize, usize>) {
    let mut nodes = Nodes::new();
    for (index, entry) in entries.iter().enumerate() {
        for key in &entry.keys {
            push_distinct(nodes.entry(key.clone()).or_default(), index);
        }
    }
    let is_total = |index: &&usize| entries.get(**index).is_some_and(|entry| entry.total);
    let mut shadows = BTreeMap::new();
    let mut chain: Vec<(Key, usize)> = Vec::new();
    nodes.retain(|key, owners| {
        while chain.last().is_some_and(|(cover, _)| !key.text().starts_with(cover.text())) {
            chain.pop();
        }
        let inherited = chain.last().map_or(usize::MAX, |(_, first)| *first);
        let first_total = owners.iter().find(is_total).copied().unwrap_or(usize::MAX).min(inherited);
        shadows.extend(owners.iter().filter(|owner| **owner > first_total).map(|owner| (*owner, first_total)));
        owners.retain(|owner| *owner <= first_total);
        if !key.is_exact() {
            chain.push((key.clone(), first_total));
        }
        !owners.is_empty()
    });
    (nodes, shadows)
}

fn push_distinct(owners: &mut Vec<usize>, index: usize) {
    if owners.last() != Some(&index) {
        owners.push(index);
    }
}

/// Calls `visit` for every pair of an entry and a key at which it is to be registered: its own keys, and those keys of
/// later entries that it covers.
fn registrations(nodes: &Nodes, mut visit: impl FnMut(usize, &Key) -> ControlFlow<()>) -> ControlFlow<()> {
    // Prefixes that cover the current key, the shortest first, each with its owners and the first owner of it and all
    // shorter ones.
    let mut chain: Vec<(&Key, &Vec<usize>, usize)> = Vec::new();
    for (key, owners) in nodes {
        while chain.last().is_some_and(|(cover, ..)| !key.text().starts_with(cover.text())) {
            chain.pop();
        }
        let last = owners.last().copied().unwrap_or_default();
        owners.iter().try_for_each(|owner| visit(*owner, key))?;
        let useful = chain.iter().rev().take_while(|(.., first)| *first < last);
        for (_, covering, _) in useful {
            covering.iter().take_while(|owner| **owner < last).try_for_each(|owner| visit(*owner, key))?;
        }
        if !key.is_exact() {
            let first = chain.last().map_or(usize::MAX, |(.., first)| *first);
            chain.push((key, owners, owners.first().copied().unwrap_or(usize::MAX).min(first)));
        }
    }
    ControlFlow::Continue(())
}

/// The registrations beyond the entries' own keys are not more than `budget`.
fn fits(nodes: &Nodes, budget: usize) -> bool {
    let own: usize = nodes.values().map(Vec::len).sum();
    let mut left = own.saturating_add(budget);
    let counted = registrations(nodes, |_, _| match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    });
    counted.is_continue()
}

/// A length of keys at which the budget suffices, as large as a binary search finds it.
fn cut_length(nodes: &Nodes, budget: usize) -> usize {
    if fits(nodes, budget) {
        return usize::MAX;
    }
    let longest = nodes.keys().map(|key| key.text().len()).max().unwrap_or(1);
    let (mut good, mut bad) = (1, longest);
    while bad.saturating_sub(good) > 1 {
        let middle = good.midpoint(bad);
        if fits(&cut(nodes.clone(), middle).0, budget) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// Cuts all keys to `length`. Entries of which a key was cut get the conditions of their former keys.
fn cut(nodes: Nodes, length: usize) -> (Nodes, BTreeMap<usize, Vec<Expr>>) {
    let mut conditions: BTreeMap<usize, Vec<Expr>> = BTreeMap::new();
    if length == usize::MAX {
        return (nodes, conditions);
    }
    let mut shorter: BTreeMap<Key, BTreeSet<usize>> = BTreeMap::new();
    let mut affected = BTreeSet::new();
    for (key, owners) in &nodes {
        let cut = key.cut(length);
        if cut != *key {
            affected.extend(owners.iter().copied());
        }
        shorter.entry(cut).or_default().extend(owners.iter().copied());
    }
    for (key, owners) in &nodes {
        for owner in owners.iter().filter(|owner| affected.contains(owner)) {
            conditions.entry(*owner).or_default().push(key.condition());
        }
    }
    (shorter.into_iter().map(|(key, owners)| (key, owners.into_iter().collect())).collect(), conditions)
}
