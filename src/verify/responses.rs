//! Responses of next hops, made so that what the proxies do to their headers shows.

use std::collections::BTreeSet;

use amesh_simulator::apisix::{Response, ResponseFilters};
use amesh_simulator::envoy::ResponseChanges;
use serde_json::Value;

use crate::look::{list, text};
use crate::mesh::Mesh;
use crate::seen::{Headers, headers};

/// What a client gets: status and headers.
pub(crate) type Passed = (u16, Headers);

/// One response without, and one with a value for every header that the configuration speaks of; where responses are
/// compressed also such that might be.
#[derive(Debug)]
pub(crate) struct Responses(Vec<(Upstream, usize)>);

/// What a next hop answers.
type Upstream = (u16, Vec<(String, Vec<u8>)>);

impl Responses {
    /// For the headers that a mesh adds to or removes from responses.
    pub(crate) fn of(mesh: &Mesh) -> Self {
        let mut names = BTreeSet::new();
        mesh.listeners.iter().chain(&mesh.routes).for_each(|resource| gather(resource, &mut names));
        let plain = vec![("content-type".to_owned(), b"text/html; charset=utf-8".to_vec())];
        let mut full = plain.clone();
        full.extend(names.into_iter().filter(|name| name != "content-type").map(|name| (name, b"upstream".to_vec())));
        let mut all = vec![((200, plain), 0), ((404, full), 0)];
        if mesh.listeners.iter().any(|listener| listener.to_string().contains(COMPRESSOR)) {
            all.extend(compressible());
        }
        Self(all)
    }

    pub(crate) fn through_envoy(&self, changes: &ResponseChanges) -> Result<Vec<Passed>, String> {
        let pass = |((status, lines), length): &(Upstream, usize)| {
            let length = ("content-length".to_owned(), length.to_string().into_bytes());
            let lines: Vec<_> = lines.iter().cloned().chain([length]).collect();
            let lines = changes.apply(*status, &lines).map_err(|what| format!("Envoy: {what}"))?;
            Ok((*status, headers(lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())))))
        };
        self.0.iter().map(pass).collect()
    }

    pub(crate) fn through_apisix(&self, filters: &ResponseFilters) -> Result<Vec<Passed>, String> {
        let pass = |((status, lines), length): &(Upstream, usize)| {
            let upstream = Response { status: *status, headers: lines.clone(), body: vec![b'x'; *length] };
            let passed = filters.apply(&upstream).map_err(|what| format!("APISIX: {what}"))?;
            let lines = passed.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            Ok((passed.status, headers(lines)))
        };
        self.0.iter().map(pass).collect()
    }
}

const COMPRESSOR: &str = "envoy.extensions.filters.http.compressor.v3.Compressor";

/// Responses around what compressors ask for, with the length of their bodies.
fn compressible() -> Vec<(Upstream, usize)> {
    let with = |status, content_type: &str, header: Option<(&str, &str)>| {
        let lines = [("content-type", content_type)].into_iter().chain(header);
        let lines = lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        (status, lines.collect())
    };
    let json = "application/json";
    vec![
        (with(200, json, None), 10),
        (with(200, json, None), 1000),
        (with(200, "image/png", None), 1000),
        (with(404, json, None), 1000),
        (with(500, json, None), 1000),
        (with(200, json, Some(("etag", "\"e\""))), 1000),
        (with(200, json, Some(("cache-control", "no-transform"))), 1000),
        (with(200, json, Some(("content-encoding", "br"))), 1000),
        (with(200, json, Some(("vary", "cookie"))), 1000),
    ]
}

/// The names in `response_headers_to_add`, `response_headers_to_remove` and `response_mutations`, at any depth.
fn gather(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| gather(value, names)),
        Value::Object(fields) => {
            for (field, value) in fields {
                match field.as_str() {
                    "response_headers_to_remove" => names.extend(list(value, &[]).iter().filter_map(lower)),
                    "response_headers_to_add" => names.extend(list(value, &[]).iter().filter_map(added)),
                    "response_mutations" => names.extend(list(value, &[]).iter().filter_map(mutated)),
                    _ => gather(value, names),
                }
            }
        }
        _ => {}
    }
}

fn added(option: &Value) -> Option<String> {
    text(option, &["header", "key"]).map(str::to_ascii_lowercase)
}

fn mutated(mutation: &Value) -> Option<String> {
    mutation.get("append").and_then(added).or_else(|| mutation.get("remove").and_then(lower))
}

fn lower(name: &Value) -> Option<String> {
    name.as_str().map(str::to_ascii_lowercase)
}
