//! What ends an evaluation early.

/// An evaluation without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Lua raises an error: APISIX answers 500.
    Raised(String),
    /// The model does not know what APISIX would do.
    NotModelled(String),
}

impl Stop {
    pub(super) fn raised(why: impl Into<String>) -> Self {
        Self::Raised(why.into())
    }

    pub(super) fn not_modelled(what: impl Into<String>) -> Self {
        Self::NotModelled(what.into())
    }
}
