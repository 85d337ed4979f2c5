//! The plugins of routes and global rules: reading, merging, order.

pub(super) mod auth;
pub(super) mod client;
pub(super) mod compress;
pub(super) mod cors;
pub(super) mod fault;
pub(super) mod forward_auth;
pub(super) mod label;
pub(super) mod limit;
pub(super) mod mirror;
pub(super) mod mocking;
pub(super) mod redirect;
pub(super) mod request_id;
pub(super) mod response_rewrite;
pub(super) mod rewrite;
pub(super) mod split;

use std::sync::Arc;

use serde_json::Value as Json;

use super::decision::Cause;
use super::expr::Expr;
use super::fields::Fields;
use super::plugin::{Exit, Plugin, json};
use super::refusal::Refusal;

/// A plugin of a route or a global rule, with what `_meta` says about it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: String,
    /// Of several plugins the one with the highest runs first.
    priority: f64,
    pub(super) filter: Option<Expr>,
    /// Replaces the body of refusals.
    error_response: Option<Json>,
    pub(super) plugin: Box<dyn Plugin>,
}

/// The plugins of one route after merging, in order.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    pub(super) instances: Vec<Arc<Instance>>,
    /// What is used and not modelled.
    pub(super) not_modelled: Option<String>,
}

impl Instance {
    /// Puts the plugin's name, and the body that `_meta` asks for, on an answer of it.
    pub(super) fn sign(&self, exit: Exit) -> Exit {
        let body = match &self.error_response {
            Some(Json::String(text)) if exit.status >= 400 => Some(text.clone().into_bytes()),
            Some(value) if exit.status >= 400 => Some(json(value)),
            _ => exit.body,
        };
        Exit { body, cause: Cause::Plugin(self.name.clone()), ..exit }
    }
}

impl Plugins {
    /// Reads the field `plugins` of several objects; of two configurations of one plugin the
    /// earlier object's counts, whole.
    pub(super) fn read(layers: &[&Fields]) -> Result<Self, Refusal> {
        let mut plugins = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for layer in layers {
            if layer.has("script") {
                plugins.lacks("a script in place of plugins");
            }
            let Some(configured) = layer.child("plugins")? else { continue };
            for name in configured.names().filter(|name| !seen.contains(name)).collect::<Vec<_>>() {
                seen.push(name);
                if let Some(fields) = configured.child(name)? {
                    plugins.add(name, &fields)?;
                }
            }
        }
        plugins.sort();
        Ok(plugins)
    }

    /// The plugins of all global rules. One that is in two of them does not run at all.
    pub(super) fn of_global_rules(rules: &[&Fields]) -> Result<Self, Refusal> {
        let mut all = Self::default();
        for rule in rules {
            let plugins = Self::read(&[rule])?;
            all.not_modelled = all.not_modelled.or(plugins.not_modelled);
            all.instances.extend(plugins.instances);
        }
        let times = |name: &str| all.instances.iter().filter(|other| other.name == name).count();
        let once: Vec<bool> = all.instances.iter().map(|instance| times(&instance.name) == 1).collect();
        let mut once = once.into_iter();
        all.instances.retain(|_| once.next().unwrap_or(false));
        all.sort();
        Ok(all)
    }

    fn add(&mut self, name: &str, fields: &Fields) -> Result<(), Refusal> {
        let meta = fields.child("_meta")?;
        let meta_of = |name| meta.as_ref().and_then(|meta| meta.get(name));
        if meta_of("disable") == Some(&Json::Bool(true)) {
            return Ok(());
        }
        if meta_of("pre_function").is_some() {
            self.lacks(format!("_meta.pre_function of the plugin {name}"));
        }
        let is_secret = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.starts_with("$env://") || text.starts_with("$secret://")
        };
        if fields.texts_within().any(is_secret) {
            self.lacks(format!("a secret in the plugin {name}"));
        }
        let filter = match meta_of("filter") {
            Some(filter) => Some(Expr::new(filter).map_err(|why| fields.refuse("_meta", why))?),
            None => None,
        };
        let Some((priority, plugin)) = read(name, fields)? else {
            self.lacks(format!("the plugin {name}"));
            return Ok(());
        };
        let priority = meta_of("priority").and_then(Json::as_f64).unwrap_or(priority);
        let error_response = meta_of("error_response").cloned();
        self.instances.push(Arc::new(Instance { name: name.into(), priority, filter, error_response, plugin }));
        Ok(())
    }

    fn sort(&mut self) {
        self.instances.sort_by(|one, other| other.priority.total_cmp(&one.priority));
        let mut pairs = self.instances.iter().zip(self.instances.iter().skip(1));
        if let Some((one, other)) = pairs.find(|(one, other)| one.priority.total_cmp(&other.priority).is_eq()) {
            let what = format!("the order of {} and {}, which have the same priority", one.name, other.name);
            self.lacks(what);
        }
    }

    fn lacks(&mut self, what: impl Into<String>) {
        self.not_modelled.get_or_insert(what.into());
    }
}

/// A plugin with its priority.
type Known = (f64, Box<dyn Plugin>);

/// A plugin by its name; `None`: it is not modelled.
fn read(name: &str, fields: &Fields) -> Result<Option<Known>, Refusal> {
    fn boxed<P: Plugin + 'static>(plugin: Result<P, Refusal>) -> Result<Box<dyn Plugin>, Refusal> {
        plugin.map(|plugin| Box::new(plugin) as Box<dyn Plugin>)
    }
    Ok(Some(match name {
        "client-control" => (22000.0, boxed(client::Control::read(fields))?),
        "request-id" => (12015.0, boxed(request_id::RequestId::read(fields))?),
        "fault-injection" => (11000.0, boxed(fault::Fault::read(fields))?),
        "mocking" => (10900.0, boxed(mocking::Mocking::read(fields))?),
        "cors" => (4000.0, boxed(cors::Cors::read(fields))?),
        "ip-restriction" => (3000.0, boxed(client::IpRestriction::read(fields))?),
        "basic-auth" => (2520.0, boxed(auth::Auth::basic(fields))?),
        "jwt-auth" => (2510.0, boxed(auth::Auth::jwt(fields))?),
        "key-auth" => (2500.0, boxed(auth::Auth::key(fields))?),
        "forward-auth" => (2002.0, boxed(forward_auth::ForwardAuth::read(fields))?),
        "proxy-mirror" => (1010.0, boxed(mirror::ProxyMirror::read(fields))?),
        "proxy-rewrite" => (1008.0, boxed(rewrite::Rewrite::read(fields))?),
        "limit-conn" => (1003.0, boxed(limit::Limit::conn(fields))?),
        "limit-count" => (1002.0, boxed(limit::Limit::count(fields))?),
        "limit-req" => (1001.0, boxed(limit::Limit::req(fields))?),
        "brotli" => (996.0, boxed(compress::Compress::brotli(fields))?),
        "gzip" => (995.0, boxed(compress::Compress::gzip(fields))?),
        "traffic-label" => (967.0, boxed(label::Label::read(fields))?),
        "traffic-split" => (966.0, boxed(split::Split::read(fields))?),
        "redirect" => (900.0, boxed(redirect::Redirect::read(fields))?),
        "response-rewrite" => (899.0, boxed(response_rewrite::ResponseRewrite::read(fields))?),
        _ => return Ok(None),
    }))
}
