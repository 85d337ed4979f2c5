//! A scenario of the corpus as a control plane would send it.

use std::path::{Path, PathBuf};

use amesh_tests::files;
use amesh_tests::message::{LISTENER, ROUTES, Types, name_of, response};
use amesh_xds::{json, schema};
use prost::Message;
use serde_json::Value;

/// The lists of a scenario in the order in which a control plane sends them.
const LISTS: [&str; 7] = ["clusters", "endpoints", "listeners", "routes", "secrets", "scoped_routes", "extensions"];

/// One resource.
pub(crate) struct Resource {
    pub(crate) url: String,
    pub(crate) bytes: Vec<u8>,
}

/// One scenario, encoded.
pub(crate) struct Scenario {
    /// `source/name`.
    pub(crate) name: String,
    pub(crate) resources: Vec<Resource>,
    /// How many resources hold types or fields that Envoy's descriptors do not declare: the product's own reading of
    /// JSON encodes those, the reference cannot.
    pub(crate) beyond_reference: usize,
}

impl Scenario {
    pub(crate) fn read(path: &Path, types: &Types) -> Self {
        let text = files::json(path);
        let part = |path: Option<&Path>| path.and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
        let name = format!("{}/{}", part(path.parent()), part(Some(path)).trim_end_matches(".json"));
        let mut scenario = Self { name, resources: Vec::new(), beyond_reference: 0 };
        for list in LISTS {
            for resource in text[list].as_array().into_iter().flatten() {
                scenario.add(resource, types);
            }
        }
        scenario
    }

    fn add(&mut self, resource: &Value, types: &Types) {
        let url = resource["@type"].as_str().expect("a type").to_owned();
        let resource = &self.named(resource.clone(), &url);
        let bytes = types.from_json(resource).map(|message| message.encode_to_vec());
        let bytes = bytes.unwrap_or_else(|error| {
            self.beyond_reference += 1;
            own_encoding(resource, &url).unwrap_or_else(|own| panic!("{}: {error}; {own}", self.name))
        });
        self.resources.push(Resource { url, bytes });
    }

    /// Envoy itself names the listeners of its bootstrap that have no name; over xDS they cannot do without one.
    fn named(&self, mut resource: Value, url: &str) -> Value {
        if matches!(url, LISTENER | ROUTES) && resource["name"].as_str().is_none_or(str::is_empty) {
            resource["name"] = Value::String(format!("unnamed {}", self.resources.len()));
        }
        resource
    }

    /// One response a type, types in the order of their first resource.
    pub(crate) fn responses(&self) -> Vec<Vec<u8>> {
        let mut urls: Vec<&str> = Vec::new();
        for resource in &self.resources {
            if !urls.contains(&resource.url.as_str()) {
                urls.push(&resource.url);
            }
        }
        let of_type = |url: &str| -> Vec<Vec<u8>> {
            self.resources.iter().filter(|it| it.url == url).map(|it| it.bytes.clone()).collect()
        };
        urls.into_iter().map(|url| response(url, "1", of_type(url))).collect()
    }

    pub(crate) fn source(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.resources.iter().any(|resource| resource.url == LISTENER)
    }
}

fn own_encoding(resource: &Value, url: &str) -> Result<Vec<u8>, String> {
    let mut resource = resource.clone();
    resource.as_object_mut().ok_or("not an object")?.remove("@type");
    let message = schema::message(name_of(url)).ok_or_else(|| format!("no message {url}"))?;
    json::to_wire(message, &resource, &mut Vec::new()).map_err(|error| error.to_string())
}

/// All files below the folder of scenarios, sorted.
pub(crate) fn all(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
    };
    let mut paths: Vec<PathBuf> = list(folder).iter().flat_map(|source| list(source)).collect();
    paths.sort();
    paths
}
