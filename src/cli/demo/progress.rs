//! Follows the client's events until what was sent is in the file and acknowledged.

use super::story::Story;
use crate::exit::Failure;
use amesh_fetcher::protocol::ApplyState;
use amesh_fetcher::{CancellationToken, Event};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

pub(super) struct Progress {
    events: UnboundedReceiver<Event>,
    stop: CancellationToken,
    /// Types whose last response is not acknowledged.
    open: BTreeSet<String>,
    applied: bool,
    last_trouble: Option<String>,
}

impl Progress {
    pub(super) fn new(events: UnboundedReceiver<Event>, stop: &CancellationToken) -> Self {
        Self { events, stop: stop.clone(), open: BTreeSet::new(), applied: false, last_trouble: None }
    }

    /// Waits until something has been applied and every response is acknowledged; tells what happens meanwhile.
    pub(super) async fn until_settled(&mut self, story: &mut Story, patience: Duration) -> Result<(), Failure> {
        self.applied = false;
        let waiting = tokio::time::timeout(patience, self.settle(story));
        if let Ok(settled) = waiting.await {
            return settled;
        }
        let trouble = self.last_trouble.take().unwrap_or_else(|| "nothing was heard".to_owned());
        Err(Failure::Failed(format!("not done after {} s: {trouble}", patience.as_secs())))
    }

    async fn settle(&mut self, story: &mut Story) -> Result<(), Failure> {
        while !(self.applied && self.open.is_empty()) {
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = self.stop.cancelled() => None,
            };
            let event = event.ok_or_else(|| Failure::Failed("stopped before the end".to_owned()))?;
            story.event(&event);
            self.take(event)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Response { type_url, .. } => drop(self.open.insert(type_url)),
            Event::Ack { type_url, .. } => drop(self.open.remove(&type_url)),
            Event::Apply { apply, .. } => match apply.state {
                ApplyState::Applied => self.applied = true,
                ApplyState::Retry | ApplyState::Refused => self.last_trouble = apply.message,
                _ => {}
            },
            Event::Reconnecting { reason, .. } | Event::IngestFailed { reason, .. } => self.last_trouble = Some(reason),
            Event::Nack { type_url, detail, .. } => {
                return Err(Failure::Failed(format!("{} was refused: {detail}", crate::narrate::service(&type_url))));
            }
            _ => {}
        }
        Ok(())
    }
}
