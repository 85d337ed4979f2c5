//! What the module translates, kept as the apisix.yaml that APISIX's standalone mode watches.
//!
//! The file is written before the fetcher is told that a change is applied, so that a control plane hears an ACK only
//! when the configuration is where APISIX reads it.

use crate::files;
use amesh_batch::{Document, Form};
use amesh_fetcher::protocol::{Apply, ApplyState, FlushAnswer, SessionOpened, StreamAnswer};
use amesh_fetcher::{Ingest, IngestError, Part};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// APISIX looks at the file's time in whole seconds: of two changes within one it would miss the second.
const BETWEEN_WRITES: Duration = Duration::from_millis(1010);
/// How long until a file that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Resources of one kind: id to JSON text.
pub(crate) type Resources = BTreeMap<String, String>;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) upstreams: Resources,
    pub(crate) routes: Resources,
}

impl Configuration {
    fn document(&self) -> Document<'_> {
        let Self { upstreams, routes } = self;
        Document {
            upstreams: upstreams.values().map(String::as_str).collect(),
            routes: routes.values().map(String::as_str).collect(),
        }
    }

    fn of_kind(&mut self, kind: &str) -> Option<&mut Resources> {
        match kind {
            "upstreams" => Some(&mut self.upstreams),
            "routes" => Some(&mut self.routes),
            _ => None,
        }
    }

    fn take(&mut self, changes: Changes) {
        for Upsert { kind, id, value } in changes.upserts {
            self.of_kind(&kind).map(|resources| resources.insert(id, value.get().to_owned()));
        }
        for Delete { kind, id } in changes.deletes {
            self.of_kind(&kind).map(|resources| resources.remove(&id));
        }
    }
}

/// A change set as the ingest protocol has it.
#[derive(Deserialize)]
struct Changes {
    upserts: Vec<Upsert>,
    deletes: Vec<Delete>,
}

#[derive(Deserialize)]
struct Upsert {
    kind: String,
    id: String,
    value: Box<RawValue>,
}

#[derive(Deserialize)]
struct Delete {
    kind: String,
    id: String,
}

/// A receiver whose changes go to a file.
pub(crate) struct FileSink<I> {
    inner: I,
    path: PathBuf,
    configuration: Configuration,
    /// The file may not hold the configuration.
    dirty: bool,
    /// Upserts and deletes since it was written.
    changed: (u32, u32),
    written: Option<Instant>,
    watcher: Box<dyn Fn(&Configuration) + Send>,
}

impl<I: Ingest> FileSink<I> {
    /// Writes to `path`; tells `watcher` what was written.
    pub(crate) fn new(inner: I, path: PathBuf, watcher: impl Fn(&Configuration) + Send + 'static) -> Self {
        let configuration = Configuration::default();
        Self { inner, path, configuration, dirty: false, changed: (0, 0), written: None, watcher: Box::new(watcher) }
    }

    /// Takes an answer's changes, and makes the answer say whether they are in the file.
    fn settle(&mut self, apply: &mut Apply, changes: Option<&RawValue>) -> Result<(), IngestError> {
        if let Some(changes) = changes {
            let changes: Changes = serde_json::from_str(changes.get())
                .map_err(|error| IngestError::Unavailable(format!("the change set cannot be read: {error}")))?;
            self.configuration.take(changes);
            self.dirty = true;
            let (upserts, deletes) = self.changed;
            self.changed = (upserts.saturating_add(apply.upserts), deletes.saturating_add(apply.deletes));
        }
        if self.dirty && matches!(apply.state, ApplyState::Applied | ApplyState::Unchanged) {
            self.write_when_due(apply);
        }
        Ok(())
    }

    fn write_when_due(&mut self, apply: &mut Apply) {
        let since = self.written.map_or(BETWEEN_WRITES, |written| written.elapsed());
        let left = BETWEEN_WRITES.saturating_sub(since);
        if !left.is_zero() {
            later(apply, ApplyState::Deferred, left);
            return;
        }
        match self.write() {
            Ok(()) => {
                apply.state = ApplyState::Applied;
                (apply.upserts, apply.deletes) = std::mem::take(&mut self.changed);
            }
            Err(why) => {
                later(apply, ApplyState::Retry, RETRY);
                apply.message = Some(format!("{}: {why}", self.path.display()));
            }
        }
    }

    fn write(&mut self) -> Result<(), String> {
        let text = self.configuration.document().render(Form::Yaml).map_err(|error| error.to_string())?;
        // After a restart the same configuration must not make APISIX read it again.
        if !std::fs::read(&self.path).is_ok_and(|old| old == text.as_bytes()) {
            files::write(&self.path, text.as_bytes()).map_err(|error| error.to_string())?;
            self.written = Some(Instant::now());
        }
        self.dirty = false;
        (self.watcher)(&self.configuration);
        Ok(())
    }
}

fn later(apply: &mut Apply, state: ApplyState, wait: Duration) {
    apply.state = state;
    // Rounded up: a flush that comes too early would only be put off again.
    apply.retry_after_ms = u64::try_from(wait.as_millis()).ok().map(|ms| ms.saturating_add(1));
}

#[async_trait]
impl<I: Ingest> Ingest for FileSink<I> {
    /// A new session tells everything again; the file keeps what it has until that is complete.
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError> {
        let opened = self.inner.session(id).await?;
        self.configuration = Configuration::default();
        self.dirty = true;
        self.changed = (0, 0);
        Ok(opened)
    }

    async fn stream(&mut self, part: Part) -> Result<StreamAnswer, IngestError> {
        let mut answer = self.inner.stream(part).await?;
        self.settle(&mut answer.apply, answer.changes.as_deref())?;
        Ok(answer)
    }

    async fn flush(&mut self, session: &str) -> Result<FlushAnswer, IngestError> {
        let mut answer = self.inner.flush(session).await?;
        self.settle(&mut answer.apply, answer.changes.as_deref())?;
        Ok(answer)
    }

    async fn expire(&mut self, session: &str, type_url: &str, names: &[String]) -> Result<StreamAnswer, IngestError> {
        let mut answer = self.inner.expire(session, type_url, names).await?;
        self.settle(&mut answer.apply, answer.changes.as_deref())?;
        Ok(answer)
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.inner.heartbeat()
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
