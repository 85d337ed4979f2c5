//! The state machine: messages in, verdicts and change sets out. (Signatures first; the body follows.)

use bytes::Bytes;
use serde::Serialize;

use crate::changes::{ChangeSet, Kind, Upsert};
use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::verdict::{Answer, Counts, Subscription, Verdict};

/// Which of the two xDS protocol variants a message belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// State of the world: `envoy.service.discovery.v3.DiscoveryResponse`.
    #[default]
    Sotw,
    /// Incremental: `envoy.service.discovery.v3.DeltaDiscoveryResponse`.
    Delta,
}

/// What the transport knows about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The protocol variant.
    pub variant: Variant,
    /// More parts of the same state-of-the-world response follow.
    pub more: bool,
}

/// The state of one resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeSummary {
    /// The type URL.
    pub type_url: String,
    /// The last version that was ingested.
    pub version: String,
    /// Resources in force.
    pub resources: u32,
    /// Wanted resources that have not arrived.
    pub outstanding: u32,
    /// Resources whose newest version was refused.
    pub refused: u32,
}

/// The state of a translator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// One entry a type.
    pub types: Vec<TypeSummary>,
    /// Routes that should be in APISIX.
    pub routes: u32,
    /// Upstreams that should be in APISIX.
    pub upstreams: u32,
    /// Upserts and deletes that are not committed.
    pub pending: u32,
}

/// Keeps what a control plane said and what APISIX should hold because of it.
#[derive(Debug)]
pub struct Translator {
    options: Options,
}

impl Translator {
    /// A translator that has heard nothing.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// The subscriptions to begin with: all listeners and all clusters.
    pub fn open(&mut self) -> Vec<Subscription> {
        Vec::new()
    }

    /// Takes one response. State changes only as far as the verdict says; a broken message changes nothing.
    pub fn ingest(&mut self, message: Bytes, envelope: Envelope) -> Verdict {
        let _ = (message, envelope, &self.options);
        Verdict {
            verdict: Answer::Ack,
            type_url: String::new(),
            version: String::new(),
            nonce: String::new(),
            error_detail: None,
            subscribe: Vec::new(),
            ready: true,
            outstanding: 0,
            counts: Counts::default(),
            diagnostics: Vec::new(),
        }
    }

    /// Takes wanted resources as absent: their does-not-exist timer has run out (gRFC A57).
    pub fn expire(&mut self, type_url: &str, names: &[String]) -> Verdict {
        let _ = (type_url, names);
        self.ingest(Bytes::new(), Envelope::default())
    }

    /// True when everything that is referred to has arrived or is known to be absent.
    #[must_use]
    pub fn ready(&self) -> bool {
        true
    }

    /// What has to change in APISIX since the last commit.
    #[must_use]
    pub fn pending(&self) -> ChangeSet<'_> {
        ChangeSet::default()
    }

    /// Says that APISIX has taken the pending changes.
    pub fn commit(&mut self) {}

    /// Says that APISIX has refused the pending changes for good: they are not offered again until they change.
    pub fn abandon(&mut self, reason: &str) {
        let _ = reason;
    }

    /// Everything of one kind that should be in APISIX, pending changes included, by id.
    pub fn target(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        let _ = kind;
        std::iter::empty()
    }

    /// Everything of one kind as last committed, by id.
    pub fn applied(&self, kind: Kind) -> impl Iterator<Item = Upsert<'_>> {
        let _ = kind;
        std::iter::empty()
    }

    /// Every diagnostic in force, by resource.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Counts and versions.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary { types: Vec::new(), routes: 0, upstreams: 0, pending: 0 }
    }
}
