//! What has to change in APISIX since the last commit.

use serde::Serialize;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delete<'a> {
    /// Its collection.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
}

/// Upserts (referenced kinds first) and deletes (referring kinds first), to be applied in this order.
#[derive(Clone, Debug, Default)]
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

    /// Appends the change set as the ingest protocol has it:
    /// `{"upserts":[{"kind":..,"id":..,"value":{..}}],"deletes":[{"kind":..,"id":..}]}`.
    ///
    /// The resources are JSON already: they are copied, and not read again as any serialiser would.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let size: usize = self.upserts.iter().map(|upsert| upsert.json.len().saturating_add(FRAME_BYTES)).sum();
        out.reserve(size);
        out.extend_from_slice(br#"{"upserts":["#);
        for (index, upsert) in self.upserts.iter().enumerate() {
            begin(out, index, upsert.kind, upsert.id);
            out.extend_from_slice(br#","value":"#);
            out.extend_from_slice(upsert.json.as_bytes());
            out.push(b'}');
        }
        out.extend_from_slice(br#"],"deletes":["#);
        for (index, delete) in self.deletes.iter().enumerate() {
            begin(out, index, delete.kind, delete.id);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
}

/// What stands around the JSON of a resource, at most: the longest id has 64 bytes.
const FRAME_BYTES: usize = 112;

/// A kind and an id; neither has a character that JSON escapes.
fn begin(out: &mut Vec<u8>, index: usize, kind: Kind, id: &str) {
    out.extend_from_slice(if index == 0 { br#"{"kind":""# } else { br#",{"kind":""# });
    out.extend_from_slice(kind.collection().as_bytes());
    out.extend_from_slice(br#"","id":""#);
    out.extend_from_slice(id.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::{ChangeSet, Delete, Kind, Upsert};

    #[test]
    fn change_sets_are_json() {
        let upsert = |kind, id| Upsert { kind, id, json: r#"{"a":[1]}"#, revision: 1 };
        let delete = |id| Delete { kind: Kind::Routes, id };
        let changes = ChangeSet {
            upserts: vec![upsert(Kind::Upstreams, "u"), upsert(Kind::Routes, "r")],
            deletes: vec![delete("s"), delete("t")],
        };
        let (mut json, mut empty) = (Vec::new(), Vec::new());
        changes.write_json(&mut json);
        ChangeSet::default().write_json(&mut empty);
        let expected = serde_json::json!({
            "upserts": [
                { "kind": "upstreams", "id": "u", "value": { "a": [1] } },
                { "kind": "routes", "id": "r", "value": { "a": [1] } },
            ],
            "deletes": [{ "kind": "routes", "id": "s" }, { "kind": "routes", "id": "t" }],
        });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), expected);
        assert_eq!(empty, br#"{"upserts":[],"deletes":[]}"#);
    }
}
