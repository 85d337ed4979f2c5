//! The plugin fault-injection.

use crate::apisix::exchange::Exchange;
use crate::apisix::expr::Expr;
use crate::apisix::fields::{FROM_ZERO, Fields};
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin, Way};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::template;
use crate::apisix::vars::Vars;

/// A configured fault-injection.
#[derive(Debug)]
pub(super) struct Fault {
    abort: Option<Abort>,
    delay: Option<Delay>,
}

#[derive(Debug)]
struct Abort {
    chance: Chance,
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[derive(Debug)]
struct Delay {
    chance: Chance,
    seconds: f64,
}

/// When a fault strikes.
#[derive(Debug)]
struct Chance {
    /// From 0 to 1.
    probability: f64,
    /// Alternatives; `None` is always.
    vars: Option<Vec<Expr>>,
}

impl Fault {
    pub(super) fn read(fields: &Fields) -> Result<Self, Refusal> {
        if fields.names().next().is_none() {
            return Err(fields.refuse("", "expect object to have at least 1 properties"));
        }
        let abort = fields.child("abort")?.map(|abort| Abort::read(&abort)).transpose()?;
        let delay = fields.child("delay")?.map(|delay| Delay::read(&delay)).transpose()?;
        Ok(Self { abort, delay })
    }
}

impl Plugin for Fault {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    /// Delay and abort are drawn independently.
    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let abort = match &self.abort {
            Some(abort) => split(abort.chance.now(&exchange.vars)?, Some(abort)),
            None => vec![(1.0, None)],
        };
        let delay = match &self.delay {
            Some(delay) => split(delay.chance.now(&exchange.vars)?, Some(delay)),
            None => vec![(1.0, None)],
        };
        let mut ways = Vec::new();
        for (abort_share, abort) in &abort {
            for (delay_share, delay) in &delay {
                let exit = abort.map(|abort| abort.exit(&exchange.vars)).transpose()?;
                let delay = delay.map_or(0.0, |delay| delay.seconds);
                ways.push(Way { share: abort_share * delay_share, delay, exit, ..Way::default() });
            }
        }
        Ok(Flow::Choice(ways))
    }
}

/// The two sides of a draw.
fn split<T>(probability: f64, struck: Option<&T>) -> Vec<(f64, Option<&T>)> {
    let mut sides = vec![(probability, struck), (1.0 - probability, None)];
    sides.retain(|(share, _)| *share > 0.0);
    sides
}

impl Abort {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let status = fields.integer("http_status", 200.0..=f64::from(u16::MAX))?;
        Ok(Self {
            chance: Chance::read(fields)?,
            status: status.ok_or_else(|| fields.refuse("http_status", "is required"))? as u16,
            headers: fields.child("headers")?.map_or(Ok(Vec::new()), |headers| headers.scalars())?,
            body: fields.text("body")?.map(Into::into),
        })
    }

    fn exit(&self, vars: &Vars) -> Result<Exit, Stop> {
        let header = |(name, template): &(String, String)| Ok((name.clone(), template::resolve(template, vars)?));
        Ok(Exit {
            headers: self.headers.iter().map(header).collect::<Result<_, Stop>>()?,
            ..Exit::new(self.status, self.body.as_ref().map(|body| template::resolve(body, vars)).transpose()?)
        })
    }
}

impl Delay {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let seconds = fields.number("duration", FROM_ZERO)?;
        Ok(Self {
            chance: Chance::read(fields)?,
            seconds: seconds.ok_or_else(|| fields.refuse("duration", "is required"))?,
        })
    }
}

impl Chance {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let percentage = fields.integer("percentage", 0.0..=100.0)?;
        let vars = fields.array("vars")?;
        if vars.is_some_and(|vars| vars.len() > 20) {
            return Err(fields.refuse("vars", "expect array to have at most 20 items"));
        }
        let compile = |rule| Expr::new(rule).map_err(|why| fields.refuse("vars", why));
        let vars = vars.map(|vars| vars.iter().map(compile).collect::<Result<_, _>>());
        Ok(Self { probability: percentage.map_or(1.0, |percentage| percentage / 100.0), vars: vars.transpose()? })
    }

    /// The probability for this request.
    fn now(&self, vars: &Vars) -> Result<f64, Stop> {
        let Some(alternatives) = &self.vars else { return Ok(self.probability) };
        for alternative in alternatives {
            if alternative.holds(vars)? {
                return Ok(self.probability);
            }
        }
        Ok(0.0)
    }
}
