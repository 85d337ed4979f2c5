//! The ADS client: runs the protocol of [`Session`] between a control plane and a receiver.
//!
//! One task, one loop: it waits for the control plane, for a timer or for the order to stop, and handles one thing
//! after the other. While the receiver is at work nothing is read from the stream, so a slow receiver slows the
//! control plane down instead of filling memory. It stops at once when told to, also in the middle of a wait.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tonic::codec::Streaming;

use crate::backoff::Backoff;
use crate::config::ClientConfig;
use crate::delivery::{Delivery, Stopped};
use crate::envelope::Envelope;
use crate::event::{Event, EventSink};
use crate::ingest::Ingest;
use crate::session::{Received, Session};
use crate::subscription::Outgoing;
use crate::transport::{self, ConfigError, StreamError};
use crate::wire::DiscoveryRequest;

type Opening = Pin<Box<dyn Future<Output = Result<Streaming<Bytes>, StreamError>> + Send>>;

/// The stream to the control plane.
enum Link {
    /// None; the next attempt is due at this time.
    Down(Instant),
    /// Being opened.
    Opening(UnboundedSender<DiscoveryRequest>, Opening),
    /// Open.
    Up(UnboundedSender<DiscoveryRequest>, Box<Streaming<Bytes>>),
}

/// What the wait on a [`Link`] ends with.
enum LinkEvent {
    RetryDue,
    Opened(Box<Streaming<Bytes>>),
    Response(Bytes),
    Closed(StreamError),
}

impl Link {
    /// Waits for what comes next; may be dropped and called again without loss.
    async fn next(&mut self) -> LinkEvent {
        match self {
            Link::Down(at) => {
                tokio::time::sleep_until((*at).into()).await;
                LinkEvent::RetryDue
            }
            Link::Opening(_, opening) => match opening.await {
                Ok(stream) => LinkEvent::Opened(Box::new(stream)),
                Err(error) => LinkEvent::Closed(error),
            },
            Link::Up(_, stream) => match stream.message().await {
                Ok(Some(bytes)) => LinkEvent::Response(bytes),
                Ok(None) => {
                    LinkEvent::Closed(StreamError { reason: "ended by the control plane".into(), lasting: false })
                }
                Err(status) => LinkEvent::Closed(status.into()),
            },
        }
    }

    fn requests(&self) -> Option<&UnboundedSender<DiscoveryRequest>> {
        match self {
            Link::Down(_) => None,
            Link::Opening(requests, _) | Link::Up(requests, _) => Some(requests),
        }
    }
}

/// An ADS client, state of the world.
pub struct Client<I> {
    config: ClientConfig,
    session: Session,
    delivery: Delivery<I>,
    events: EventSink,
    backoff: Backoff,
    link: Link,
}

impl<I: Ingest> Client<I> {
    /// Checks the configuration; nothing is connected yet. Files it names must exist.
    pub fn new(config: ClientConfig, ingest: I, events: EventSink) -> Result<Self, ConfigError> {
        transport::prepare(&config)?;
        Ok(Self {
            session: Session::new(config.node.node(), config.absent_after),
            delivery: Delivery::new(ingest, events.clone(), config.part_size),
            events,
            backoff: Backoff::default(),
            link: Link::Down(Instant::now()),
            config,
        })
    }

