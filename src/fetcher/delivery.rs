//! Gets messages to the receiver: in parts, again after a failure, and all of them again when it lost its state.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::envelope::Envelope;
use crate::event::{Event, EventSink};
use crate::ingest::{Ingest, IngestError, Part};
use crate::protocol::{Apply, ApplyState, SessionOpened, StreamAnswer};
use crate::session::Session;
use crate::split::split;

/// The client was told to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped;

/// Why a call has no answer in the end.
enum Failure {
    Stopped,
    /// The receiver lost its state, for this reason.
    Lost(String),
    /// The receiver will never take it, for this reason.
    Rejected(String),
}

impl From<Stopped> for Failure {
    fn from(Stopped: Stopped) -> Self {
        Failure::Stopped
    }
}

type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, IngestError>> + Send + 'a>>;

/// The receiver, and what is needed to talk to it.
pub(crate) struct Delivery<I> {
    ingest: I,
    events: EventSink,
    part_size: usize,
    stop: CancellationToken,
    /// The session that the receiver knows.
    id: String,
    backoff: Backoff,
    /// Present where the last session was lost before anything but its replay was delivered in it.
    lost: Option<Backoff>,
    last_call: Instant,
}

impl<I: Ingest> Delivery<I> {
    pub(crate) fn new(ingest: I, events: EventSink, part_size: usize) -> Self {
        Self {
            ingest,
            events,
            part_size,
            stop: CancellationToken::new(),
            id: String::new(),
            backoff: Backoff::default(),
            lost: None,
            last_call: Instant::now(),
        }
    }

    pub(crate) fn stop_with(&mut self, stop: CancellationToken) {
        self.stop = stop;
    }

    pub(crate) fn into_ingest(self) -> I {
        self.ingest
    }

    /// When the receiver must hear from us if nothing else is to be said.
    pub(crate) fn heartbeat_at(&self) -> Option<Instant> {
        self.ingest.heartbeat().and_then(|interval| self.last_call.checked_add(interval))
    }

    /// The first session, with nothing to tell yet.
    pub(crate) async fn open(&mut self, session: &mut Session) -> Result<(), Stopped> {
        self.open_session(session).await
    }

    /// Delivers one response, whatever it takes.
    pub(crate) async fn response(&mut self, session: &mut Session, envelope: &Envelope) -> Result<(), Stopped> {
        let started = Instant::now();
        loop {
            match self.message(session, envelope, false).await {
                Ok(answer) => {
                    self.lost = None;
                    session.answered(envelope, &answer, Instant::now());
                    self.tell(answer, started, false);
                    return Ok(());
                }
                Err(Failure::Stopped) => return Err(Stopped),
                // The replay only prepares: the response itself, which comes after it, has it applied.
                Err(Failure::Lost(reason)) => self.reopen(session, reason, true).await?,
                Err(Failure::Rejected(reason)) => {
                    session.rejected(envelope, &reason);
                    // Parts of it may have been taken.
                    return self.reopen(session, reason, false).await;
                }
            }
        }
    }

    /// Does what the time has come for.
    pub(crate) async fn timers(&mut self, session: &mut Session) -> Result<(), Stopped> {
        let now = Instant::now();
        while let Some((type_url, names)) = session.take_expired(now) {
            (self.events)(Event::Expired { type_url: type_url.clone(), names: names.clone() });
            let done = self.expire(session, type_url, names).await;
            self.recover(session, done).await?;
        }
        if session.take_flush(now) || self.heartbeat_at().is_some_and(|at| at <= now) {
            let done = self.flush(session).await;
            self.recover(session, done).await?;
        }
        Ok(())
    }

