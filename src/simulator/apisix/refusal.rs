//! Why APISIX refuses a document.

/// A document that APISIX would not take (its standalone API answers 400). Nothing of such a
/// document comes into force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A value that APISIX's schema or one of its further checks does not allow.
    #[error("{path}: {message}")]
    Invalid {
        /// Where it stands, such as `routes[2].hosts[0]`.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Two objects of one collection with the same id.
    #[error("found duplicate id {id} in {collection}")]
    Duplicate {
        /// `routes`, `upstreams`, …
        collection: String,
        /// The id, as JSON.
        id: String,
    },
}
