//! What a document is.

use super::collect::Collector;
use super::lookup::{get, items, type_name};
use super::{InputError, bootstrap, cluster_status, config_dump};
use serde_json::Value;

/// The kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An Envoy bootstrap.
    Bootstrap,
    /// What Envoy answers to a dump of its configuration.
    ConfigDump,
    /// An xDS response.
    DiscoveryResponse,
    /// Lists of resources by type.
    Scenario,
    /// One resource.
    Resource,
    /// A list of resources.
    List,
}

/// The lists of a scenario, and what their items are.
const LISTS: [(&str, &str); 6] = [
    ("listeners", "envoy.config.listener.v3.Listener"),
    ("routes", "envoy.config.route.v3.RouteConfiguration"),
    ("clusters", "envoy.config.cluster.v3.Cluster"),
    ("endpoints", "envoy.config.endpoint.v3.ClusterLoadAssignment"),
    ("secrets", "envoy.extensions.transport_sockets.tls.v3.Secret"),
    ("scoped_routes", "envoy.config.route.v3.ScopedRouteConfiguration"),
];

/// Fields that only one resource type has, for resources without `"@type"`.
const TELLING: [(&str, &str); 16] = [
    ("filter_chains", "envoy.config.listener.v3.Listener"),
    ("default_filter_chain", "envoy.config.listener.v3.Listener"),
    ("listener_filters", "envoy.config.listener.v3.Listener"),
    ("api_listener", "envoy.config.listener.v3.Listener"),
    ("traffic_direction", "envoy.config.listener.v3.Listener"),
    ("virtual_hosts", "envoy.config.route.v3.RouteConfiguration"),
    ("validate_clusters", "envoy.config.route.v3.RouteConfiguration"),
    ("cluster_name", "envoy.config.endpoint.v3.ClusterLoadAssignment"),
    ("load_assignment", "envoy.config.cluster.v3.Cluster"),
    ("eds_cluster_config", "envoy.config.cluster.v3.Cluster"),
    ("lb_policy", "envoy.config.cluster.v3.Cluster"),
    ("connect_timeout", "envoy.config.cluster.v3.Cluster"),
    ("circuit_breakers", "envoy.config.cluster.v3.Cluster"),
    ("type", "envoy.config.cluster.v3.Cluster"),
    ("cluster_type", "envoy.config.cluster.v3.Cluster"),
    ("tls_certificate", "envoy.extensions.transport_sockets.tls.v3.Secret"),
];

/// Members of a bootstrap that nothing else has.
const BOOTSTRAP: [&str; 5] = ["static_resources", "dynamic_resources", "admin", "layered_runtime", "node"];

/// Finds out what a document is.
pub(crate) fn detect(value: &Value) -> Result<Kind, InputError> {
    let has = |name: &&str| get(value, name).is_some();
    match value {
        Value::Array(_) => Ok(Kind::List),
        Value::Object(_) => match type_name(value) {
            Some("envoy.config.bootstrap.v3.Bootstrap") => Ok(Kind::Bootstrap),
            Some("envoy.service.discovery.v3.DiscoveryResponse") => Ok(Kind::DiscoveryResponse),
            Some(name) if config_dump::is_part(name) => Ok(Kind::ConfigDump),
            Some(_) => Ok(Kind::Resource),
            None if BOOTSTRAP.iter().any(has) => Ok(Kind::Bootstrap),
            None if has(&"configs") || has(&"bootstrap") => Ok(Kind::ConfigDump),
            None if has(&"resources") => Ok(Kind::DiscoveryResponse),
            None if cluster_status::is_list(value) => Ok(Kind::List),
            None if LISTS.iter().any(|(name, _)| items(value, name).any(|(_, item)| type_name(item).is_some())) => {
                Ok(Kind::Scenario)
            }
            None if guess(value).is_some() => Ok(Kind::Resource),
            None if LISTS.iter().any(|(name, _)| get(value, name).is_some_and(Value::is_array)) => Ok(Kind::Scenario),
            None => Err(InputError::UnknownKind("an object that is no resource, bootstrap or dump")),
        },
        _ => Err(InputError::UnknownKind("neither an object nor a list")),
    }
}

/// The type of a resource that does not say it.
pub(super) fn guess(value: &Value) -> Option<&'static str> {
    TELLING.iter().find(|(field, _)| get(value, field).is_some()).map(|(_, name)| *name)
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] =
        [Kind::Bootstrap, Kind::ConfigDump, Kind::DiscoveryResponse, Kind::Scenario, Kind::Resource, Kind::List];

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As users spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::ConfigDump => "config-dump",
            Self::DiscoveryResponse => "discovery-response",
            Self::Scenario => "scenario",
            Self::Resource => "resource",
            Self::List => "list",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Bootstrap => "An Envoy bootstrap",
            Self::ConfigDump => "What Envoy answers to a dump of its configuration",
            Self::DiscoveryResponse => "An xDS response",
            Self::Scenario => "Lists of resources by type",
            Self::Resource => "One resource",
            Self::List => "A list of resources",
        }
    }

    /// Takes the resources out of a document of this kind.
    pub(super) fn take(self, value: &Value, collector: &mut Collector) -> Result<(), InputError> {
        let wrong = |expected| InputError::WrongKind { wanted: self.name(), expected };
        if !value.is_object() && self != Self::List {
            return Err(wrong("an object is expected"));
        }
        match self {
            Self::Bootstrap => bootstrap::take(value, collector),
            Self::ConfigDump => config_dump::take(value, collector),
            Self::DiscoveryResponse => response(value, collector),
            Self::Scenario => scenario(value, collector),
            Self::Resource => collector.resource(None, value, ""),
            Self::List if cluster_status::is_list(value) => cluster_status::take(value, collector),
            Self::List => list(value.as_array().ok_or_else(|| wrong("a list is expected"))?, collector),
        }
        Ok(())
    }
}

fn response(value: &Value, collector: &mut Collector) {
    let of_all = super::lookup::text(value, "type_url").and_then(|url| url.rsplit('/').next()).map(str::to_owned);
    for (index, item) in items(value, "resources") {
        collector.resource(of_all.as_deref(), item, &format!("resources[{index}]"));
    }
}

fn scenario(value: &Value, collector: &mut Collector) {
    for (name, type_name) in LISTS {
        for (index, item) in items(value, name) {
            collector.resource(Some(type_name), item, &format!("{name}[{index}]"));
        }
    }
    // The corpus keeps what it has no list for under this name.
    for (index, item) in items(value, "extensions") {
        collector.resource(None, item, &format!("extensions[{index}]"));
    }
}

fn list(list: &[Value], collector: &mut Collector) {
    // Resources that tell speak for those that do not.
    let of_all = list.iter().find_map(guess);
    for (index, item) in list.iter().enumerate() {
        collector.resource(guess(item).or(of_all), item, &format!("[{index}]"));
    }
}
