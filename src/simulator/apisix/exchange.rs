//! One request on its way through the plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decision::{Cause, Count, PluginStep};
use super::forward::{Authorization, Mirror};
use super::plugin::{Exit, Flow, Phase, Way};
use super::plugins::Instance;
use super::plugins::split::SplitTarget;
use super::stop::Stop;
use super::vars::Vars;

/// A request and everything that plugins decided about it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) vars: Vars,
    /// The Host header that a plugin set.
    pub(super) host: Option<String>,
    /// Whether the target was replaced, so that the one that came in does not go out as it was.
    pub(super) rewritten: bool,
    /// The groups of the regex that rewrote the path.
    pub(super) captures: Vec<Option<Vec<u8>>>,
    /// The header `Origin`, once cors looked at it.
    pub(super) origin: Option<Vec<u8>>,
    /// The id that request-id puts into the response.
    pub(super) request_id: Option<Vec<u8>>,
    pub(super) target: Option<SplitTarget>,
    pub(super) mirror: Option<Mirror>,
    pub(super) authorization: Option<Authorization>,
    pub(super) counted: Vec<Count>,
    pub(super) steps: Vec<PluginStep>,
    pub(super) share: f64,
    pub(super) delay: f64,
    /// What `_meta.filter` of a plugin gave: it is evaluated once.
    filters: BTreeMap<(bool, String), bool>,
}

/// A plugin of a global rule (`true`) or of the route.
pub(super) type Placed = (bool, Arc<Instance>);

/// Where a way through the plugins ends.
#[derive(Debug)]
pub(super) enum End {
    Answered(Exit),
    Proceeds,
    Stopped(Stop),
}

impl Exchange {
    pub(super) fn new(vars: Vars) -> Self {
        Self {
            vars,
            host: None,
            rewritten: false,
            captures: Vec::new(),
            origin: None,
            request_id: None,
            target: None,
            mirror: None,
            authorization: None,
            counted: Vec::new(),
            steps: Vec::new(),
            share: 1.0,
            delay: 0.0,
            filters: BTreeMap::new(),
        }
    }

    /// Runs one plugin in one phase.
    pub(super) fn run(&mut self, global: bool, instance: &Instance, phase: Phase) -> Result<Flow, Stop> {
        if !instance.plugin.phases().contains(&phase) {
            return Ok(Flow::Next);
        }
        let ran = self.passes(global, instance)?;
        let plugin = instance.name.clone();
        match phase {
            Phase::Rewrite => self.steps.push(PluginStep { plugin, global, phase: "rewrite", ran }),
            Phase::Access => self.steps.push(PluginStep { plugin, global, phase: "access", ran }),
            Phase::Response => {}
        }
        if !ran {
            return Ok(Flow::Next);
        }
        Ok(match instance.plugin.run(phase, self)? {
            Flow::Next => Flow::Next,
            Flow::Exit(exit) => Flow::Exit(instance.sign(exit)),
            Flow::Choice(ways) => {
                let sign = |way: Way| Way { exit: way.exit.map(|exit| instance.sign(exit)), ..way };
                Flow::Choice(ways.into_iter().map(sign).collect())
            }
        })
    }

    fn passes(&mut self, global: bool, instance: &Instance) -> Result<bool, Stop> {
        let Some(filter) = &instance.filter else { return Ok(true) };
        let key = (global, instance.name.clone());
        if let Some(known) = self.filters.get(&key) {
            return Ok(*known);
        }
        let passes = filter.holds(&self.vars)?;
        self.filters.insert(key, passes);
        Ok(passes)
    }

    /// Takes one way of a choice.
    fn take(&mut self, way: &Way) {
        self.share *= way.share;
        self.delay += way.delay;
        if way.target.is_some() {
            self.target.clone_from(&way.target);
        }
    }
}

/// Runs plugins, each in its phase, and collects where that ends: once, or once for each combination of
/// choices.
pub(super) fn walk(mut exchange: Exchange, stages: &[(Phase, Placed)], ends: &mut Vec<(Exchange, End)>) {
    let mut rest = stages;
    while let Some(((phase, (global, instance)), after)) = rest.split_first() {
        rest = after;
        match exchange.run(*global, instance, *phase) {
            Ok(Flow::Next) => {}
            Ok(Flow::Exit(exit)) => return ends.push((exchange, End::Answered(exit))),
            Err(stop) => return ends.push((exchange, End::Stopped(stop))),
            Ok(Flow::Choice(ways)) => {
                for way in ways {
                    let mut exchange = exchange.clone();
                    exchange.take(&way);
                    match way.exit {
                        Some(exit) => ends.push((exchange, End::Answered(exit))),
                        None => walk(exchange, rest, ends),
                    }
                }
                return;
            }
        }
    }
    ends.push((exchange, End::Proceeds));
}

/// An end by an error of the configuration.
pub(super) fn failed(status: u16, why: impl Into<String>) -> End {
    End::Answered(Exit { cause: Cause::Failure(why.into()), ..Exit::new(status, None) })
}