    /// Runs until `stop` is cancelled, and gives the receiver back. Failures of the control plane, of the connection
    /// and of the receiver are told as events and tried again; none ends the client.
    pub async fn run(mut self, stop: CancellationToken) -> I {
        self.delivery.stop_with(stop.clone());
        // Err says that it was told to stop, which is the only way out.
        let _stopped = self.serve(&stop).await;
        self.link = Link::Down(Instant::now());
        (self.events)(Event::Stopped);
        self.delivery.into_ingest()
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Result<(), Stopped> {
        self.delivery.open(&mut self.session).await?;
        loop {
            self.send_requests();
            let timer = self.next_timer();
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Stopped),
                () = sleep_until(timer) => None,
                event = self.link.next() => Some(event),
            };
            match event {
                None => self.delivery.timers(&mut self.session).await?,
                Some(event) => self.handle(event).await?,
            }
        }
    }

    async fn handle(&mut self, event: LinkEvent) -> Result<(), Stopped> {
        match event {
            LinkEvent::RetryDue => self.connect(),
            LinkEvent::Opened(stream) => self.opened(stream),
            LinkEvent::Response(bytes) => return self.response(bytes).await,
            LinkEvent::Closed(error) => self.closed(&error),
        }
        Ok(())
    }

    fn connect(&mut self) {
        (self.events)(Event::Connecting { target: self.config.server.clone() });
        let (requests, receiver) = unbounded_channel();
        self.session.stream_opened();
        self.link = Link::Opening(requests, Box::pin(transport::open(self.config.clone(), receiver)));
    }

    fn opened(&mut self, stream: Box<Streaming<Bytes>>) {
        (self.events)(Event::Connected { target: self.config.server.clone() });
        let link = std::mem::replace(&mut self.link, Link::Down(Instant::now()));
        if let Link::Opening(requests, _) = link {
            self.link = Link::Up(requests, stream);
        }
    }

    fn closed(&mut self, error: &StreamError) {
        self.session.stream_closed();
        if error.lasting {
            self.backoff.give_time();
        }
        let wait = self.backoff.next(fastrand::f64());
        let now = Instant::now();
        self.link = Link::Down(now.checked_add(wait).unwrap_or(now));
        (self.events)(Event::Reconnecting { reason: error.reason.clone(), wait });
    }

    async fn response(&mut self, bytes: Bytes) -> Result<(), Stopped> {
        let envelope = match Envelope::read(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                // As gRPC itself does with a message that cannot be decoded: the stream is of no use any more.
                self.closed(&StreamError { reason: format!("a response is {error}"), lasting: true });
                return Ok(());
            }
        };
        self.backoff.reset();
        let elapsed = match self.session.received(&envelope, Instant::now()) {
            Received::Answer(elapsed) => Some(elapsed),
            Received::Pushed => None,
            Received::Unsolicited => {
                (self.events)(Event::Unsolicited { type_url: envelope.type_url });
                return Ok(());
            }
        };
        (self.events)(Event::Response {
            type_url: envelope.type_url.clone(),
            version: envelope.version.clone(),
            resources: envelope.resource_count(),
            bytes: envelope.bytes.len(),
            elapsed,
        });
        self.delivery.response(&mut self.session, &envelope).await
    }

    fn next_timer(&self) -> Option<Instant> {
        self.session.next_timer().into_iter().chain(self.delivery.heartbeat_at()).min()
    }

    /// Sends every request that is due.
    fn send_requests(&mut self) {
        while let Some(requests) = self.link.requests() {
            let Some(outgoing) = self.session.next_request(Instant::now()) else { return };
            let told = sent_events(&outgoing);
            // A closed channel means that the stream has ended, which the next wait finds out.
            if requests.send(outgoing.request).is_ok() {
                told.into_iter().flatten().for_each(|event| (self.events)(event));
            }
        }
    }
}

/// What a request means, for those who watch.
fn sent_events(outgoing: &Outgoing) -> [Option<Event>; 2] {
    let request = &outgoing.request;
    let type_url = || request.type_url.clone();
    let names = request.resource_names.iter().filter(|name| *name != "*").count();
    let subscribed = Event::Subscribed { type_url: type_url(), wildcard: outgoing.wildcard, names };
    let replied = match &request.error_detail {
        None => Event::Ack { type_url: type_url(), version: request.version_info.clone() },
        Some(status) => {
            let (version, detail) = (request.version_info.clone(), status.message.clone());
            Event::Nack { type_url: type_url(), version, detail }
        }
    };
    [outgoing.replies.then_some(replied), outgoing.subscribes.then_some(subscribed)]
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
