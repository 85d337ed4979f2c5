//! The ADS protocol, state of the world, as a state machine: no network, no clock, no task.
//!
//! It holds the subscriptions, the versions and nonces, the answers that wait until the configuration is applied, and
//! the raw cache. The client feeds it what happens (a stream opens, a response comes, the receiver answers, time
//! passes) and asks what to send next. It never looks into a resource.
//!
//! Rules of the protocol that are kept here:
//! - An ACK or NACK is due only when the receiver says that the configuration is applied (or refused). Until then the
//!   answer is held; when it is released, the newest nonce of the type is the one answered.
//! - A NACK carries the version that was accepted last.
//! - The first request of a type on a stream has no nonce and the version accepted last; the first of all has the node.
//! - A type is never asked for with an empty list of names unless all of it is wanted.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::cache::Settled;
use crate::envelope::Envelope;
use crate::protocol::{Answer, Apply, ApplyState, StreamAnswer, Subscription};
use crate::subscription::{Outgoing, Reply, TypeState};
use crate::wire::Node;

/// A response whose answer is held.
#[derive(Debug)]
struct Held {
    type_index: usize,
    version: String,
    nonce: String,
    /// The stream it came on.
    stream: u64,
    reply: Reply,
}

/// What a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nobody asked for its type.
    Unsolicited,
    /// The first since names of its type were sent, that long ago.
    Answer(Duration),
    /// Sent because something changed.
    Pushed,
}

/// The protocol state of one client, over all its streams and ingest sessions.
#[derive(Debug)]
pub(crate) struct Session {
    node: Node,
    absent_after: Duration,
    /// In the order in which they were first subscribed to, which is an order to replay them in.
    types: Vec<TypeState>,
    held: Vec<Held>,
    /// Counts streams; nonces mean nothing on another one.
    stream: u64,
    open: bool,
    node_sent: bool,
    sequence: u64,
    flush_at: Option<Instant>,
}

impl Session {
    pub(crate) fn new(node: Node, absent_after: Duration) -> Self {
        Self {
            node,
            absent_after,
            types: Vec::new(),
            held: Vec::new(),
            stream: 0,
            open: false,
            node_sent: false,
            sequence: 0,
            flush_at: None,
        }
    }

    /// A new stream to the control plane: everything wanted must be asked for again.
    pub(crate) fn stream_opened(&mut self) {
        self.stream = self.stream.saturating_add(1);
        self.open = true;
        self.node_sent = false;
        self.types.iter_mut().for_each(TypeState::stream_opened);
    }

    pub(crate) fn stream_closed(&mut self) {
        self.open = false;
    }

    /// The receiver starts from nothing: sequence numbers and subscriptions start anew. A replay follows, and
    /// [`Self::replay_done`].
    pub(crate) fn ingest_opened(&mut self, subscribe: &[Subscription]) {
        self.sequence = 0;
        self.flush_at = None;
        self.types.iter_mut().for_each(TypeState::forget_wanted);
        self.change(subscribe);
    }

    /// Every response to tell a receiver that starts from nothing, in order.
    pub(crate) fn replay(&self) -> Vec<Bytes> {
        self.types.iter().flat_map(TypeState::replay).collect()
    }

    /// The answer to a replayed response: only the subscriptions in it are news.
    pub(crate) fn replay_answered(&mut self, answer: &StreamAnswer) {
        self.change(&answer.subscribe);
    }

    pub(crate) fn replay_done(&mut self) {
        self.types.iter_mut().for_each(|state| state.prune(None));
    }

    /// What a receiver that starts from nothing must be told to be absent.
    pub(crate) fn absent(&self) -> Vec<(String, Vec<String>)> {
        let of_type = |state: &TypeState| (state.type_url.clone(), state.absent());
        self.types.iter().map(of_type).filter(|(_, names)| !names.is_empty()).collect()
    }

    /// The number of the next message to the receiver.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }

    /// A response came: what it is to us.
    pub(crate) fn received(&mut self, envelope: &Envelope, now: Instant) -> Received {
        let Some(state) = self.types.iter_mut().find(|state| state.type_url == envelope.type_url) else {
            return Received::Unsolicited;
        };
        state.received(envelope, now).map_or(Received::Pushed, Received::Answer)
    }

