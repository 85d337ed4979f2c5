//! The resources to serve: by type and name, each with a hash of its bytes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::envelope::any_name;
use crate::wire::{Any, DiscoveryResponse, Node};

/// Why resources cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are not a `DiscoveryResponse`.
    #[error("not a DiscoveryResponse: {0}")]
    Response(String),
    /// Neither the response nor the resource says what it is.
    #[error("resources[{0}] has no type URL")]
    Untyped(usize),
    /// A resource cannot be asked for.
    #[error("resources[{index}] of type {type_url} has no name (a string in its field 1)")]
    Unnamed {
        /// Where it is in its response.
        index: usize,
        /// Its type.
        type_url: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) any: Any,
    pub(crate) hash: u64,
}

/// Everything to serve to one client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    types: BTreeMap<String, BTreeMap<String, Resource>>,
}

impl Snapshot {
    /// The resources of encoded `DiscoveryResponse`s together; of two with one type and name the later one counts.
    pub fn from_responses(responses: impl IntoIterator<Item = Bytes>) -> Result<Self, SnapshotError> {
        let mut snapshot = Self::default();
        for bytes in responses {
            let response =
                DiscoveryResponse::decode(bytes).map_err(|error| SnapshotError::Response(error.to_string()))?;
            for (index, any) in response.resources.into_iter().enumerate() {
                snapshot.add(&response.type_url, any, index)?;
            }
            // A response without resources is a type of which there are none.
            snapshot.types.entry(response.type_url).or_default();
        }
        snapshot.types.remove("");
        Ok(snapshot)
    }

    /// Adds a resource under the name that it has, in place of one of the same type and name.
    pub fn insert(&mut self, any: Any) -> Result<(), SnapshotError> {
        self.add("", any, 0)
    }

    fn add(&mut self, type_url: &str, any: Any, index: usize) -> Result<(), SnapshotError> {
        let type_url = if type_url.is_empty() { any.type_url.clone() } else { type_url.to_owned() };
        if type_url.is_empty() {
            return Err(SnapshotError::Untyped(index));
        }
        let Some(name) = any_name(&any).filter(|name| !name.is_empty()) else {
            return Err(SnapshotError::Unnamed { index, type_url });
        };
        let hash = hash(&(&name, &any.type_url, &any.value));
        self.types.entry(type_url).or_default().insert(name, Resource { any, hash });
        Ok(())
    }

    /// The types in it, each with its number of resources.
    pub fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.types.iter().map(|(type_url, resources)| (type_url.as_str(), resources.len()))
    }

    /// The names of one type.
    pub fn names(&self, type_url: &str) -> impl Iterator<Item = &str> {
        self.of_type(type_url).map(|(name, _)| name)
    }

    pub(crate) fn of_type(&self, type_url: &str) -> impl Iterator<Item = (&str, &Resource)> {
        let resources = self.types.get(type_url).into_iter().flatten();
        resources.map(|(name, resource)| (name.as_str(), resource))
    }

    pub(crate) fn get(&self, type_url: &str, name: &str) -> Option<(&str, &Resource)> {
        self.types.get(type_url)?.get_key_value(name).map(|(name, resource)| (name.as_str(), resource))
    }
}

/// The version of some resources: equal for equal names and bytes. Stable for one build of the program, so that a
/// client that comes back after a restart is not sent again what it has.
pub(crate) fn version<'a>(resources: impl Iterator<Item = &'a Resource>) -> String {
    format!("{:016x}", hash(&resources.map(|resource| resource.hash).collect::<Vec<_>>()))
}

fn hash(value: &impl Hash) -> u64 {
    // Starts from fixed keys.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What is served to whom.
#[derive(Clone, Debug, Default)]
pub struct SnapshotSet {
    /// Served to every node that has none of its own.
    pub default: Option<Arc<Snapshot>>,
    /// By node id or node cluster.
    pub nodes: BTreeMap<String, Arc<Snapshot>>,
}

impl SnapshotSet {
    /// One snapshot for all.
    #[must_use]
    pub fn for_all(snapshot: Snapshot) -> Self {
        Self { default: Some(Arc::new(snapshot)), nodes: BTreeMap::new() }
    }

    /// What is served to a node: by its id, else by its cluster, else the default.
    pub(crate) fn select(&self, node: &Node) -> Option<Arc<Snapshot>> {
        let own = self.nodes.get(&node.id).or_else(|| self.nodes.get(&node.cluster));
        own.or(self.default.as_ref()).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn any(type_url: &str, value: &'static [u8]) -> Any {
        Any { type_url: type_url.into(), value: Bytes::from_static(value) }
    }

    #[test]
    fn takes_responses_and_names_what_is_wrong() {
        let response =
            |resources| DiscoveryResponse { type_url: "t".into(), resources, ..DiscoveryResponse::default() };
        let good = response(vec![any("t", b"\x0a\x01a"), any("t", b"\x0a\x01b")]).encode_to_vec();
        let snapshot = Snapshot::from_responses([good.into()]).unwrap();
        assert_eq!(snapshot.names("t").collect::<Vec<_>>(), ["a", "b"]);
        let unnamed = response(vec![any("t", b"\x0a\x01a"), any("t", b"")]).encode_to_vec();
        let error = Snapshot::from_responses([unnamed.into()]).unwrap_err();
        assert_eq!(error, SnapshotError::Unnamed { index: 1, type_url: "t".into() });
        assert!(matches!(Snapshot::from_responses([Bytes::from_static(b"\x0a\x09")]), Err(SnapshotError::Response(_))));
    }

    #[test]
    fn selects_by_id_then_cluster_then_default() {
        let of = |value| {
            let mut snapshot = Snapshot::default();
            snapshot.insert(any("t", value)).unwrap();
            Arc::new(snapshot)
        };
        let (one, two, rest) = (of(b"\x0a\x01a"), of(b"\x0a\x01b"), of(b"\x0a\x01c"));
        let set = SnapshotSet {
            default: Some(rest.clone()),
            nodes: [("id".to_owned(), one.clone()), ("group".to_owned(), two.clone())].into(),
        };
        let node = |id: &str, cluster: &str| Node { id: id.into(), cluster: cluster.into(), ..Node::default() };
        assert_eq!(set.select(&node("id", "group")), Some(one));
        assert_eq!(set.select(&node("x", "group")), Some(two));
        assert_eq!(set.select(&node("x", "y")), Some(rest));
    }
}
