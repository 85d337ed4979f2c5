//! What has to change in APISIX since the last commit.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A collection of APISIX resources. The order is the order in which references need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `main.upstream` of APISIX's schema.
    Upstreams,
    /// `main.route` of APISIX's schema.
    Routes,
}

impl Kind {
    /// Every kind, referenced ones first.
    pub const ALL: [Kind; 2] = [Kind::Upstreams, Kind::Routes];

    /// The collection's name in a standalone document and in the Admin API.
    #[must_use]
    pub fn collection(self) -> &'static str {
        match self {
            Kind::Upstreams => "upstreams",
            Kind::Routes => "routes",
        }
    }
}

/// One resource to create or replace.
#[derive(Clone, Copy, Debug)]
pub struct Upsert<'a> {
    /// Its collection.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
    /// The whole resource as JSON, with its `id`.
    pub json: &'a str,
    /// A number below 10^14 made from the content: equal contents have equal numbers (APISIX: `modifiedIndex`).
    pub revision: u64,
}

/// One resource to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delete<'a> {
    /// Its collection.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
}

/// Upserts (referenced kinds first) and deletes (referring kinds first), to be applied in this order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangeSet<'a> {
    /// To create or replace.
    pub upserts: Vec<Upsert<'a>>,
    /// To delete, after the upserts.
    pub deletes: Vec<Delete<'a>>,
}

impl ChangeSet<'_> {
    /// True where APISIX already has everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && self.deletes.is_empty()
    }
}

impl Serialize for Upsert<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(self.json).map_err(serde::ser::Error::custom)?;
        let mut upsert = serializer.serialize_struct("Upsert", 3)?;
        upsert.serialize_field("kind", &self.kind)?;
        upsert.serialize_field("id", self.id)?;
        upsert.serialize_field("value", value)?;
        upsert.end()
    }
}
