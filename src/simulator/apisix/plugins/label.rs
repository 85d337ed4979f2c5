//! The plugin traffic-label.

use crate::apisix::exchange::Exchange;
use crate::apisix::expr::Expr;
use crate::apisix::fields::Fields;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::template;

/// A configured traffic-label: of its rules the first that matches counts.
#[derive(Debug)]
pub(in crate::apisix) struct Label(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    condition: Expr,
    /// Headers to set, of each action. APISIX takes turns between several.
    actions: Vec<Vec<(String, String)>>,
}

impl Label {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let rules = fields.children("rules")?.filter(|rules| !rules.is_empty());
        let rules = rules.ok_or_else(|| fields.refuse("rules", "is required"))?;
        rules.iter().map(Rule::read).collect::<Result<_, _>>().map(Self)
    }
}

impl Rule {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let all = serde_json::Value::Array(Vec::new());
        let condition = Expr::new(fields.get("match").unwrap_or(&all)).map_err(|why| fields.refuse("match", why))?;
        let actions = fields.children("actions")?.filter(|actions| !actions.is_empty());
        let actions = actions.ok_or_else(|| fields.refuse("actions", "is required"))?;
        let headers = |action: &Fields| {
            if let Some(name) = action.names().find(|name| !["weight", "set_headers"].contains(name)) {
                return Err(action.refuse(name, "not supported action"));
            }
            action.child("set_headers")?.map_or(Ok(Vec::new()), |headers| headers.scalars())
        };
        Ok(Self { condition, actions: actions.iter().map(headers).collect::<Result<_, _>>()? })
    }
}

impl Plugin for Label {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        for rule in &self.0 {
            if !rule.condition.holds(&exchange.vars)? {
                continue;
            }
            let [headers] = rule.actions.as_slice() else {
                return Err(Stop::not_modelled("several actions of a rule of traffic-label"));
            };
            if headers.is_empty() {
                continue;
            }
            for (name, value) in headers {
                let value = template::resolve(value, &exchange.vars)?;
                exchange.vars.set_header(name, &[value])?;
            }
            break;
        }
        Ok(Flow::Next)
    }
}
