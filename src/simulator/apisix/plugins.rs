//! The plugins of a route, as far as they decide where a request goes.

use serde_json::Value as Json;

use super::expr::Expr;
use super::fault::Fault;
use super::fields::Fields;
use super::refusal::Refusal;
use super::split::Split;
use super::stop::Stop;
use super::vars::Vars;

/// The plugins of one route after merging. What is not modelled is named.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    fault: Option<Switched<Fault>>,
    split: Option<Switched<Split>>,
    /// `host` of proxy-rewrite, a literal.
    host: Option<Switched<String>>,
    /// proxy-rewrite changes what later conditions read.
    rewrites: bool,
    not_modelled: Option<String>,
}

/// A plugin and the condition under which it runs (`_meta.filter`).
#[derive(Debug)]
struct Switched<P> {
    filter: Option<Expr>,
    plugin: P,
}

impl<P> Switched<P> {
    fn when(&self, vars: &Vars) -> Result<Option<&P>, Stop> {
        match &self.filter {
            Some(filter) if !filter.holds(vars)? => Ok(None),
            _ => Ok(Some(&self.plugin)),
        }
    }
}

fn when<'p, P>(plugin: Option<&'p Switched<P>>, vars: &Vars) -> Result<Option<&'p P>, Stop> {
    plugin.map_or(Ok(None), |plugin| plugin.when(vars))
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
        plugins.check_order();
        Ok(plugins)
    }

    pub(super) fn fault(&self, vars: &Vars) -> Result<Option<&Fault>, Stop> {
        when(self.fault.as_ref(), vars)
    }

    pub(super) fn split(&self, vars: &Vars) -> Result<Option<&Split>, Stop> {
        when(self.split.as_ref(), vars)
    }

    /// The Host header that goes upstream, when a plugin sets it.
    pub(super) fn host(&self, vars: &Vars) -> Result<Option<String>, Stop> {
        when(self.host.as_ref(), vars).map(Option::<&String>::cloned)
    }

    /// Whether one of the plugins may answer a request or choose its upstream.
    pub(super) fn decides(&self) -> bool {
        self.fault.is_some() || self.split.is_some() || self.host.is_some() || self.rewrites
    }

    pub(super) fn not_modelled(&self) -> Option<&str> {
        self.not_modelled.as_deref()
    }

    fn add(&mut self, name: &str, fields: &Fields) -> Result<(), Refusal> {
        let meta = fields.child("_meta")?;
        let meta_of = |name| meta.as_ref().and_then(|meta| meta.get(name));
        if meta_of("disable") == Some(&Json::Bool(true)) {
            return Ok(());
        }
        if meta_of("pre_function").or(meta_of("error_response")).is_some() {
            self.lacks(format!("_meta of the plugin {name}"));
        }
        let filter = match meta_of("filter") {
            Some(filter) => Some(Expr::new(filter).map_err(|why| fields.refuse("_meta", why))?),
            None => None,
        };
        match name {
            "fault-injection" => {
                self.fault = Some(Switched { filter, plugin: Fault::read(fields)? });
                if meta_of("priority").is_some() {
                    self.lacks("fault-injection out of its order");
                }
            }
            "traffic-split" => {
                self.split = Some(Switched { filter, plugin: Split::read(fields)? });
            }
            "proxy-rewrite" => self.add_proxy_rewrite(filter, fields)?,
            "response-rewrite" => self.allow(name, fields, &["headers", "vars"]),
            _ => self.lacks(format!("the plugin {name}")),
        }
        Ok(())
    }

    fn add_proxy_rewrite(&mut self, filter: Option<Expr>, fields: &Fields) -> Result<(), Refusal> {
        const HARMLESS: [&str; 5] = ["headers", "host", "method", "uri", "use_real_request_uri_unsafe"];
        self.allow("proxy-rewrite", fields, &HARMLESS);
        self.rewrites = ["headers", "method", "uri"].iter().any(|name| fields.has(name));
        let host = fields.text("host")?;
        self.host = host.map(|host| Switched { filter, plugin: host.into() });
        Ok(())
    }

    /// Settings that change neither the status nor the upstream.
    fn allow(&mut self, plugin: &str, fields: &Fields, harmless: &[&str]) {
        let other = fields.names().find(|name| *name != "_meta" && !harmless.contains(name));
        if let Some(other) = other {
            self.lacks(format!("{other} of the plugin {plugin}"));
        }
    }

    /// traffic-split runs after proxy-rewrite, so that its conditions read what that changed.
    fn check_order(&mut self) {
        let conditional = |split: &Switched<Split>| split.filter.is_some() || split.plugin.reads();
        if self.rewrites && self.split.as_ref().is_some_and(conditional) {
            self.lacks("conditions of traffic-split on a rewritten request");
        }
    }

    fn lacks(&mut self, what: impl Into<String>) {
        self.not_modelled.get_or_insert(what.into());
    }
}
