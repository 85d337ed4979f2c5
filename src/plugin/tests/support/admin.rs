//! A mock of `/apisix/admin/configs` in API-driven standalone mode: stored document, versions, digests. What it does is
//! held against recordings of a real APISIX; schemas it does not know, a refusal has to be ordered.

use serde_json::{Map, Value, json};

pub(crate) const COLLECTIONS: [&str; 13] = [
    "routes",
    "services",
    "upstreams",
    "ssls",
    "stream_routes",
    "plugins",
    "plugin_metadata",
    "consumers",
    "global_rules",
    "protos",
    "plugin_configs",
    "consumer_groups",
    "secrets",
];

/// The Admin API of one APISIX.
#[derive(Default)]
pub(crate) struct Admin {
    /// As stored; empty before the first document.
    pub(crate) stored: Map<String, Value>,
    /// Answers 400 with this message where the document holds this text.
    pub(crate) refuse: Option<(String, String)>,
    /// The clock, in seconds.
    pub(crate) now: u64,
}

impl Admin {
    /// Status and body of a GET.
    pub(crate) fn get(&self) -> (u16, String) {
        let mut document = self.stored.clone();
        for collection in COLLECTIONS {
            document.entry(version_key(collection)).or_insert(json!(0));
        }
        (200, Value::Object(document).to_string())
    }

    /// Status and body of a PUT.
    pub(crate) fn put(&mut self, digest: Option<&str>, body: &[u8]) -> (u16, String) {
        match self.replace(digest, body) {
            Ok(status) => (status, String::new()),
            Err(message) => (400, json!({ "error_msg": message }).to_string()),
        }
    }

    fn replace(&mut self, digest: Option<&str>, body: &[u8]) -> Result<u16, String> {
        let digest = digest.ok_or("missing digest header")?;
        let body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| format!("invalid request body: {error}"))?;
        if self.stored.get("X-Digest").is_some_and(|stored| stored == digest) {
            return Ok(204);
        }
        if let Some((text, message)) = &self.refuse
            && Value::Object(body.clone()).to_string().contains(text)
        {
            return Err(message.clone());
        }
        let mut next = Map::new();
        for collection in COLLECTIONS {
            let key = version_key(collection);
            let stored = self.stored.get(&key).and_then(Value::as_f64).unwrap_or_default();
            let version = match body.get(&key) {
                None => stored + 1.0,
                Some(version) => version.as_f64().ok_or(format!("{key} must be a number"))?,
            };
            if version < stored {
                return Err(format!("{key} must be greater than or equal to ({stored})"));
            }
            #[allow(clippy::cast_possible_truncation)]
            next.insert(key, json!(version as i64));
            let source = if version > stored { &body } else { &self.stored };
            if let Some(items) = source.get(collection).and_then(Value::as_array).filter(|items| !items.is_empty()) {
                check_duplicates(collection, items)?;
                next.insert(collection.to_owned(), json!(items));
            }
        }
        next.insert("X-Digest".to_owned(), json!(digest));
        next.insert("X-Last-Modified".to_owned(), json!(self.now));
        self.stored = next;
        Ok(202)
    }

    /// The stored items of a collection.
    pub(crate) fn items(&self, collection: &str) -> Vec<Value> {
        self.stored.get(collection).and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

pub(crate) fn version_key(collection: &str) -> String {
    format!("{collection}_conf_version")
}

fn check_duplicates(collection: &str, items: &[Value]) -> Result<(), String> {
    let key = if collection == "consumers" { "username" } else { "id" };
    for (index, item) in items.iter().enumerate() {
        let id = &item[key];
        if items[..index].iter().any(|other| &other[key] == id) {
            return Err(format!("found duplicate {key} {} in {collection}", id.as_str().unwrap_or_default()));
        }
    }
    Ok(())
}