    /// The receiver answered for a whole response.
    pub(crate) fn answered(&mut self, envelope: &Envelope, answer: &StreamAnswer, now: Instant) {
        self.subscribe(&answer.subscribe);
        if let Some(type_index) = self.types.iter().position(|state| state.type_url == envelope.type_url) {
            self.types.iter_mut().skip(type_index).take(1).for_each(|state| state.delivered(envelope));
            let detail = answer.error_detail.as_deref().unwrap_or("refused");
            let nack = answer.verdict == Answer::Nack;
            self.held.push(Held {
                type_index,
                version: envelope.version.clone(),
                nonce: envelope.nonce.clone(),
                stream: self.stream,
                reply: if nack { Reply::Nack(detail.to_owned()) } else { Reply::Ack },
            });
        }
        self.applied(&answer.apply, answer.error_detail.as_deref(), now);
    }

    /// The receiver answered for a part of a response, or for resources that did not come.
    pub(crate) fn subscribe(&mut self, changes: &[Subscription]) {
        self.change(changes);
        for change in changes.iter().filter(|change| !change.removed.is_empty()) {
            self.of_type(&change.type_url).prune(Some(&change.removed));
        }
    }

    /// How far the apply got: releases the answers that are held, or says when to flush.
    pub(crate) fn applied(&mut self, apply: &Apply, error: Option<&str>, now: Instant) {
        self.flush_at = apply.flush_after().and_then(|wait| now.checked_add(wait));
        match apply.state {
            ApplyState::Applied | ApplyState::Unchanged => self.release(None),
            ApplyState::Refused => {
                let reason = error.or(apply.message.as_deref()).unwrap_or("APISIX refused the configuration");
                self.release(Some(reason));
            }
            ApplyState::Waiting | ApplyState::Held | ApplyState::Deferred | ApplyState::Retry => {}
        }
    }

    fn release(&mut self, refusal: Option<&str>) {
        for held in std::mem::take(&mut self.held) {
            let (how, reply) = match (refusal, held.reply) {
                (Some(reason), _) => (Settled::Abandoned, Reply::Nack(reason.to_owned())),
                (None, Reply::Ack) => (Settled::Accepted, Reply::Ack),
                (None, nack) => (Settled::Refused, nack),
            };
            let current = self.open && held.stream == self.stream;
            if let Some(state) = self.types.get_mut(held.type_index) {
                state.settle(&held.version, &held.nonce, current, how, reply);
            }
        }
    }

    /// The receiver will never take this response.
    pub(crate) fn rejected(&mut self, envelope: &Envelope, reason: &str) {
        self.of_type(&envelope.type_url).reject(reason.to_owned());
    }

    /// The next request to send on the open stream.
    pub(crate) fn next_request(&mut self, now: Instant) -> Option<Outgoing> {
        if !self.open {
            return None;
        }
        let absent_after = self.absent_after;
        let mut outgoing = self.types.iter_mut().find_map(|state| state.request(now, absent_after))?;
        if !std::mem::replace(&mut self.node_sent, true) {
            outgoing.request.node = Some(self.node.clone());
        }
        Some(outgoing)
    }

    /// When something is to be done if nothing happens before.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        let expiry = self.types.iter().filter_map(TypeState::next_expiry).filter(|_| self.open).min();
        self.flush_at.into_iter().chain(expiry).min()
    }

    /// True once, when the time to flush has come.
    pub(crate) fn take_flush(&mut self, now: Instant) -> bool {
        self.flush_at.take_if(|at| *at <= now).is_some()
    }

    /// Wanted resources of one type whose time has run out.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<(String, Vec<String>)> {
        if !self.open {
            return None;
        }
        self.types.iter_mut().find_map(|state| {
            let names = state.take_expired(now);
            (!names.is_empty()).then(|| (state.type_url.clone(), names))
        })
    }

    fn change(&mut self, changes: &[Subscription]) {
        for change in changes {
            self.of_type(&change.type_url).change(change);
        }
    }

    fn of_type(&mut self, type_url: &str) -> &mut TypeState {
        let found = self.types.iter().position(|state| state.type_url == type_url);
        let index = found.unwrap_or_else(|| {
            self.types.push(TypeState::new(type_url));
            self.types.len().saturating_sub(1)
        });
        #[allow(clippy::indexing_slicing)] // Found, or pushed just now.
        &mut self.types[index]
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
