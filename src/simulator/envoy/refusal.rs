//! Why Envoy does not take a resource.

/// A resource that Envoy would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{resource}: {path}: {why}")]
pub struct Refusal {
    /// Kind and name: `Listener ingress`.
    pub resource: String,
    /// The field, in proto names: `virtual_hosts[0].routes[2].match.safe_regex`.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}
