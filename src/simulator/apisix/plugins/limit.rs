//! The plugins limit-count, limit-req and limit-conn, as the first request of a client meets them.

use crate::apisix::decision::Count;
use crate::apisix::exchange::Exchange;
use crate::apisix::fields::{Fields, scalar};
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::template;
use crate::apisix::vars::Value;

/// A configured limit whose counters are untouched.
#[derive(Debug)]
pub(in crate::apisix) struct Limit {
    plugin: &'static str,
    key: String,
    kind: Kind,
    /// `count` and the window in seconds, when the response tells them.
    quota: Option<(String, String)>,
    /// What of the configuration is not modelled.
    not_modelled: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Variable,
    Combination,
    Constant,
}

impl Limit {
    pub(in crate::apisix) fn count(fields: &Fields) -> Result<Self, Refusal> {
        let mut limit = Self::read("limit-count", fields, &["var", "var_combination", "constant"], "remote_addr")?;
        if fields.has("rules") == (fields.has("count") && fields.has("time_window")) {
            return Err(fields.refuse("", "value should match only one schema"));
        }
        let number = |name| fields.get(name).filter(|value| value.is_number()).and_then(scalar);
        let quota = number("count").zip(number("time_window"));
        if quota.is_none() || fields.has("group") {
            limit.not_modelled.get_or_insert_with(|| "limit-count with a group, rules or variables".into());
        }
        limit.quota = quota.filter(|_| fields.flag("show_limit_quota_header").ok().flatten().unwrap_or(true));
        Ok(limit)
    }

    pub(in crate::apisix) fn req(fields: &Fields) -> Result<Self, Refusal> {
        for (name, least) in [("rate", f64::MIN_POSITIVE), ("burst", 0.0)] {
            fields.number(name, least..=f64::MAX)?.ok_or_else(|| fields.refuse(name, "is required"))?;
        }
        Self::read("limit-req", fields, &["var", "var_combination"], "")
    }

    pub(in crate::apisix) fn conn(fields: &Fields) -> Result<Self, Refusal> {
        if !fields.has("default_conn_delay") {
            return Err(fields.refuse("default_conn_delay", "is required"));
        }
        Self::read("limit-conn", fields, &["var", "var_combination"], "")
    }

    fn read(plugin: &'static str, fields: &Fields, kinds: &[&str], key: &str) -> Result<Self, Refusal> {
        let policy = fields.text("policy")?.filter(|policy| *policy != "local");
        let lacking = policy.or(fields.has("rules").then_some("rules"));
        let kind = match fields.choice("key_type", kinds)? {
            Some("var_combination") => Kind::Combination,
            Some("constant") => Kind::Constant,
            _ => Kind::Variable,
        };
        let key = fields.text("key")?.unwrap_or(key);
        if key.is_empty() && lacking.is_none() {
            return Err(fields.refuse("key", "is required"));
        }
        let not_modelled = lacking.map(|lacking| format!("{lacking} of {plugin}"));
        Ok(Self { plugin, key: key.into(), kind, quota: None, not_modelled })
    }

    /// Without a value the address of the client is the key.
    fn key(&self, exchange: &Exchange) -> Result<Vec<u8>, Stop> {
        let vars = &exchange.vars;
        match self.kind {
            Kind::Constant => return Ok(self.key.clone().into_bytes()),
            Kind::Combination if template::resolves_any(&self.key, vars)? => {
                return template::resolve(&self.key, vars);
            }
            Kind::Variable if vars.get(&self.key)? != Value::Absent => return vars.text(&self.key),
            _ => {}
        }
        vars.text("remote_addr")
    }
}

impl Plugin for Limit {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        if let Some(what) = &self.not_modelled {
            return Err(Stop::not_modelled(what));
        }
        let key = self.key(exchange)?;
        if exchange.counted.iter().any(|count| count.plugin == self.plugin) {
            return Err(Stop::not_modelled(format!("{} twice", self.plugin)));
        }
        exchange.counted.push(Count { plugin: self.plugin.into(), key });
        if let Some((count, window)) = &self.quota {
            let left = count.parse::<f64>().map(|count| (count - 1.0).to_string()).unwrap_or_default();
            exchange.vars.response.set("X-RateLimit-Limit", count.as_bytes());
            exchange.vars.response.set("X-RateLimit-Remaining", left.as_bytes());
            exchange.vars.response.set("X-RateLimit-Reset", window.as_bytes());
        }
        Ok(Flow::Next)
    }
}