    async fn recover(&mut self, session: &mut Session, done: Result<(), Failure>) -> Result<(), Stopped> {
        match done {
            Ok(()) => {
                self.lost = None;
                Ok(())
            }
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Lost(reason) | Failure::Rejected(reason)) => self.reopen(session, reason, false).await,
        }
    }

    async fn expire(&mut self, session: &mut Session, type_url: String, names: Vec<String>) -> Result<(), Failure> {
        let (started, id) = (Instant::now(), self.id.clone());
        let answer = self
            .call(|ingest| {
                let (id, type_url, names) = (id.clone(), type_url.clone(), names.clone());
                Box::pin(async move { ingest.expire(&id, &type_url, &names).await })
            })
            .await?;
        session.subscribe(&answer.subscribe);
        session.applied(&answer.apply, answer.error_detail.as_deref(), Instant::now());
        self.tell(answer, started, false);
        Ok(())
    }

    async fn flush(&mut self, session: &mut Session) -> Result<(), Failure> {
        let (started, id) = (Instant::now(), self.id.clone());
        let answer = self
            .call(|ingest| {
                let id = id.clone();
                Box::pin(async move { ingest.flush(&id).await })
            })
            .await?;
        session.applied(&answer.apply, None, Instant::now());
        // A heartbeat finds nothing to apply, which is no news.
        if answer.apply.state != ApplyState::Unchanged {
            self.tell_apply(answer.apply, answer.changes, started);
        }
        Ok(())
    }

    /// A new session, told everything in the raw cache and what is absent. `hold`: something follows that has it
    /// applied; otherwise the last response of the replay does.
    async fn reopen(&mut self, session: &mut Session, reason: String, hold: bool) -> Result<(), Stopped> {
        let mut reason = reason;
        loop {
            if let Some(backoff) = &mut self.lost {
                let wait = backoff.next(fastrand::f64());
                self.wait(reason.clone(), wait).await?;
            }
            self.lost.get_or_insert_default();
            self.open_session(session).await?;
            match self.replay(session, &reason, hold).await {
                Ok(()) => return Ok(()),
                Err(Failure::Stopped) => return Err(Stopped),
                Err(Failure::Lost(again) | Failure::Rejected(again)) => reason = again,
            }
        }
    }

    async fn open_session(&mut self, session: &mut Session) -> Result<(), Stopped> {
        let opened: SessionOpened = loop {
            let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
            self.id.clone_from(&id);
            let answer = self
                .call(|ingest| {
                    let id = id.clone();
                    Box::pin(async move { ingest.session(&id).await })
                })
                .await;
            match answer {
                Ok(opened) => break opened,
                Err(Failure::Stopped) => return Err(Stopped),
                Err(Failure::Lost(reason) | Failure::Rejected(reason)) => self.pause(reason).await?,
            }
        };
        session.ingest_opened(&opened.subscribe);
        (self.events)(Event::SessionOpened { id: opened.session, mode: opened.apply.mode });
        Ok(())
    }

    async fn replay(&mut self, session: &mut Session, reason: &str, hold: bool) -> Result<(), Failure> {
        let messages = session.replay();
        (self.events)(Event::Replaying { reason: reason.to_owned(), messages: messages.len() });
        let mut left = messages.len();
        for message in messages {
            left = left.saturating_sub(1);
            self.replay_one(session, message, hold || left > 0).await?;
        }
        session.replay_done();
        for (type_url, names) in session.absent() {
            self.expire(session, type_url, names).await?;
        }
        Ok(())
    }

    async fn replay_one(&mut self, session: &mut Session, message: Bytes, hold: bool) -> Result<(), Failure> {
        let started = Instant::now();
        // It was read before it came into the cache.
        let Ok(envelope) = Envelope::read(message) else { return Ok(()) };
        let answer = self.message(session, &envelope, hold).await?;
        session.replay_answered(&answer);
        if !hold {
            session.applied(&answer.apply, answer.error_detail.as_deref(), Instant::now());
        }
        self.tell(answer, started, true);
        Ok(())
    }

    /// One response in as many parts as it needs; the answer is that for the last, with the subscriptions of all.
    async fn message(
        &mut self,
        session: &mut Session,
        envelope: &Envelope,
        hold: bool,
    ) -> Result<StreamAnswer, Failure> {
        let mut parts = split(envelope, self.part_size);
        let last = parts.pop().unwrap_or_default();
        let mut subscribe = Vec::new();
        for body in parts {
            subscribe.extend(self.part(session, body, true, hold).await?.subscribe);
        }
        let mut answer = self.part(session, last, false, hold).await?;
        subscribe.append(&mut answer.subscribe);
        Ok(StreamAnswer { subscribe, ..answer })
    }

    async fn part(
        &mut self,
        session: &mut Session,
        body: Bytes,
        more: bool,
        hold: bool,
    ) -> Result<StreamAnswer, Failure> {
        let part = Part { session: self.id.clone(), sequence: session.next_sequence(), more, hold, body };
        self.call(|ingest| {
            let part = part.clone();
            Box::pin(async move { ingest.stream(part).await })
        })
        .await
    }

    /// Makes one call until it is answered for good.
    async fn call<T>(
        &mut self,
        mut call: impl for<'a> FnMut(&'a mut I) -> Answering<'a, T> + Send,
    ) -> Result<T, Failure> {
        loop {
            let stop = self.stop.clone();
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Failure::Stopped),
                answer = call(&mut self.ingest) => answer,
            };
            self.last_call = Instant::now();
            match answer {
                Ok(answer) => {
                    self.backoff.reset();
                    return Ok(answer);
                }
                Err(IngestError::SessionLost(reason)) => return Err(Failure::Lost(reason)),
                Err(IngestError::Rejected(reason)) => return Err(Failure::Rejected(reason)),
                Err(IngestError::Busy { retry_after }) => self.wait("busy".to_owned(), retry_after).await?,
                Err(IngestError::Unavailable(reason)) => self.pause(reason).await?,
            }
        }
    }

    async fn pause(&mut self, reason: String) -> Result<(), Stopped> {
        let wait = self.backoff.next(fastrand::f64());
        self.wait(reason, wait).await
    }

    async fn wait(&mut self, reason: String, wait: Duration) -> Result<(), Stopped> {
        (self.events)(Event::IngestFailed { reason, wait });
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    fn tell(&self, mut answer: StreamAnswer, started: Instant, replayed: bool) {
        let (apply, changes) = (answer.apply.clone(), answer.changes.take());
        (self.events)(Event::Verdict { answer: Box::new(answer), elapsed: started.elapsed(), replayed });
        self.tell_apply(apply, changes, started);
    }

    fn tell_apply(&self, apply: Apply, changes: Option<Box<serde_json::value::RawValue>>, started: Instant) {
        (self.events)(Event::Apply { apply, changes, elapsed: started.elapsed() });
    }
}
