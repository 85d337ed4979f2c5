//! Read-modify-write of the document of APISIX's API-driven standalone mode.
//!
//! The document as it is (`GET /apisix/admin/configs`) and the translator's target give the next document
//! (`PUT` of the same path). Foreign resources pass through byte for byte; collections that are not ours keep their
//! version and are left out, which APISIX takes as "keep what is stored" (an omitted version would wipe them).
//! Nothing here is sent: [`plan`] is a function of its arguments.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use amesh_translator::{Kind, Upsert};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// The label of everything that any amesh made.
const MANAGED_BY: (&str, &str) = ("managed-by", "amesh");
/// The label with the configured instance name.
const INSTANCE: &str = "instance";
/// Numbers of this size and above lose digits on their way through APISIX.
const MAX_VERSION: u64 = 99_999_999_999_999;

type Document<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// Why there is no next document.
#[derive(Debug, Error)]
pub enum MergeError {
    /// Not what the API-driven standalone mode answers.
    #[error("the Admin API's document cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A version that is missing or cannot be counted up.
    #[error("the Admin API's document has no usable {0}_conf_version")]
    Version(&'static str),
    /// Somebody else's resource has an id of ours.
    #[error("{0} {1:?} is there already without the labels managed-by=amesh and instance={2}: delete or rename it")]
    Foreign(&'static str, String, String),
}

/// The next document.
#[derive(Debug)]
pub struct Plan {
    /// `X-Last-Modified` of the document as it is: when it was last changed, in seconds since 1970.
    pub modified: Option<u64>,
    /// The body to PUT.
    pub body: String,
    /// The versions of both collections: no two documents of ours have the same.
    pub digest: String,
    /// False where another step must follow once the workers have taken this one.
    pub last: bool,
}

/// Compares a document with what should be there; `None` where everything is.
///
/// Workers take up collections one by one within about 0.1 s. So that no route ever points to an upstream that is not
/// there, new upstreams go first where routes of ours are in force, then the routes, then old upstreams away: up to
/// three steps, each planned from the document as it is by then.
pub fn plan<'a>(
    document: &'a [u8],
    instance: &str,
    target: impl Fn(Kind) -> Vec<Upsert<'a>>,
) -> Result<Option<Plan>, MergeError> {
    let document: Document<'a> = serde_json::from_slice(document)?;
    let modified = document.get("X-Last-Modified").and_then(|value| value.get().parse().ok());
    let upstreams = Collection::read(&document, Kind::Upstreams, instance, target(Kind::Upstreams))?;
    let routes = Collection::read(&document, Kind::Routes, instance, target(Kind::Routes))?;
    let (same_routes, no_stale) = (routes.is_same(), upstreams.stale.is_empty());
    if same_routes && upstreams.is_same() {
        return Ok(None);
    }
    let write_routes = !same_routes && (routes.is_new || !upstreams.has_new);
    let write_upstreams = upstreams.has_changed || (same_routes && !no_stale);
    let last = same_routes || (write_routes && no_stale);

    let mut body = String::with_capacity(document.values().map(|value| value.get().len()).sum());
    // Routes in force may still point to upstreams that are to go.
    let upstreams_version = upstreams.write(&mut body, "{", write_upstreams, !same_routes);
    let routes_version = routes.write(&mut body, ",", write_routes, false);
    for (key, value) in document.iter().filter(|(key, _)| is_foreign_version(key)) {
        body.extend([",\"", key, "\":", value.get()]);
    }
    body.push('}');
    Ok(Some(Plan { modified, body, digest: format!("{upstreams_version}.{routes_version}"), last }))
}

fn is_foreign_version(key: &str) -> bool {
    let collection = key.strip_suffix("_conf_version");
    collection.is_some_and(|collection| Kind::ALL.iter().all(|kind| kind.collection() != collection))
}

/// What has to be known of a resource. One that cannot be read so is foreign.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    id: Value,
    labels: BTreeMap<String, Value>,
    #[serde(rename = "modifiedIndex")]
    revision: Option<u64>,
}

/// One collection of ours, as it is and as it should be.
struct Collection<'a> {
    name: &'static str,
    version: u64,
    foreign: Vec<&'a str>,
    target: Vec<Upsert<'a>>,
    /// Nothing of ours is there yet.
    is_new: bool,
    /// The target has something that is not there.
    has_new: bool,
    /// The target has something that is not there or not as it should be.
    has_changed: bool,
    /// Ours, and not in the target.
    stale: Vec<&'a str>,
}

impl<'a> Collection<'a> {
    fn read(document: &Document<'a>, kind: Kind, instance: &str, target: Vec<Upsert<'a>>) -> Result<Self, MergeError> {
        let name = kind.collection();
        let version = document.get(format!("{name}_conf_version").as_str()).and_then(|value| value.get().parse().ok());
        let version = version.filter(|version| *version < MAX_VERSION).ok_or(MergeError::Version(name))?;
        let wanted: BTreeSet<&str> = target.iter().map(|upsert| upsert.id).collect();
        let (mut foreign, mut own, mut stale) = (Vec::new(), BTreeMap::new(), Vec::new());
        for text in items(document.get(name).copied())? {
            let Item { id, labels, revision } = serde_json::from_str(text).unwrap_or_default();
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            let has_label = |(label, value): (&str, &str)| labels.get(label).is_some_and(|found| found == value);
            match (has_label(MANAGED_BY) && has_label((INSTANCE, instance)), wanted.contains(id.as_str())) {
                (true, is_wanted) => {
                    stale.extend(Some(text).filter(|_| !is_wanted));
                    own.insert(id, revision);
                }
                (false, true) => return Err(MergeError::Foreign(name, id, instance.to_owned())),
                (false, false) => foreign.push(text),
            }
        }
        let has_new = target.iter().any(|upsert| !own.contains_key(upsert.id));
        let has_changed = target.iter().any(|upsert| own.get(upsert.id) != Some(&Some(upsert.revision)));
        Ok(Self { name, version, foreign, target, is_new: own.is_empty(), has_new, has_changed, stale })
    }

    fn is_same(&self) -> bool {
        !self.has_changed && self.stale.is_empty()
    }

    /// Appends the collection, or only its version where it stays as it is; returns the version.
    fn write(&self, body: &mut String, separator: &str, change: bool, keep_stale: bool) -> u64 {
        let (name, version) = (self.name, self.version.saturating_add(u64::from(change)));
        body.extend([separator, "\"", name, "_conf_version\":", &version.to_string()]);
        if change {
            body.extend([",\"", name, "\":["]);
            let mut separator = "";
            for text in self.foreign.iter().chain(self.stale.iter().filter(|_| keep_stale)) {
                body.extend([separator, text]);
                separator = ",";
            }
            for Upsert { json, revision, .. } in &self.target {
                let rest = json.strip_prefix('{').unwrap_or(json);
                body.extend([separator, "{\"modifiedIndex\":", &revision.to_string(), ",", rest]);
                separator = ",";
            }
            body.push(']');
        }
        version
    }
}

/// The texts of a collection's items. An empty collection is absent, or `{}`: Lua has no empty arrays.
fn items(collection: Option<&RawValue>) -> Result<Vec<&str>, MergeError> {
    match collection.map(RawValue::get) {
        None | Some("{}" | "null") => Ok(Vec::new()),
        Some(text) => Ok(serde_json::from_str::<Vec<&RawValue>>(text)?.into_iter().map(RawValue::get).collect()),
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
