//! The state of one resource type on an ADS stream: what is wanted, what the server knows, what it must be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::cache::{Settled, TypeCache};
use crate::envelope::Envelope;
use crate::protocol::Subscription;
use crate::wire::{DiscoveryRequest, INVALID_ARGUMENT, Status};

/// What the server was told of the names wanted.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    wildcard: bool,
    names: BTreeSet<String>,
}

/// An answer to a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Ack,
    /// With the error detail.
    Nack(String),
}

/// One resource type.
#[derive(Debug)]
pub(crate) struct TypeState {
    pub(crate) type_url: String,
    pub(crate) wildcard: bool,
    wanted: BTreeSet<String>,
    /// On the current stream; `None`: nothing yet.
    sent: Option<Sent>,
    /// The names may differ from what was sent.
    touched: bool,
    accepted: String,
    nonce: String,
    /// The answer that is due.
    reply: Option<Reply>,
    /// Wanted, asked for and not received, each with the time from which on it counts as absent.
    missing: BTreeMap<String, Instant>,
    /// Counted as absent.
    expired: BTreeSet<String>,
    /// When names were last sent that were not answered since.
    asked: Option<Instant>,
    cache: TypeCache,
}

/// A request to send, and what it is for.
#[derive(Debug, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) request: DiscoveryRequest,
    /// The names wanted are new to the server.
    pub(crate) subscribes: bool,
    /// All of the type is wanted.
    pub(crate) wildcard: bool,
    /// It answers a response.
    pub(crate) replies: bool,
}

impl TypeState {
    pub(crate) fn new(type_url: &str) -> Self {
        Self {
            type_url: type_url.to_owned(),
            wildcard: false,
            wanted: BTreeSet::new(),
            sent: None,
            touched: false,
            accepted: String::new(),
            nonce: String::new(),
            reply: None,
            missing: BTreeMap::new(),
            expired: BTreeSet::new(),
            asked: None,
            cache: TypeCache::default(),
        }
    }

    /// The names wanted change; what is not wanted any more is forgotten.
    pub(crate) fn change(&mut self, subscription: &Subscription) {
        self.touched = true;
        self.wildcard |= subscription.wildcard;
        self.wanted.extend(subscription.added.iter().cloned());
        for name in &subscription.removed {
            self.wanted.remove(name);
        }
    }

    /// After [`Self::change`]: forgets what is not wanted any more. Not done in the middle of a replay, where the
    /// names wanted grow again from nothing.
    pub(crate) fn prune(&mut self, removed: Option<&[String]>) {
        let Some(removed) = removed else {
            self.cache.retain(&self.wanted);
            self.missing.retain(|name, _| self.wanted.contains(name));
            self.expired.retain(|name| self.wanted.contains(name));
            return;
        };
        for name in removed {
            self.cache.remove(name);
            self.missing.remove(name);
            self.expired.remove(name);
        }
    }

    /// Nothing is wanted until the new session says so.
    pub(crate) fn forget_wanted(&mut self) {
        self.wanted.clear();
        self.wildcard = false;
        self.touched = true;
    }

    pub(crate) fn stream_opened(&mut self) {
        self.sent = None;
        self.touched = true;
        self.nonce.clear();
        self.reply = None;
        self.asked = None;
        // Without a stream nothing can arrive: the time starts anew with the next request.
        self.missing.clear();
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wildcard || !self.wanted.is_empty()
    }

    /// A response came: the nonce is the newest from now on. Gives the time since the names were sent.
    pub(crate) fn received(&mut self, envelope: &Envelope, now: Instant) -> Option<Duration> {
        self.nonce.clone_from(&envelope.nonce);
        self.reply = None;
        self.asked.take().map(|asked| now.saturating_duration_since(asked))
    }

    /// The receiver has a response.
    pub(crate) fn delivered(&mut self, envelope: &Envelope) {
        self.cache.put(envelope, self.wildcard, &self.wanted);
        if self.missing.is_empty() && self.expired.is_empty() {
            return;
        }
        for name in envelope.named_resources().filter_map(|(name, _)| name) {
            self.missing.remove(&name);
            self.expired.remove(&name);
        }
    }

    /// The oldest response delivered is settled. `current`: it came on the stream that is open now.
    pub(crate) fn settle(&mut self, version: &str, nonce: &str, current: bool, how: Settled, reply: Reply) {
        self.cache.settle(how);
        if how == Settled::Accepted {
            version.clone_into(&mut self.accepted);
        }
        if current && nonce == self.nonce {
            self.reply = Some(reply);
        }
    }

    /// A response that was not delivered is answered with a NACK.
    pub(crate) fn reject(&mut self, reason: String) {
        self.reply = Some(Reply::Nack(reason));
    }

    /// The request that is due, if one is.
    pub(crate) fn request(&mut self, now: Instant, absent_after: Duration) -> Option<Outgoing> {
        let subscribes = self.names_differ();
        let reply = self.reply.take();
        if !subscribes && reply.is_none() {
            return None;
        }
        if subscribes {
            self.note_sent(now, absent_after);
        }
        Some(Outgoing { subscribes, wildcard: self.wildcard, replies: reply.is_some(), request: self.compose(reply) })
    }

    fn names_differ(&mut self) -> bool {
        if !std::mem::take(&mut self.touched) {
            return false;
        }
        match &self.sent {
            Some(sent) => sent.wildcard != self.wildcard || sent.names != self.wanted,
            // A first request without names would mean all.
            None => self.is_wanted(),
        }
    }

    fn note_sent(&mut self, now: Instant, absent_after: Duration) {
        self.asked = Some(now);
        self.sent = Some(Sent { wildcard: self.wildcard, names: self.wanted.clone() });
        let deadline = now.checked_add(absent_after).unwrap_or(now);
        for name in &self.wanted {
            if !self.expired.contains(name) && !self.cache.has(name) {
                self.missing.entry(name.clone()).or_insert(deadline);
            }
        }
    }

    fn compose(&self, reply: Option<Reply>) -> DiscoveryRequest {
        // Without names the list stays empty, which means all in the first request and is understood everywhere;
        // with names beside it the wildcard is written out.
        let star = (self.wildcard && !self.wanted.is_empty()).then(|| "*".to_owned());
        let error_detail = match reply {
            Some(Reply::Nack(message)) => Some(Status { code: INVALID_ARGUMENT, message }),
            Some(Reply::Ack) | None => None,
        };
        DiscoveryRequest {
            version_info: self.accepted.clone(),
            node: None,
            resource_names: star.into_iter().chain(self.wanted.iter().cloned()).collect(),
            type_url: self.type_url.clone(),
            response_nonce: self.nonce.clone(),
            error_detail,
        }
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.missing.values().min().copied()
    }

    /// The names whose time has run out; they count as absent from now on.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Vec<String> {
        let due = self.missing.iter().filter(|(_, deadline)| **deadline <= now);
        let names: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        self.missing.retain(|_, deadline| *deadline > now);
        self.expired.extend(names.iter().cloned());
        names
    }

    /// What counts as absent, for a receiver that must be told again.
    pub(crate) fn absent(&self) -> Vec<String> {
        self.expired.iter().cloned().collect()
    }

    pub(crate) fn replay(&self) -> Vec<bytes::Bytes> {
        self.cache.replay(&self.type_url).collect()
    }
}
