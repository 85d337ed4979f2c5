//! What was received of one type, kept as it came, so that a receiver that lost its state can be told again.
//!
//! A type that is wanted whole is its newest response. Of a type that is wanted by name a response may hold only some
//! resources, so each is kept under its name. What the receiver accepted is kept apart from what it refused and from
//! what it has not settled yet: a replay gives all three, in order, so that the last good version of a refused
//! resource survives.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::envelope::Envelope;
use crate::split::assemble;

/// How a response fared in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// All of it is in use.
    Accepted,
    /// Some of its resources were refused, the others are in use.
    Refused,
    /// None of it is in use, nor may be replayed.
    Abandoned,
}

/// The raw cache of one type.
#[derive(Debug, Default)]
pub(crate) struct TypeCache {
    accepted: Layer,
    refused: Layer,
    /// Delivered and not settled, oldest first.
    pending: VecDeque<Layer>,
}

impl TypeCache {
    /// Keeps a response that is delivered and not settled yet.
    pub(crate) fn put(&mut self, envelope: &Envelope, wildcard: bool, wanted: &BTreeSet<String>) {
        self.pending.push_back(Layer::of(envelope, wildcard, wanted));
    }

    /// The oldest response that is not settled is settled now.
    pub(crate) fn settle(&mut self, how: Settled) {
        let Some(layer) = self.pending.pop_front() else { return };
        match how {
            Settled::Accepted => {
                self.refused.give_way_to(&layer);
                self.accepted.overlay(layer);
            }
            Settled::Refused => self.refused.overlay(layer),
            Settled::Abandoned => {}
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.layers().any(|layer| layer.resources.contains_key(name))
    }

    /// Forgets the resources that are not wanted any more.
    pub(crate) fn retain(&mut self, wanted: &BTreeSet<String>) {
        self.layers_mut().for_each(|layer| layer.resources.retain(|name, _| wanted.contains(name)));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.layers_mut().for_each(|layer| drop(layer.resources.remove(name)));
    }

    /// The responses that tell a new receiver all of it, in order.
    pub(crate) fn replay<'a>(&'a self, type_url: &'a str) -> impl Iterator<Item = Bytes> + 'a {
        self.layers().filter_map(|layer| layer.message(type_url))
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        [&self.accepted, &self.refused].into_iter().chain(&self.pending)
    }

    fn layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        [&mut self.accepted, &mut self.refused].into_iter().chain(&mut self.pending)
    }
}

#[derive(Debug, Default)]
struct Layer {
    version: String,
    nonce: String,
    /// The newest response, where the type is wanted whole.
    whole: Option<Bytes>,
    /// Resource fields, key and length included, where it is wanted by name.
    resources: BTreeMap<String, Bytes>,
}

impl Layer {
    fn of(envelope: &Envelope, wildcard: bool, wanted: &BTreeSet<String>) -> Self {
        let mut layer = Self { version: envelope.version.clone(), nonce: envelope.nonce.clone(), ..Self::default() };
        if wildcard {
            layer.whole = Some(envelope.bytes.clone());
            return layer;
        }
        for (name, field) in envelope.named_resources() {
            if let Some(name) = name.filter(|name| wanted.contains(name)) {
                // A copy, so that one small resource does not keep a whole message in memory.
                layer.resources.insert(name, Bytes::copy_from_slice(&field));
            }
        }
        layer
    }

    fn overlay(&mut self, newer: Layer) {
        (self.version, self.nonce) = (newer.version, newer.nonce);
        self.whole = newer.whole.or(self.whole.take());
        self.resources.extend(newer.resources);
    }

    /// Drops what a newer response replaces.
    fn give_way_to(&mut self, newer: &Layer) {
        if newer.whole.is_some() {
            self.whole = None;
        }
        self.resources.retain(|name, _| !newer.resources.contains_key(name));
    }

    fn message(&self, type_url: &str) -> Option<Bytes> {
        if self.whole.is_some() {
            return self.whole.clone();
        }
        let resources = self.resources.values();
        (resources.len() > 0).then(|| assemble(&self.version, type_url, &self.nonce, resources))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prost::Message;

    use super::*;
    use crate::wire::{Any, DiscoveryResponse};

    fn envelope(version: &str, resources: &[(&str, &str)]) -> Envelope {
        let any = |(name, body): &(&str, &str)| {
            // Field 1 the name, field 2 the rest.
            let value = Any { type_url: (*name).into(), value: Bytes::copy_from_slice(body.as_bytes()) };
            Any { type_url: "t".into(), value: value.encode_to_vec().into() }
        };
        let resources = resources.iter().map(any).collect();
        let message =
            DiscoveryResponse { version_info: version.into(), resources, type_url: "t".into(), nonce: "n".into() };
        Envelope::read(message.encode_to_vec().into()).unwrap()
    }

    fn replayed(cache: &TypeCache) -> Vec<(String, Vec<(String, String)>)> {
        let read = |message: Bytes| {
            let message = DiscoveryResponse::decode(message).unwrap();
            let resource = |any: Any| {
                let inner = Any::decode(any.value).unwrap();
                (inner.type_url, String::from_utf8(inner.value.to_vec()).unwrap())
            };
            (message.version_info, message.resources.into_iter().map(resource).collect())
        };
        cache.replay("t").map(read).collect()
    }

    fn wanted(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn step(cache: &mut TypeCache, envelope: &Envelope, how: Settled) {
        cache.put(envelope, false, &wanted(&["a", "b"]));
        cache.settle(how);
    }

    #[test]
    fn keeps_the_last_good_version_beside_a_refused_one() {
        let mut cache = TypeCache::default();
        step(&mut cache, &envelope("1", &[("a", "1"), ("b", "1"), ("x", "1")]), Settled::Accepted);
        step(&mut cache, &envelope("2", &[("b", "bad")]), Settled::Refused);
        step(&mut cache, &envelope("3", &[("a", "3")]), Settled::Accepted);
        step(&mut cache, &envelope("4", &[("a", "4")]), Settled::Abandoned);
        let pair = |name: &str, body: &str| (name.to_owned(), body.to_owned());
        let expected =
            [("3".to_owned(), vec![pair("a", "3"), pair("b", "1")]), ("2".to_owned(), vec![pair("b", "bad")])];
        assert_eq!(replayed(&cache), expected);
        step(&mut cache, &envelope("5", &[("b", "5")]), Settled::Accepted);
        assert_eq!(replayed(&cache), [("5".to_owned(), vec![pair("a", "3"), pair("b", "5")])]);
        cache.retain(&wanted(&["b"]));
        assert!(cache.has("b") && !cache.has("a"));
    }

    #[test]
    fn a_type_wanted_whole_is_its_newest_response() {
        let mut cache = TypeCache::default();
        for (version, how) in [("1", Settled::Accepted), ("2", Settled::Accepted), ("3", Settled::Refused)] {
            cache.put(&envelope(version, &[("a", version)]), true, &BTreeSet::new());
            cache.settle(how);
        }
        let versions: Vec<_> = replayed(&cache).into_iter().map(|(version, _)| version).collect();
        assert_eq!(versions, ["2", "3"]);
        cache.put(&envelope("4", &[]), true, &BTreeSet::new());
        cache.settle(Settled::Accepted);
        assert_eq!(replayed(&cache), [("4".to_owned(), vec![])]);
    }
}
