//! The plugin fault-injection.

use serde_json::Value as Json;

use super::decision::{Body, Cause, Reply};
use super::expr::Expr;
use super::fields::{FROM_ZERO, Fields};
use super::number;
use super::refusal::Refusal;
use super::stop::Stop;
use super::template;
use super::vars::Vars;

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

/// One way a request may leave the plugin.
pub(super) struct Fate {
    pub(super) share: f64,
    pub(super) delay: f64,
    /// `None`: it goes on.
    pub(super) abort: Option<Reply>,
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

    /// All the ways, those with share 0 left out. Delay and abort are drawn independently.
    pub(super) fn fates(&self, vars: &Vars) -> Result<Vec<Fate>, Stop> {
        let abort = match &self.abort {
            Some(abort) => split(abort.chance.now(vars)?, Some(abort)),
            None => vec![(1.0, None)],
        };
        let delay = match &self.delay {
            Some(delay) => split(delay.chance.now(vars)?, Some(delay)),
            None => vec![(1.0, None)],
        };
        let mut fates = Vec::new();
        for (abort_share, abort) in &abort {
            for (delay_share, delay) in &delay {
                fates.push(Fate {
                    share: abort_share * delay_share,
                    delay: delay.map_or(0.0, |delay| delay.seconds),
                    abort: abort.map(|abort| abort.reply(vars)).transpose()?,
                });
            }
        }
        Ok(fates)
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
            headers: headers(fields)?,
            body: fields.text("body")?.map(Into::into),
        })
    }

    fn reply(&self, vars: &Vars) -> Result<Reply, Stop> {
        let header = |(name, template): &(String, String)| {
            let value = template::resolve(template, vars)?;
            Ok((name.clone(), String::from_utf8_lossy(&value).into_owned()))
        };
        let body = match &self.body {
            Some(body) => Body::Bytes(template::resolve(body, vars)?),
            None => Body::ErrorPage,
        };
        let headers = self.headers.iter().map(header).collect::<Result<_, Stop>>()?;
        Ok(Reply { status: self.status, headers, body, cause: Cause::Abort })
    }
}

fn headers(fields: &Fields) -> Result<Vec<(String, String)>, Refusal> {
    let Some(headers) = fields.child("headers")? else { return Ok(Vec::new()) };
    let value = |name: &str| match headers.get(name) {
        Some(Json::String(text)) => Ok((name.to_owned(), text.clone())),
        Some(Json::Number(number)) => Ok((name.to_owned(), number::text(number.as_f64().unwrap_or_default()))),
        _ => Err(headers.refuse(name, "value should match only one schema")),
    };
    headers.names().map(value).collect()
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
