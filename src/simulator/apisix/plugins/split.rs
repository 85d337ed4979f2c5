//! The plugin traffic-split.

use std::sync::Arc;

use crate::apisix::exchange::Exchange;
use crate::apisix::expr::Expr;
use crate::apisix::fields::{FROM_ZERO, Fields};
use crate::apisix::forward;
use crate::apisix::plugin::{Flow, Phase, Plugin, Way};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::upstream::Upstream;
use crate::apisix::vars::Vars;

/// A configured traffic-split. `None`: no rules, which does nothing.
#[derive(Debug)]
pub(super) struct Split(Option<Vec<Rule>>);

#[derive(Debug)]
struct Rule {
    /// Alternatives; `None` matches always.
    alternatives: Option<Vec<Expr>>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    weight: f64,
    target: SplitTarget,
}

/// Where an entry sends a request.
#[derive(Debug, Clone)]
pub(in crate::apisix) enum SplitTarget {
    /// An upstream by id.
    Id(String),
    /// An upstream inside the plugin.
    Inline(Arc<Upstream>),
    /// What the route says itself.
    Route,
}

/// The targets of a request with their shares.
type Targets<'s> = Vec<(f64, &'s SplitTarget)>;

impl Plugin for Split {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let targets = self.targets(&exchange.vars)?;
        if targets.is_empty() {
            return Ok(Flow::Next);
        }
        let way = |(share, target): (f64, &SplitTarget)| Way { share, target: Some(target.clone()), ..Way::default() };
        Ok(Flow::Choice(targets.into_iter().map(way).collect()))
    }
}

impl Split {
    pub(super) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let Some(rules) = fields.children("rules")? else { return Ok(Self(None)) };
        rules.iter().map(Rule::read).collect::<Result<_, _>>().map(|rules| Self(Some(rules)))
    }

    /// The targets of this request; empty: the plugin does nothing. Upstreams that the rules name up
    /// to the deciding one must exist.
    fn targets(&self, vars: &Vars) -> Result<Targets<'_>, Stop> {
        let Some(rules) = &self.0 else { return Ok(Vec::new()) };
        let mut matched = true;
        for rule in rules {
            if let Some(id) = rule.ids().find(|id| !vars.common.upstreams.contains(*id)) {
                return Err(Stop::raised(format!("traffic-split names the upstream {id}")));
            }
            matched = rule.matches(vars, matched)?;
            if matched {
                return Ok(rule.targets());
            }
        }
        if matched {
            return Err(Stop::raised("traffic-split without rules"));
        }
        Ok(Vec::new())
    }
}

impl Rule {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let alternatives = fields.children("match")?;
        let alternatives = alternatives.map(|all| all.iter().map(condition).collect());
        let entries = match fields.children("weighted_upstreams")? {
            Some(entries) if !(1..=20).contains(&entries.len()) => {
                return Err(fields.refuse("weighted_upstreams", "expect 1 to 20 items"));
            }
            Some(entries) => entries.iter().map(Entry::read).collect::<Result<_, _>>()?,
            None => vec![Entry { weight: 1.0, target: SplitTarget::Route }],
        };
        Ok(Self { alternatives: alternatives.transpose()?, entries })
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.target {
            SplitTarget::Id(id) => Some(id.as_str()),
            _ => None,
        })
    }

    /// Without any alternative the verdict on the rule before stays.
    fn matches(&self, vars: &Vars, before: bool) -> Result<bool, Stop> {
        let Some(alternatives) = &self.alternatives else { return Ok(true) };
        let mut matched = before;
        for alternative in alternatives {
            matched = alternative.holds(vars)?;
            if matched {
                break;
            }
        }
        Ok(matched)
    }

    /// Entries are kept by upstream id: of several with one id, or several that mean the route's
    /// own upstream, the last one's weight counts.
    fn targets(&self) -> Targets<'_> {
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            kept.retain(|other| !other.target.is_same(&entry.target));
            kept.push(entry);
        }
        let shares = forward::shares(kept.iter().map(|entry| entry.weight));
        let targets = kept.into_iter().map(|entry| &entry.target);
        shares.into_iter().zip(targets).filter(|(share, _)| *share > 0.0).collect()
    }
}

fn condition(fields: &Fields) -> Result<Expr, Refusal> {
    let vars = fields.get("vars").ok_or_else(|| fields.refuse("vars", "missing argument rule"))?;
    Expr::new(vars).map_err(|why| fields.refuse("vars", why))
}

impl Entry {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let inline = fields.child("upstream")?.map(|upstream| Upstream::read(&upstream));
        let target = match (fields.id("upstream_id")?, inline.transpose()?) {
            (Some(id), _) => SplitTarget::Id(id),
            (None, Some(upstream)) => SplitTarget::Inline(Arc::new(upstream.without_retries())),
            (None, None) => SplitTarget::Route,
        };
        Ok(Self { weight: fields.integer("weight", FROM_ZERO)?.unwrap_or(1.0), target })
    }
}

impl SplitTarget {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Id(one), Self::Id(other)) => one == other,
            (Self::Route, Self::Route) => true,
            _ => false,
        }
    }
}
