//! A document of APISIX's standalone mode, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::consumer::Consumer;
use super::expr::Expr;
use super::fields::{Fields, is_host};
use super::forward::Timeout;
use super::ip::IpSet;
use super::plugins::Plugins;
use super::refusal::Refusal;
use super::upstream::{self, Upstream};

/// Everything that the model reads of a document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) routes: Vec<Arc<Route>>,
    pub(super) upstreams: BTreeMap<String, Upstream>,
    pub(super) global: Plugins,
    pub(super) consumers: Vec<Consumer>,
    /// Whether some TLS certificate asks clients for theirs, which is not modelled either.
    pub(super) asks_for_client_certificates: bool,
}

/// A route with what it inherits from its service and plugin configuration.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: Arc<str>,
    pub(super) uris: Vec<String>,
    /// In lower case.
    pub(super) hosts: Option<Vec<String>>,
    /// Empty: any.
    pub(super) methods: Vec<String>,
    pub(super) priority: f64,
    pub(super) remote_addrs: Option<IpSet>,
    pub(super) vars: Option<Expr>,
    pub(super) has_filter_func: bool,
    pub(super) plugins: Plugins,
    pub(super) upstream_id: Option<String>,
    pub(super) upstream: Option<Upstream>,
    pub(super) timeout: Option<Timeout>,
    pub(super) websocket: bool,
    /// The status with which requests fail because something that the route names is missing.
    pub(super) missing: Option<(u16, String)>,
}

type Objects<'d> = BTreeMap<String, Fields<'d>>;

impl Document {
    pub(super) fn read(document: &Json) -> Result<Self, Refusal> {
        let document = Fields::new(String::new(), document)?;
        let services = objects(&document, "services")?;
        let plugin_configs = objects(&document, "plugin_configs")?;
        for fields in services.values().chain(plugin_configs.values()) {
            Plugins::read(&[fields])?;
            upstream_of(fields, None)?;
            hosts(fields, None)?;
        }
        let upstreams = objects(&document, "upstreams")?;
        let upstreams = upstreams.iter().map(|(id, fields)| Ok((id.clone(), Upstream::read(fields)?)));
        let read = |(id, fields)| route(id, &fields, &services, &plugin_configs);
        let routes = collection(&document, "routes")?.into_iter().map(read);
        Ok(Self {
            upstreams: upstreams.collect::<Result<_, Refusal>>()?,
            routes: routes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
            global: global_rules(&document)?,
            consumers: consumers(&document)?,
            asks_for_client_certificates: objects(&document, "ssls")?.values().any(|fields| fields.has("client")),
        })
    }
}

/// The objects of a collection in order, with their ids.
fn collection<'d>(document: &Fields<'d>, name: &str) -> Result<Vec<(String, Fields<'d>)>, Refusal> {
    let mut ids = BTreeSet::new();
    let mut items = Vec::new();
    for (at, fields) in document.children(name)?.unwrap_or_default().into_iter().enumerate() {
        // Compared before numbers become texts: 7 and "7" are not the same here.
        if let Some(id) = fields.get("id").map(ToString::to_string)
            && !ids.insert(id.clone())
        {
            return Err(Refusal::Duplicate { collection: name.into(), id });
        }
        let unnamed = || format!("arr_{}", at.saturating_add(1));
        items.push((fields.id("id")?.unwrap_or_else(unnamed), fields));
    }
    Ok(items)
}

fn objects<'d>(document: &Fields<'d>, name: &str) -> Result<Objects<'d>, Refusal> {
    collection(document, name).map(|items| items.into_iter().collect())
}

fn global_rules(document: &Fields) -> Result<Plugins, Refusal> {
    let rules = collection(document, "global_rules")?;
    Plugins::of_global_rules(&rules.iter().map(|(_, fields)| fields).collect::<Vec<_>>())
}

fn consumers(document: &Fields) -> Result<Vec<Consumer>, Refusal> {
    document.children("consumers")?.unwrap_or_default().iter().map(Consumer::read).collect()
}

const ROUTE_FIELDS: [&str; 27] = [
    "create_time",
    "desc",
    "enable_websocket",
    "filter_func",
    "host",
    "hosts",
    "id",
    "labels",
    "methods",
    "modifiedIndex",
    "name",
    "plugin_config_id",
    "plugins",
    "priority",
    "remote_addr",
    "remote_addrs",
    "script",
    "script_id",
    "service_id",
    "status",
    "timeout",
    "update_time",
    "upstream",
    "upstream_id",
    "uri",
    "uris",
    "vars",
];
const METHODS: [&str; 10] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"];
const NEEDED: [&str; 5] = ["plugins", "upstream", "upstream_id", "service_id", "script"];

/// Reads a route; `None` when it is disabled.
fn route(
    id: String,
    fields: &Fields,
    services: &Objects,
    plugin_configs: &Objects,
) -> Result<Option<Arc<Route>>, Refusal> {
    fields.only(&ROUTE_FIELDS)?;
    if !NEEDED.iter().any(|name| fields.has(name)) {
        return Err(fields.refuse("upstream", "object matches none of the required"));
    }
    let enabled = fields.integer("status", 0.0..=1.0)?.unwrap_or(1.0) > 0.0;
    let service = reference(fields, "service_id", services)?;
    let plugin_config = reference(fields, "plugin_config_id", plugin_configs)?;
    let layers = [Some(fields), plugin_config.found, service.found];
    let layers: Vec<&Fields> = layers.into_iter().flatten().collect();
    let (upstream_id, upstream) = upstream_of(fields, service.found)?;
    let route = Route {
        id: id.into(),
        uris: uris(fields)?,
        hosts: hosts(fields, service.found)?,
        methods: methods(fields)?,
        priority: fields.integer("priority", f64::MIN..=f64::MAX)?.unwrap_or_default(),
        remote_addrs: remote_addrs(fields)?,
        vars: vars(fields)?,
        has_filter_func: filter_func(fields)?,
        plugins: Plugins::read(&layers)?,
        upstream_id,
        upstream,
        timeout: upstream::timeout(fields)?,
        websocket: websocket(fields, service.found)?,
        missing: plugin_config.missing(503).or(service.missing(404)),
    };
    Ok(enabled.then(|| Arc::new(route)))
}

