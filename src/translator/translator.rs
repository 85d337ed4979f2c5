//! The state machine: messages in, verdicts and change sets out.
//!
//! Every message is worked through in one go: its resources are converted one by one, a bad one is refused alone and
//! its last good version stays in force, then whatever depends on what has changed is planned anew.

mod absorb;
mod accept;
mod bind;
mod say;
mod settle;
mod state;

pub use state::{Envelope, Summary, TypeSummary, Variant};

use bytes::Bytes;

use crate::changes::{ChangeSet, Kind, Upsert};
use crate::diagnostic::{Code, Diagnostic};
use crate::intake::{self, Response};
use crate::options::Options;
use crate::resource_type::{ResourceType, message_name};
use crate::round::Round;
use crate::verdict::{Answer, Subscription, Verdict};
use state::State;

/// Keeps what a control plane said and what APISIX should hold because of it.
#[derive(Debug)]
pub struct Translator {
    options: Options,
    state: State,
}

impl Translator {
    /// A translator that has heard nothing.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, state: State::default() }
    }

    /// The subscriptions to begin with: all clusters and all listeners.
    pub fn open(&mut self) -> Vec<Subscription> {
        let wildcard = |kind: ResourceType| Subscription {
            type_url: kind.url().to_owned(),
            wildcard: true,
            added: Vec::new(),
            removed: Vec::new(),
        };
        ResourceType::ALL.into_iter().filter(|kind| kind.is_whole()).map(wildcard).collect()
    }

    /// Takes one response. A message that cannot be decoded changes nothing.
    pub fn ingest(&mut self, message: Bytes, envelope: Envelope) -> Verdict {
        let mut round = Round::default();
        let response = match self.envelope(message, envelope) {
            Ok(response) => response,
            Err((code, why)) => {
                round.error(code, String::new(), &why);
                return self.verdict(round, &Response::default());
            }
        };
        match ResourceType::from_url(&response.type_url) {
            Some(kind) => self.absorb(kind, &response, envelope, &mut round),
            None => unused(&response.type_url, &mut round),
        }
        self.verdict(round, &response)
    }

    fn envelope(&self, message: Bytes, envelope: Envelope) -> Result<Response, (Code, String)> {
        let (size, limit) = (message.len(), self.options.limits.message_bytes);
        if size > limit {
            let why = format!("the message has {size} bytes; the limit is {limit} (limits.message_bytes)");
            return Err((Code::LimitExceeded, why));
        }
        intake::response(message, envelope.variant)
            .map_err(|error| (Code::MessageInvalid, format!("the message cannot be decoded: {error}")))
    }

    /// Takes wanted resources as absent: their does-not-exist timer has run out (gRFC A57). Without names: the whole
    /// type.
    pub fn expire(&mut self, type_url: &str, names: &[String]) -> Verdict {
        let mut round = Round::default();
        if let Some(kind) = ResourceType::from_url(type_url) {
            self.state.expire(kind, names);
            self.settle(&mut round);
        }
        self.verdict(round, &Response { type_url: type_url.to_owned(), ..Response::default() })
    }

    fn verdict(&mut self, round: Round, response: &Response) -> Verdict {
        let error_detail = round.error_detail();
        Verdict {
            verdict: if error_detail.is_some() { Answer::Nack } else { Answer::Ack },
            type_url: response.type_url.clone(),
            version: response.version.clone(),
            nonce: response.nonce.clone(),
            error_detail,
            subscribe: self.state.subscriptions(),
            ready: self.ready(),
            outstanding: state::count(self.state.outstanding()),
            counts: round.counts,
            diagnostics: round.diagnostics(),
        }
    }

    /// True when everything that is referred to has arrived or is known to be absent.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.state.outstanding() == 0
    }

    /// The wanted resources that have not arrived: type URL and names; no names: the whole type.
    #[must_use]
    pub fn outstanding(&self) -> Vec<(String, Vec<String>)> {
        self.state.outstanding_names()
    }

    /// What has to change in APISIX since the last commit.
    #[must_use]
    pub fn pending(&self) -> ChangeSet<'_> {
        self.state.store.pending()
    }

    /// Says that APISIX has taken the pending changes.
    pub fn commit(&mut self) {
        self.state.abandoned = None;
        self.state.store.commit();
    }

    /// Says that APISIX has refused the pending changes for good: they are not offered again until they change.
    pub fn abandon(&mut self, reason: &str) {
        self.state.abandoned = Some(reason.to_owned());
        self.state.store.abandon();
    }

    /// Everything of one kind that should be in APISIX, pending changes included, by id.
    pub fn target(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        self.state.store.target(kind)
    }

    /// Everything of one kind as last committed, by id.
    pub fn applied(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        self.state.store.applied(kind)
    }

    /// Every diagnostic in force, by resource.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.state.diagnostics(&self.options.limits)
    }

    /// Counts and versions.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.state.summary()
    }
}

/// Resource types of the xDS protocol that are not translated yet.
const UNUSED_TYPES: [&str; 6] = [
    "envoy.config.route.v3.ScopedRouteConfiguration",
    "envoy.config.route.v3.VirtualHost",
    "envoy.config.endpoint.v3.LbEndpoint",
    "envoy.extensions.transport_sockets.tls.v3.Secret",
    "envoy.service.runtime.v3.Runtime",
    "envoy.config.core.v3.TypedExtensionConfig",
];

/// A type that Envoy has and that is not translated is no fault of the control plane; any other type is.
fn unused(type_url: &str, round: &mut Round) {
    if !UNUSED_TYPES.contains(&message_name(type_url)) {
        round.error(Code::TypeUnknown, String::new(), &format!("type URL {type_url:?} names no xDS resource"));
        return;
    }
    let mut report = crate::report::Report::default();
    report.add(Code::TypeUnused, "", "resources of this type are not translated yet");
    round.report(type_url.to_owned(), &crate::report::Place::ROOT, &report);
}
