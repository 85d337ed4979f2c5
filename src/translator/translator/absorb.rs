//! The resources of one response go into the state, one by one.

use super::Translator;
use super::state::{Envelope, Variant};
use crate::diagnostic::Code;
use crate::intake::{Resource, Response};
use crate::names::ContentHash;
use crate::resource_type::ResourceType;
use crate::round::Round;

/// A resource that has a name and is not known to be unchanged.
pub(super) struct Fresh<'a> {
    pub(super) name: &'a str,
    pub(super) hash: ContentHash,
    pub(super) resource: &'a Resource,
}

impl Translator {
    /// Takes every resource of a response, then plans what depends on those that changed.
    pub(super) fn absorb(&mut self, kind: ResourceType, response: &Response, envelope: Envelope, round: &mut Round) {
        for resource in &response.resources {
            self.take(kind, resource, round);
        }
        let heard = self.state.heard.entry(kind).or_default();
        heard.version.clone_from(&response.version);
        heard.complete |= !envelope.more;
        for name in self.gone(kind, response, envelope, round) {
            self.remove(kind, &name);
            round.counts.removed = round.counts.removed.saturating_add(1);
        }
        self.settle(round);
    }

    fn gone(&mut self, kind: ResourceType, response: &Response, envelope: Envelope, round: &mut Round) -> Vec<String> {
        match (envelope.variant, kind) {
            // What cannot be read may be any resource: none of them is gone for sure.
            (Variant::Sotw, _) if round.unreliable => Vec::new(),
            (Variant::Delta, ResourceType::Listener | ResourceType::Cluster) => response.removed.clone(),
            (Variant::Sotw, ResourceType::Listener) => {
                self.state.listeners.absent_after(std::mem::take(&mut round.seen), envelope.more)
            }
            (Variant::Sotw, ResourceType::Cluster) => {
                self.state.clusters.absent_after(std::mem::take(&mut round.seen), envelope.more)
            }
            // Routes and endpoints live as long as something refers to them, as in Envoy.
            (_, ResourceType::RouteConfiguration | ResourceType::ClusterLoadAssignment) => Vec::new(),
        }
    }

    fn take(&mut self, kind: ResourceType, resource: &Resource, round: &mut Round) {
        let name = match self.check(kind, resource, round) {
            Ok(name) => name,
            Err((code, why)) => {
                let label = kind.label(resource.name.as_deref().unwrap_or_default());
                round.unreliable |= resource.name.is_none() || resource.type_url != kind.url();
                return round.refuse(code, label, &why);
            }
        };
        let hash = ContentHash::of(&resource.value);
        let (unchanged, refusal) = self.known(kind, name, hash);
        match (unchanged, refusal) {
            (true, None) => round.counts.unchanged = round.counts.unchanged.saturating_add(1),
            (true, Some(why)) => round.refuse(Code::ResourceInvalid, kind.label(name), &why),
            (false, _) => self.convert(kind, &Fresh { name, hash, resource }, round),
        }
    }

    fn check<'a>(
        &self,
        kind: ResourceType,
        resource: &'a Resource,
        round: &mut Round,
    ) -> Result<&'a str, (Code, String)> {
        let invalid = |why: &str| (Code::ResourceInvalid, why.to_owned());
        if resource.type_url != kind.url() {
            return Err(invalid(&format!(
                "a resource of type {:?} in a response of {:?}",
                resource.type_url,
                kind.url()
            )));
        }
        let unreadable = "its name cannot be read: the bytes are not the message they claim";
        let name = resource.name.as_deref().ok_or_else(|| invalid(unreadable))?;
        let limits = self.options.limits;
        if name.is_empty() {
            return Err(invalid("it has no name"));
        }
        if name.len() > limits.name_bytes {
            let why =
                format!("its name has {} bytes; the limit is {} (limits.name_bytes)", name.len(), limits.name_bytes);
            return Err((Code::LimitExceeded, why));
        }
        if self.is_full(kind, name) {
            let why = format!("there are {} resources of this type already (limits.resources)", limits.resources);
            return Err((Code::LimitExceeded, why));
        }
        if !round.seen.insert(name.to_owned()) {
            return Err((Code::ResourceDuplicate, "the message has two resources of this name".to_owned()));
        }
        Ok(name)
    }

    /// No further name of this type is taken.
    fn is_full(&self, kind: ResourceType, name: &str) -> bool {
        let (state, limit) = (&self.state, self.options.limits.resources);
        match kind {
            ResourceType::Listener => state.listeners.is_full(name, limit),
            ResourceType::RouteConfiguration => state.tables.is_full(name, limit),
            ResourceType::Cluster => state.clusters.is_full(name, limit),
            ResourceType::ClusterLoadAssignment => state.endpoints.is_full(name, limit),
        }
    }

    fn known(&self, kind: ResourceType, name: &str, hash: ContentHash) -> (bool, Option<String>) {
        let state = &self.state;
        let (unchanged, refusal) = match kind {
            ResourceType::Listener => (state.listeners.is_unchanged(name, hash), state.listeners.refusal(name)),
            ResourceType::RouteConfiguration => (state.tables.is_unchanged(name, hash), state.tables.refusal(name)),
            ResourceType::Cluster => (state.clusters.is_unchanged(name, hash), state.clusters.refusal(name)),
            ResourceType::ClusterLoadAssignment => {
                (state.endpoints.is_unchanged(name, hash), state.endpoints.refusal(name))
            }
        };
        (unchanged, refusal.map(str::to_owned))
    }

    fn convert(&mut self, kind: ResourceType, fresh: &Fresh<'_>, round: &mut Round) {
        let result = match kind {
            ResourceType::Listener => self.take_listener(fresh, round),
            ResourceType::RouteConfiguration => self.take_table(fresh, round),
            ResourceType::Cluster => self.take_cluster(fresh),
            ResourceType::ClusterLoadAssignment => self.take_endpoints(fresh, round),
        };
        match result {
            Ok(()) => round.counts.accepted = round.counts.accepted.saturating_add(1),
            Err(why) => {
                self.refuse(kind, fresh, &why);
                round.refuse(Code::ResourceInvalid, kind.label(fresh.name), &why);
            }
        }
    }

    fn refuse(&mut self, kind: ResourceType, fresh: &Fresh<'_>, why: &str) {
        let (name, hash, why) = (fresh.name, fresh.hash, why.to_owned());
        match kind {
            ResourceType::Listener => self.state.listeners.refuse(name, hash, why),
            ResourceType::RouteConfiguration => self.state.tables.refuse(name, hash, why),
            ResourceType::Cluster => self.state.clusters.refuse(name, hash, why),
            ResourceType::ClusterLoadAssignment => self.state.endpoints.refuse(name, hash, why),
        }
    }
}