/// Another object that a route names.
struct Reference<'o, 'd> {
    id: Option<String>,
    found: Option<&'o Fields<'d>>,
}

impl Reference<'_, '_> {
    fn missing(&self, status: u16) -> Option<(u16, String)> {
        let id = self.id.as_ref().filter(|_| self.found.is_none())?;
        Some((status, format!("the route names {id}, which does not exist")))
    }
}

fn reference<'o, 'd>(fields: &Fields, name: &str, objects: &'o Objects<'d>) -> Result<Reference<'o, 'd>, Refusal> {
    let id = fields.id(name)?;
    let found = id.as_ref().and_then(|id| objects.get(id));
    Ok(Reference { id, found })
}

/// An upstream id wins over an inline upstream, and the route wins over its service.
fn upstream_of(route: &Fields, service: Option<&Fields>) -> Result<(Option<String>, Option<Upstream>), Refusal> {
    for fields in [Some(route), service].into_iter().flatten() {
        let inline = fields.child("upstream")?.map(|upstream| Upstream::read(&upstream));
        let found = (fields.id("upstream_id")?, inline.transpose()?);
        if !matches!(found, (None, None)) {
            return Ok(found);
        }
    }
    Ok((None, None))
}

/// The service's counts where the route says nothing.
fn websocket(route: &Fields, service: Option<&Fields>) -> Result<bool, Refusal> {
    let own = route.flag("enable_websocket")?;
    let inherited = service.map_or(Ok(None), |service| service.flag("enable_websocket"))?;
    Ok(own.or(inherited).unwrap_or(false))
}

fn uris(fields: &Fields) -> Result<Vec<String>, Refusal> {
    let uris = fields.one_or_more("uri", "uris")?;
    let uris = uris.ok_or_else(|| fields.refuse("uri", "value should match only one schema"))?;
    match fields.text("uri")?.map(|uri| uri.chars().count()) {
        Some(0 | 4097..) => Err(fields.refuse("uri", "expected 1 to 4096 characters")),
        _ => Ok(uris.into_iter().map(Into::into).collect()),
    }
}

fn hosts(fields: &Fields, service: Option<&Fields>) -> Result<Option<Vec<String>>, Refusal> {
    let own = fields.one_or_more("host", "hosts")?;
    let hosts = match (own, service) {
        (None, Some(service)) => service.texts("hosts")?,
        (own, _) => own,
    };
    if let Some(bad) = hosts.iter().flatten().find(|host| !is_host(host)) {
        return Err(fields.refuse("hosts", format!("failed to match pattern with {bad:?}")));
    }
    Ok(hosts.map(|hosts| hosts.into_iter().map(str::to_ascii_lowercase).collect()))
}

fn methods(fields: &Fields) -> Result<Vec<String>, Refusal> {
    let methods = fields.texts("methods")?.unwrap_or_default();
    if !methods.iter().all(|method| METHODS.contains(method)) {
        return Err(fields.refuse("methods", "matches none of the enum values"));
    }
    Ok(methods.into_iter().map(Into::into).collect())
}

fn remote_addrs(fields: &Fields) -> Result<Option<IpSet>, Refusal> {
    let Some(addresses) = fields.one_or_more("remote_addr", "remote_addrs")? else {
        return Ok(None);
    };
    let set = IpSet::parse(addresses);
    set.map(Some).map_err(|message| fields.refuse("remote_addrs", message))
}

fn vars(fields: &Fields) -> Result<Option<Expr>, Refusal> {
    let Some(items) = fields.array("vars")? else { return Ok(None) };
    let refuse = |why: String| fields.refuse("vars", why);
    if let Some(name) = items.iter().find_map(bad_post_arg) {
        return Err(refuse(format!("invalid expression {name:?}")));
    }
    let rule = fields.get("vars").unwrap_or(&Json::Null);
    Expr::new(rule).map(Some).map_err(refuse)
}

/// APISIX reads what follows the tenth character of `post_arg.…` as a JSON path; of a name of one
/// character nothing is left.
fn bad_post_arg(node: &Json) -> Option<&str> {
    let items = node.as_array()?;
    match items.as_slice() {
        [Json::String(name), _, _, ..] if name.starts_with("post_arg.") => (name.len() <= 10).then_some(name),
        _ => items.iter().find_map(bad_post_arg),
    }
}

/// The text of a Lua function; whether it compiles is not known here.
fn filter_func(fields: &Fields) -> Result<bool, Refusal> {
    match fields.text("filter_func")? {
        Some(text) if text.len() < 10 || !text.starts_with("function") => {
            Err(fields.refuse("filter_func", "failed to match pattern \"^function\""))
        }
        text => Ok(text.is_some()),
    }
}
