//! `main.upstream`.

use serde::Serialize;

use super::Labels;

/// One APISIX upstream.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Upstream<'a> {
    /// 1 to 64 of `[a-zA-Z0-9-_.]`.
    pub(crate) id: &'a str,
    /// For people: the xDS cluster this comes from; at most 256 bytes.
    pub(crate) name: &'a str,
    /// Who made it.
    pub(crate) labels: Labels<'a>,
    /// The balancer.
    #[serde(rename = "type")]
    pub(crate) balancing: Balancing,
    /// What chooses the node of a [`Balancing::Hash`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hash_on: Option<&'static str>,
    /// The name or template that `hash_on` speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    /// `http`: HTTP/1.1 without TLS.
    pub(crate) scheme: &'static str,
    /// Always written: APISIX would retry once a further node otherwise.
    pub(crate) retries: u32,
    /// Seconds after which there is no further try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_timeout: Option<f64>,
    /// Empty: APISIX answers 503.
    pub(crate) nodes: &'a [Node<'a>],
}

/// `upstream.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Balancing {
    /// Weighted round robin.
    #[serde(rename = "roundrobin")]
    RoundRobin,
    /// The node with the fewest requests in relation to its weight.
    #[serde(rename = "least_conn")]
    LeastConnections,
    /// Consistent hashing.
    #[serde(rename = "chash")]
    Hash,
}

/// `upstream.nodes[]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Node<'a> {
    /// An address (IPv6 in brackets) or a DNS name.
    pub(crate) host: &'a str,
    /// 1 to 65535.
    pub(crate) port: u32,
    /// Its share among the nodes of its priority.
    pub(crate) weight: u32,
    /// Higher is preferred; written where it is not 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) priority: i32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(priority: &i32) -> bool {
    *priority == 0
}
