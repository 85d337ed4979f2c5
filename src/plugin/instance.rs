//! The state of one instance in this worker, and what each request does to it.
//!
//! Sans I/O: a request or the outcome of a call goes in, an answer or the next call comes out, and the time of day is an
//! argument. One call at most is under way; until its outcome is known nothing else changes the state.

use std::collections::BTreeMap;
use std::rc::Rc;

use amesh_standalone::{self as standalone, MergeError, Response};
use amesh_translator::{Answer as Ack, Translator, Verdict};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{Answer, Outcome, Report, State};
use crate::call::{Call, Job};
use crate::config::{Config, Mode};
use crate::pages;
use crate::request::{Endpoint, Request, bad_request};

/// Milliseconds since 1970; `None` where the host does not tell.
pub(crate) type Time = Option<u64>;

/// Milliseconds between two changes of the document: APISIX's workers tell documents apart by a time stamp in seconds.
const PUT_INTERVAL: u64 = 1_100;
/// The longest wait that is proposed after failures, in milliseconds.
const MAX_BACKOFF: u64 = 30_000;

/// What happens next.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The caller gets its answer.
    Answer(Answer),
    /// APISIX is called first; the job goes to [`Instance::resume`] with the outcome.
    Call(Job),
}

/// One instance in one worker.
pub(crate) struct Instance {
    pub(crate) config: Rc<Config>,
    pub(crate) translator: Translator,
    pub(crate) session: Option<String>,
    pub(crate) sequence: u64,
    /// What APISIX holds has been compared with what it should hold, in this session.
    compared: bool,
    pub(crate) record: Record,
}

/// What outlives a session.
#[derive(Default)]
pub(crate) struct Record {
    /// A call is under way.
    pub(crate) busy: bool,
    last_put: Time,
    /// Calls without success since the last one with it.
    failures: u32,
    pub(crate) last: Option<Outcome>,
    /// Messages by ACK and NACK.
    pub(crate) messages: [u64; 2],
    pub(crate) outcomes: BTreeMap<State, u64>,
}

impl Instance {
    /// An instance that has heard nothing.
    pub(crate) fn new(config: Rc<Config>, record: Record) -> Self {
        let translator = Translator::new(config.options());
        Self { config, translator, session: None, sequence: 0, compared: false, record }
    }

    /// Serves one request.
    pub(crate) fn handle(&mut self, config: &Rc<Config>, request: &Request, body: Bytes, now: Time) -> Reply {
        // A translator with other options has to hear everything again.
        let is_known = self.session.as_ref() == Some(&request.session) && self.config == *config;
        Reply::Answer(match request.endpoint {
            Endpoint::Status => pages::status(self),
            Endpoint::Config => pages::config(self),
            Endpoint::Diagnostics => pages::diagnostics(self),
            Endpoint::Metrics => pages::metrics(self),
            _ if self.record.busy => Answer::busy(),
            Endpoint::Session => self.open(config, &request.session),
            _ if !is_known => Answer::error(409, "unknown-session", "no such session in this worker: open one"),
            Endpoint::Stream => return self.ingest(request, body, now),
            Endpoint::Expire => return self.expire(&body, now),
            Endpoint::Flush => return self.settle(None, now),
        })
    }

    fn open(&mut self, config: &Rc<Config>, session: &str) -> Answer {
        *self = Self::new(Rc::clone(config), std::mem::take(&mut self.record));
        self.session = Some(session.to_owned());
        let subscribe = self.translator.open();
        Answer::json(&json!({ "session": session, "apply": { "mode": config.apply }, "subscribe": subscribe }))
    }

    fn ingest(&mut self, request: &Request, body: Bytes, now: Time) -> Reply {
        let expected = self.sequence.saturating_add(1);
        if request.sequence != expected {
            let message = format!("x-amesh-sequence should be {expected}: open a session");
            return Reply::Answer(Answer::error(409, "sequence-gap", &message));
        }
        self.sequence = expected;
        let verdict = self.translator.ingest(body, request.envelope);
        let [acks, nacks] = &mut self.record.messages;
        let counter = if verdict.verdict == Ack::Ack { acks } else { nacks };
        *counter = counter.saturating_add(1);
        if request.hold || request.envelope.more {
            return self.conclude(Some(verdict), State::Held, None, None);
        }
        self.settle(Some(verdict), now)
    }

    fn expire(&mut self, body: &[u8], now: Time) -> Reply {
        #[derive(Deserialize)]
        struct Absent {
            type_url: String,
            names: Vec<String>,
        }
        let Ok(Absent { type_url, names }) = serde_json::from_slice(body) else {
            return Reply::Answer(bad_request("the body must be {\"type_url\":\"...\",\"names\":[\"...\"]}"));
        };
        let verdict = self.translator.expire(&type_url, &names);
        self.settle(Some(verdict), now)
    }

    /// Applies what is pending, as far as that is possible now.
    fn settle(&mut self, verdict: Option<Verdict>, now: Time) -> Reply {
        let nothing = self.translator.pending().is_empty();
        let (state, wait) = match self.config.apply {
            _ if !self.translator.ready() => (State::Waiting, None),
            Mode::None if nothing => (State::Unchanged, None),
            Mode::None => (State::Applied, None),
            Mode::Standalone if nothing && self.compared => (State::Unchanged, None),
            Mode::Standalone => match self.wait(now) {
                None => return self.call(Call::Read, verdict),
                wait => (State::Deferred, wait),
            },
        };
        self.conclude(verdict, state, wait, None)
    }

