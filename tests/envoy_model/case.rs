//! A configuration and requests to it.

use std::path::Path;

use amesh_simulator::Request;
use amesh_tests::files::json as read_json;
use amesh_tests::http::free_port;
use amesh_tests::message::{CLUSTER, LISTENER};
use serde_json::{Value, json};

use crate::backends::Backends;

/// One listener and requests to it.
pub(crate) struct Case {
    pub(crate) name: String,
    /// `envoy.config.listener.v3.Listener`, without `@type`.
    pub(crate) listener: Value,
    pub(crate) requests: Vec<Probe>,
    /// `envoy.config.cluster.v3.Cluster` of its own; an `endpoint` may be the name of a backend.
    pub(crate) clusters: Vec<Value>,
    /// How often each request is sent. If more than once, all that the model says happens has to happen.
    pub(crate) times: u64,
    /// Codes of the only differences that there may be between Envoy and APISIX; `None`: any that are declared.
    pub(crate) declared: Option<Vec<String>>,
}

/// A request.
pub(crate) struct Probe {
    pub(crate) text: String,
    pub(crate) request: Request,
    /// Whether the model is expected not to know.
    pub(crate) not_modelled: bool,
}

const MANAGER: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

impl Case {
    /// The same for a port that nobody has.
    pub(crate) fn read(file: &Path) -> Self {
        Self::read_at(file, free_port().port())
    }

    /// Reads `{"about": ..., "declared": [...], "manager": {...}, "clusters": [...], "requests": [...], "times": 1}`. The
    /// manager lacks what is always the same. `<PORT>` is the port of the listener.
    pub(crate) fn read_at(file: &Path, port: u16) -> Self {
        let content = read_json(file);
        let content: Value =
            serde_json::from_str(&content.to_string().replace("<PORT>", &port.to_string())).expect("JSON");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let requests = content["requests"].as_array().expect("requests");
        let requests = requests.iter().map(|text| Probe::parse(text.as_str().expect("text"), port)).collect();
        let declared = content["declared"].as_array().into_iter().flatten();
        let declared = declared.map(|code| code.as_str().expect("a code").to_owned()).collect();
        let clusters = content["clusters"].as_array().cloned().unwrap_or_default();
        let times = content["times"].as_u64().unwrap_or(1);
        let new = Self::new(name, port, content["manager"].clone(), requests);
        Self { declared: Some(declared), clusters, times, ..new }
    }

    pub(crate) fn new(name: String, port: u16, mut manager: Value, requests: Vec<Probe>) -> Self {
        manager["@type"] = json!(MANAGER);
        manager["stat_prefix"] = json!("http");
        let mut filters = manager["http_filters"].as_array().cloned().unwrap_or_default();
        filters.push(json!({"name": "envoy.filters.http.router", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}));
        manager["http_filters"] = json!(filters);
        let listener = json!({"name": name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]});
        Self { name, listener, requests, clusters: Vec::new(), times: 1, declared: None }
    }

    /// The listener and the clusters, each with its `@type`.
    pub(crate) fn resources(&self, backends: &Backends) -> Vec<Value> {
        let typed = |url: &str, mut resource: Value| {
            resource["@type"] = json!(url);
            resource
        };
        let clusters = backends.clusters().into_iter().chain(backends.addressed(&self.clusters));
        let clusters = clusters.map(|cluster| typed(CLUSTER, cluster));
        clusters.chain([typed(LISTENER, self.listener.clone())]).collect()
    }
}

impl Probe {
    /// Reads `METHOD HOST TARGET | name: value | ...`; after a question mark the model is expected not to know. The
    /// host `-` is none.
    pub(crate) fn parse(text: &str, port: u16) -> Self {
        let (not_modelled, plain) = match text.strip_prefix("? ") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = plain.split(" | ");
        let line: Vec<&str> = parts.next().expect("a request line").split(' ').collect();
        let [method, host, target] = line.as_slice() else { panic!("{text}: METHOD HOST TARGET") };
        let mut request = Request::get(host, *target).with_method(method);
        if *host == "-" {
            request.headers.clear();
        }
        for header in parts {
            let (name, value) = header.split_once(':').expect("a header");
            request = request.with_header(name, value.trim());
        }
        request.server_port = port;
        Self { text: text.into(), request, not_modelled }
    }
}
