//! One client's stream as a state machine: what it asked for, what it has, what it must be sent. No I/O.
//!
//! Semantics of the protocol, state of the world: a request with a stale nonce is ignored; listeners and clusters are
//! sent whole, other types by name and only what changed; a response goes out only when the version differs from what
//! the client has or refused, or when it asks for names it was not sent; clusters go before endpoints, listeners and
//! routes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::event::ServerEvent;
use super::snapshot::{Resource, Snapshot, SnapshotSet, version};
use crate::wire::{DiscoveryRequest, DiscoveryResponse, Node};

const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ENDPOINTS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

/// What is sent first, so that nothing refers to what the client does not have; other types come last.
const ORDER: [&str; 4] = [CLUSTER, ENDPOINTS, LISTENER, ROUTES];

/// The state of one stream.
#[derive(Debug, Default)]
pub(crate) struct ClientStream {
    node: Option<Node>,
    snapshot: Arc<Snapshot>,
    types: BTreeMap<String, TypeStream>,
    responses: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Names {
    All,
    Some(BTreeSet<String>),
}

#[derive(Debug)]
struct TypeStream {
    names: Names,
    /// The version that the client has, or was sent last.
    version: String,
    nonce: String,
    /// The hashes of what it was sent by name on this stream.
    sent: BTreeMap<String, u64>,
    /// There may be something to send.
    dirty: bool,
}

impl ClientStream {
    /// Who the client is; empty until it has said so.
    pub(crate) fn node_id(&self) -> String {
        self.node.as_ref().map(|node| node.id.clone()).unwrap_or_default()
    }

    /// Takes a request; gives what is worth telling.
    pub(crate) fn request(&mut self, mut request: DiscoveryRequest, set: &SnapshotSet) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        if self.node.is_none() {
            let node = request.node.take().unwrap_or_default();
            let snapshot = set.select(&node);
            let (id, cluster) = (node.id.clone(), node.cluster.clone());
            events.push(ServerEvent::Connected { node: id, cluster, known: snapshot.is_some() });
            self.snapshot = snapshot.unwrap_or_default();
            self.node = Some(node);
        }
        let node = self.node_id();
        match self.types.get_mut(&request.type_url) {
            None => {
                let state = TypeStream::first(&request, &self.snapshot);
                events.push(subscribed(node, &request.type_url, &state.names));
                self.types.insert(request.type_url, state);
            }
            // An answer to a response that is not the newest: the client will answer the newest one too.
            Some(state) if !request.response_nonce.is_empty() && request.response_nonce != state.nonce => {}
            Some(state) => {
                events.extend(reply(&node, state, &request));
                if state.rename(&request) {
                    events.push(subscribed(node, &request.type_url, &state.names));
                }
            }
        }
        events
    }

    /// What is served has changed.
    pub(crate) fn replace(&mut self, set: &SnapshotSet) {
        let Some(node) = &self.node else { return };
        self.snapshot = set.select(node).unwrap_or_default();
        self.types.values_mut().for_each(|state| state.dirty = true);
    }

    /// The next response to send, if one is due.
    pub(crate) fn next_response(&mut self) -> Option<DiscoveryResponse> {
        let dirty = |(type_url, state): (&String, &TypeStream)| state.dirty.then(|| type_url.clone());
        let mut due: Vec<String> = self.types.iter().filter_map(dirty).collect();
        due.sort_by_key(|type_url| ORDER.iter().position(|first| first == type_url).unwrap_or(ORDER.len()));
        due.into_iter().find_map(|type_url| self.respond(type_url))
    }

    fn respond(&mut self, type_url: String) -> Option<DiscoveryResponse> {
        let state = self.types.get_mut(&type_url)?;
        let (version_info, resources) = state.due(&type_url, &self.snapshot)?;
        self.responses = self.responses.saturating_add(1);
        let nonce = self.responses.to_string();
        state.nonce.clone_from(&nonce);
        Some(DiscoveryResponse { version_info, resources, type_url, nonce })
    }
}

impl TypeStream {
    fn first(request: &DiscoveryRequest, snapshot: &Snapshot) -> Self {
        let names = if request.resource_names.is_empty() { Names::All } else { Names::of(request) };
        let mut state = Self {
            names,
            version: request.version_info.clone(),
            nonce: String::new(),
            sent: BTreeMap::new(),
            dirty: true,
        };
        // A client that comes back with the version of what it asks for has it.
        let selected = state.select(&request.type_url, snapshot);
        if version(selected.iter().map(|(_, resource)| *resource)) == state.version {
            state.sent = selected.iter().map(|(name, resource)| ((*name).to_owned(), resource.hash)).collect();
        }
        state
    }

    /// True where the names wanted are others than before.
    fn rename(&mut self, request: &DiscoveryRequest) -> bool {
        // Once all are wanted, an empty list goes on meaning all.
        let names = match (&self.names, request.resource_names.is_empty()) {
            (Names::All, true) => Names::All,
            _ => Names::of(request),
        };
        if names == self.names {
            return false;
        }
        if let Names::Some(wanted) = &names {
            self.sent.retain(|name, _| wanted.contains(name));
        }
        self.names = names;
        self.dirty = true;
        true
    }

    fn select<'a>(&self, type_url: &str, snapshot: &'a Snapshot) -> Vec<(&'a str, &'a Resource)> {
        match &self.names {
            Names::All => snapshot.of_type(type_url).collect(),
            Names::Some(names) => names.iter().filter_map(|name| snapshot.get(type_url, name)).collect(),
        }
    }

    /// The version and the resources to send, where something is to be sent.
    fn due(&mut self, type_url: &str, snapshot: &Snapshot) -> Option<(String, Vec<crate::wire::Any>)> {
        self.dirty = false;
        let selected = self.select(type_url, snapshot);
        let current = version(selected.iter().map(|(_, resource)| *resource));
        let whole = self.names == Names::All || matches!(type_url, CLUSTER | LISTENER);
        let is_news = |(name, resource): &(&str, &Resource)| self.sent.get(*name) != Some(&resource.hash);
        let news: Vec<_> = selected.iter().copied().filter(|each| whole || is_news(each)).collect();
        if if whole { current == self.version } else { news.is_empty() } {
            return None;
        }
        self.version.clone_from(&current);
        self.sent = selected.iter().map(|(name, resource)| ((*name).to_owned(), resource.hash)).collect();
        Some((current, news.into_iter().map(|(_, resource)| resource.any.clone()).collect()))
    }
}

impl Names {
    fn of(request: &DiscoveryRequest) -> Self {
        if request.resource_names.iter().any(|name| name == "*") {
            return Names::All;
        }
        Names::Some(request.resource_names.iter().cloned().collect())
    }
}

fn subscribed(node: String, type_url: &str, names: &Names) -> ServerEvent {
    let names = match names {
        Names::All => None,
        Names::Some(names) => Some(names.len()),
    };
    ServerEvent::Subscribed { node, type_url: type_url.to_owned(), names }
}

/// An ACK or a NACK, where the request is one.
fn reply(node: &str, state: &TypeStream, request: &DiscoveryRequest) -> Option<ServerEvent> {
    if request.response_nonce.is_empty() {
        return None;
    }
    let (node, type_url, version) = (node.to_owned(), request.type_url.clone(), state.version.clone());
    match &request.error_detail {
        Some(status) => Some(ServerEvent::Nack { node, type_url, version, detail: status.message.clone() }),
        None if request.version_info == state.version => Some(ServerEvent::Ack { node, type_url, version }),
        // A change of names before the answer.
        None => None,
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