    /// How long the next change has to wait. Without a clock, or after it was set back, it does not.
    fn wait(&self, now: Time) -> Option<u64> {
        let since = now?.checked_sub(self.record.last_put?)?;
        PUT_INTERVAL.checked_sub(since).filter(|wait| *wait > 0)
    }

    fn call(&mut self, call: Call, verdict: Option<Verdict>) -> Reply {
        self.record.busy = true;
        Reply::Call(Job { call, verdict })
    }

    /// The caller has gone before the outcome of its call was known. APISIX may have taken the change or not; the next
    /// comparison will tell.
    pub(crate) fn abort(&mut self) {
        (self.record.busy, self.compared) = (false, false);
    }

    /// Takes the outcome of a call, `None` for one that failed.
    pub(crate) fn resume(&mut self, job: Job, response: Option<&Response>, now: Time) -> Reply {
        let Job { call, verdict } = job;
        self.record.busy = false;
        if matches!(call, Call::Write { .. }) {
            // Also a call without an answer may have been carried out.
            self.record.last_put = now;
        }
        let Some(response) = response else { return self.retry(verdict, "the Admin API did not answer") };
        match (call, response.status) {
            (Call::Read, 200) => self.merge(verdict, &response.body, now),
            (Call::Write { last: true, .. }, 202 | 204) => self.applied(verdict),
            (Call::Write { .. }, 202 | 204) => self.conclude(verdict, State::Deferred, Some(PUT_INTERVAL), None),
            (Call::Write { .. }, 400) if !response.is_race() => self.refuse(verdict, &response.message()),
            _ => self.retry(verdict, &response.message()),
        }
    }

    fn merge(&mut self, verdict: Option<Verdict>, document: &[u8], now: Time) -> Reply {
        let instance = &self.config.instance;
        let plan = match standalone::plan(document, instance, |kind| self.translator.target(kind).collect()) {
            Ok(Some(plan)) => plan,
            Ok(None) => return self.applied(verdict),
            Err(error @ MergeError::Foreign { .. }) => return self.refuse(verdict, &error.to_string()),
            Err(error) => return self.retry(verdict, &error.to_string()),
        };
        let digest = format!("amesh-{instance}-{}-{}", plan.digest, now.unwrap_or_default());
        // Somebody else's change in this very second counts as well.
        if let Some(now) = now.filter(|now| plan.modified == now.checked_div(1_000)) {
            let rest = 1_010_u64.saturating_sub(now.checked_rem(1_000).unwrap_or_default());
            return self.conclude(verdict, State::Deferred, Some(rest), None);
        }
        // The caller may be gone before the outcome is known.
        self.record.last_put = now;
        self.call(Call::Write { body: plan.body, digest, last: plan.last }, verdict)
    }

    fn applied(&mut self, verdict: Option<Verdict>) -> Reply {
        (self.record.failures, self.compared) = (0, true);
        self.conclude(verdict, State::Applied, None, None)
    }

    fn retry(&mut self, verdict: Option<Verdict>, message: &str) -> Reply {
        let wait = 2_u64.saturating_pow(self.record.failures).saturating_mul(1_000).min(MAX_BACKOFF);
        self.record.failures = self.record.failures.saturating_add(1);
        self.conclude(verdict, State::Retry, Some(wait), Some(message.to_owned()))
    }

    fn refuse(&mut self, mut verdict: Option<Verdict>, message: &str) -> Reply {
        (self.record.failures, self.compared) = (0, true);
        if let Some(verdict) = &mut verdict {
            verdict.verdict = Ack::Nack;
            verdict.error_detail = Some(verdict.error_detail.take().map_or(String::new(), |it| it + "\n") + message);
        }
        self.conclude(verdict, State::Refused, None, Some(message.to_owned()))
    }

    /// Writes the answer and, with it written, settles the pending changes.
    #[allow(clippy::needless_pass_by_value)] // its callers are done with the verdict
    fn conclude(
        &mut self,
        verdict: Option<Verdict>,
        state: State,
        wait: Option<u64>,
        message: Option<String>,
    ) -> Reply {
        let pending = self.translator.pending();
        let (mode, upserts, deletes) = (self.config.apply, pending.upserts.len(), pending.deletes.len());
        let apply = Outcome { mode, state, retry_after_ms: wait, message, upserts, deletes };
        let changes = (mode == Mode::None && state == State::Applied).then_some(&pending);
        let answer = Answer::report(&Report { verdict: verdict.as_ref(), apply: &apply }, changes);
        match (state, &apply.message) {
            (State::Applied, _) => self.translator.commit(),
            (State::Refused, Some(reason)) => self.translator.abandon(reason),
            _ => {}
        }
        let count = self.record.outcomes.entry(state).or_default();
        *count = count.saturating_add(1);
        self.record.last = Some(apply);
        Reply::Answer(answer)
    }
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
