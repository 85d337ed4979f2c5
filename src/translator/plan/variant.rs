//! The ways in which routes use a cluster. APISIX keeps retries and hash keys with the upstream, Envoy with the route, so
//! one cluster may become several upstreams with the same nodes, or, where it has subsets, with some of them.

use crate::model::labels::{Label, Labels};
use crate::model::route::HashKey;
use crate::names;

/// A cluster and how it is used: one upstream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClusterUse {
    /// The cluster's name; empty for a route that may lead to any cluster.
    pub(crate) cluster: String,
    /// How it is used.
    pub(crate) variant: Variant,
}

/// What a route decides about its upstream. The default sorts before all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Variant {
    /// Further tries.
    pub(crate) retries: u32,
    /// Milliseconds after which there is no further try; 0 is no limit.
    pub(crate) retry_timeout: u64,
    /// What chooses the endpoint; `None`: the cluster's own balancing.
    pub(crate) hash: Option<HashKey>,
    /// Which endpoints, where the cluster has subsets.
    pub(crate) subset: Labels,
    /// It gets copies only, for which routes hold its address: there is no upstream.
    pub(crate) copied: bool,
    /// Routes hold the host name of its endpoints: this is no way to reach them, so there is no upstream.
    pub(crate) named: bool,
}

impl ClusterUse {
    /// The use that sorts before all others of the cluster, and the one of a route that asks for nothing.
    pub(crate) fn plain(cluster: &str) -> Self {
        Self { cluster: cluster.to_owned(), variant: Variant::default() }
    }

    /// Of routes whose cluster is named by the request.
    pub(crate) fn any() -> Self {
        Self::plain("")
    }

    /// Of routes that copy requests to it.
    pub(crate) fn copied(cluster: &str) -> Self {
        Self { variant: Variant { copied: true, ..Variant::default() }, ..Self::plain(cluster) }
    }

    /// Of routes that hold the host name of its endpoints.
    pub(crate) fn named(cluster: &str) -> Self {
        Self { variant: Variant { named: true, ..Variant::default() }, ..Self::plain(cluster) }
    }

    /// True where it is no more than something that routes hold.
    pub(crate) fn is_held(&self) -> bool {
        self.variant.copied || self.variant.named
    }

    /// The upstream's id.
    pub(crate) fn id(&self, instance: &str) -> String {
        let label = self.variant.label();
        let subset: Vec<String> =
            self.variant.subset.iter().flat_map(|(key, value)| [key.clone(), text(value)]).collect();
        let mut parts = vec![self.cluster.as_str()];
        if !label.is_empty() || !subset.is_empty() {
            parts.push(&label);
        }
        parts.extend(subset.iter().map(String::as_str));
        names::id(instance, names::CLUSTER, &parts)
    }
}

impl Variant {
    /// `retries2.15000.header.x-user`; empty for the default.
    fn label(&self) -> String {
        let mut parts = Vec::new();
        if self.retries > 0 {
            parts.extend([format!("retries{}", self.retries), self.retry_timeout.to_string()]);
        }
        if let Some(HashKey { on, key }) = &self.hash {
            parts.extend([(*on).to_owned(), key.clone()]);
        }
        parts.join(".")
    }
}

/// Different for different values.
fn text(value: &Label) -> String {
    match value {
        Label::Text(text) => text.clone(),
        Label::Other(text) => format!("\0{text}"),
        other => format!("\0{other:?}"),
    }
}
