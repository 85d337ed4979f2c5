//! `_meta`, which every plugin may have, and conditions inside plugins.

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::Conflict;
use crate::vars::{Expr, Vars};

/// `plugins.*._meta`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct Meta {
    /// When the plugin runs among those of its route: higher first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i32>,
    /// For which requests it runs.
    #[serde(skip_serializing_if = "Expr::is_true", serialize_with = "condition")]
    pub(crate) filter: Expr,
}

impl Meta {
    /// Runs at another place among the route's plugins.
    pub(crate) fn at(priority: i32) -> Self {
        Self { priority: Some(priority), ..Self::default() }
    }

    /// Says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Both.
    pub(super) fn merge(self, other: Self) -> Result<Self, Conflict> {
        if self.is_empty() || other.is_empty() || self == other {
            return Ok(if self.is_empty() { other } else { self });
        }
        Err(Conflict)
    }
}

/// A condition as a list of which all items must hold. It is left out where it always holds.
pub(super) fn condition<S: Serializer>(expr: &Expr, serializer: S) -> Result<S::Ok, S::Error> {
    Vars::new(expr).serialize(serializer)
}

/// Conditions of which one must hold: fault-injection's `vars`.
pub(super) fn alternatives<S: Serializer>(exprs: &[Expr], serializer: S) -> Result<S::Ok, S::Error> {
    let mut seq = serializer.serialize_seq(Some(exprs.len()))?;
    for expr in exprs {
        seq.serialize_element(&Vars::all([expr]))?;
    }
    seq.end()
}
