//! HTTP filters around what a route does.
//!
//! The requests of a route are a list of shares, of which the first whose condition holds counts. A filter turns the
//! list of what comes after it into another one, so the last filter goes first. Conditions are on the request as it
//! came.

mod api_key;
mod compress;
mod condition;
mod cors;
mod csrf;
mod fault;
mod jwt;
mod limit;
mod order;
mod rbac;

pub(super) use condition::Conditions;

use std::collections::BTreeSet;
use std::fmt;

use super::guards::Requests;
use super::headers::{self, Facts, Note, Own};
use super::outcome::{Outcome, Share};
use super::partition;
use crate::apisix::{Abort, ClientControl, FaultInjection, Plugins, ResponseRewrite};
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::filter::{Config, Cors, Effective, JwtRoute, Levels, Percent};
use crate::model::headers::HeaderMutations;
use crate::report::{Place, Report};
use crate::vars::{Expr, HeaderError, HeaderMatch, Lines};

/// What filters are applied to.
pub(super) struct Context<'a> {
    /// What the connection manager does.
    pub(super) requests: &'a Requests,
    /// What is said about them, the most specific first.
    pub(super) levels: Levels<'a>,
    /// The cluster that requests go to; empty where there is none.
    pub(super) cluster: &'a str,
    /// The requests have a route.
    pub(super) has_route: bool,
    /// Requests go to a cluster, be there one or not.
    pub(super) forwards: bool,
    /// Deprecated CORS policies, the most specific first.
    pub(super) cors: Vec<&'a Cors>,
    /// Of the virtual host.
    pub(super) domains: &'a [String],
    /// What the route does to headers of responses, in Envoy's order.
    pub(super) changes: Vec<&'a HeaderMutations>,
    /// What values of headers are made of.
    pub(super) facts: Facts<'a>,
    /// What is done to the answers of the filter in question.
    pub(super) replies: Option<ResponseRewrite>,
    /// The route, or what holds the routes that the requests do not have.
    pub(super) place: &'a Place<'a>,
    pub(super) report: &'a mut Report,
}

/// Why requests are denied: what a filter does to them cannot be expressed.
pub(super) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl From<HeaderError> for Refusal {
    fn from(why: HeaderError) -> Self {
        Self(why.to_string())
    }
}

const BUFFER: &str = "a body that is too large is answered 413 before other filters run, with another text";

impl Context<'_> {
    /// What happens to the requests, filters included.
    pub(super) fn apply(mut self, shares: Vec<Share>) -> Vec<Share> {
        let mut shares = shares;
        let filters = &self.requests.filters;
        let (steps, effective) = (filters.steps(self.levels), filters.effective(self.levels));
        // What there is to say about them has been said about the route's own answers.
        let own = Some(Own { has_body: true, levels: self.changes.len() });
        self.replies = self.rewritten(&steps, Facts { own, ..self.facts }, &mut BTreeSet::new());
        for (index, (name, config)) in effective.into_iter().enumerate().rev() {
            let before = steps.get(..index).unwrap_or_default();
            let filtered = order::check(config, before).and_then(|()| self.filter(name, config, shares));
            shares = filtered.unwrap_or_else(|why| self.deny(name, &why));
        }
        shares
    }

    /// What happens to requests that have no route, for which an answer without a body is made.
    pub(super) fn apply_to_answer(self, answer: Outcome, notes: &mut BTreeSet<Note>) -> Vec<Share> {
        let own = Some(Own { has_body: false, levels: 0 });
        let steps = self.requests.filters.steps(self.levels);
        let rewrite = self.rewritten(&steps, Facts { own, ..self.facts }, notes);
        let answer = rewrite.into_iter().fold(answer, Outcome::with);
        self.apply(vec![(Expr::True, answer)])
    }

    /// What the route and these filters do to an answer: filters see it in the opposite order.
    fn rewritten(
        &self,
        steps: &[Vec<&HeaderMutations>],
        facts: Facts<'_>,
        notes: &mut BTreeSet<Note>,
    ) -> Option<ResponseRewrite> {
        let levels: Vec<&HeaderMutations> =
            self.changes.iter().copied().chain(steps.iter().rev().flatten().copied()).collect();
        let headers = headers::response(&levels, facts, notes);
        (!headers.is_empty()).then(|| ResponseRewrite { headers, ..ResponseRewrite::default() })
    }

    fn filter(&mut self, name: &str, config: Effective<'_>, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        match config {
            // What routes say about a tree says nothing where no filter is in one.
            Effective::Config(
                Config::Nothing
                | Config::Off
                | Config::PassedBy(_)
                | Config::JwtRoute(JwtRoute::Disabled)
                | Config::ExtAuthz(None),
            ) => Ok(shares),
            Effective::Unless(passes, config) => self.unless(name, passes, config, shares),
            Effective::Config(Config::Wrapped(wrapped)) => self.unless(name, &wrapped.passes, &wrapped.inner, shares),
            Effective::Config(Config::Unusable(why) | Config::ExtAuthz(Some(why))) => Err(Refusal(why.clone())),
            Effective::Config(Config::Fault(fault)) => self.fault(fault, shares),
            Effective::Config(Config::Cors(_)) => Ok(self.cors(name, shares)),
            Effective::Config(Config::Rbac(rbac)) => self.rbac(rbac, shares),
            Effective::Config(Config::Csrf(csrf)) => self.csrf(csrf, shares),
            Effective::Config(Config::HealthCheck(check)) => {
                let condition = self.headers(&check.0)?;
                Ok(self.reply_if(condition, &Abort::empty(200), shares))
            }
            Effective::Config(Config::Buffer(bytes)) => self.buffer(*bytes, shares),
            Effective::Config(Config::Limit(limit)) => self.limit(limit, shares),
            Effective::Config(config @ (Config::Compressor(_) | Config::CompressorRoute(_))) => {
                Ok(self.compress(name, config, shares))
            }
            Effective::Config(Config::Mutation(_)) => self.mutation(name, shares),
            Effective::Config(Config::Jwt(jwt)) => self.jwt(jwt, None, shares),
            Effective::Refined(Config::Jwt(jwt), Config::JwtRoute(own)) => self.jwt(jwt, Some(own), shares),
            Effective::Config(Config::ApiKey(keys)) => self.api_key(keys, keys, &shares),
            Effective::Refined(Config::ApiKey(keys), Config::ApiKey(own)) => self.api_key(keys, own, &shares),
            Effective::Config(Config::JwtRoute(_)) => Err("no listener says what a token has to be like".into()),
            Effective::Mismatch | Effective::Refined(..) => {
                Err("the route configures it as if it were another filter".into())
            }
        }
    }

    /// Requests that surely meet the condition pass the filter by.
    fn unless(
        &mut self,
        name: &str,
        passes: &Condition,
        config: &Config,
        shares: Vec<Share>,
    ) -> Result<Vec<Share>, Refusal> {
        let passes = self.condition(passes, Lines::OneMustMatch)?;
        if passes.is_true() {
            return Ok(shares);
        }
        if shares.len() > SHARES_MAX {
            return Err("too many filters before others are for some requests only".into());
        }
        let by = shares.iter().map(|(share, outcome)| (passes.clone().and(share.clone()), outcome.clone()));
        let by: Vec<Share> = by.filter(|(share, _)| !share.is_false()).collect();
        let filtered = self.filter(name, Effective::Config(config), shares).unwrap_or_else(|why| self.deny(name, &why));
        Ok(by.into_iter().chain(filtered).collect())
    }

    /// What cannot be expressed is denied.
    fn deny(&mut self, name: &str, Refusal(why): &Refusal) -> Vec<Share> {
        let whom = if self.has_route { "" } else { "requests that have no route: " };
        let what = format!("{whom}filter {name:?}: {why}: 503 is answered");
        self.report.add(Code::FilterDenied, self.place, what);
        vec![(Expr::True, Outcome::denied())]
    }

    /// What a filter does to headers has been done together with what the route does.
    fn mutation(&self, name: &str, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let unusable = |config: &Config| if let Config::Unusable(why) = config { Some(why.clone()) } else { None };
        // All levels count, not only the most specific one.
        self.levels.configs(name).find_map(unusable).map_or(Ok(shares), |why| Err(Refusal(why)))
    }

    fn buffer(&mut self, bytes: u32, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        self.report.add(Code::FilterApproximated, self.place, BUFFER);
        let plugin = Plugins::from(ClientControl { max_body_size: u64::from(bytes) });
        let limited = |(share, outcome): Share| {
            let plugins = outcome.plugins.merge(plugin.clone()).map_err(|_| "bodies have two limits")?;
            Ok((share, Outcome { plugins, ..outcome }))
        };
        shares.into_iter().map(limited).collect()
    }

    fn condition(&mut self, condition: &Condition, lines: Lines) -> Result<Expr, Refusal> {
        let mut conditions = Conditions { requests: self.requests, place: self.place, report: self.report };
        conditions.expr(condition, lines)
    }

    /// What all of the headers must be.
    fn headers(&mut self, headers: &[HeaderMatch]) -> Result<Expr, Refusal> {
        let mut parts = Vec::with_capacity(headers.len());
        for header in headers {
            let (part, notes) = header.to_expr()?;
            for note in notes {
                self.report.add(Code::MatcherApproximated, self.place, super::lines::remark(note));
            }
            parts.push(part);
        }
        Ok(Expr::all(parts))
    }
}

/// Shares before a filter that some requests pass by, which doubles them.
const SHARES_MAX: usize = 32;
/// Alternatives in `vars` of fault-injection that APISIX takes.
const ALTERNATIVES_MAX: usize = 20;

impl Context<'_> {
    /// An answer of a filter, with the headers that the route adds to its responses.
    fn reply(&self, abort: Abort) -> Outcome {
        let answer = Outcome::answer(abort);
        match self.replies.clone() {
            Some(rewrite) => answer.with(rewrite),
            None => answer,
        }
    }

    /// Answers the requests that meet the condition, as a filter does that stops a request: with the headers that the
    /// route adds to its responses. The other requests stay as they are.
    fn reply_if(&self, condition: Expr, abort: &Abort, shares: Vec<Share>) -> Vec<Share> {
        let vars = alternatives(&condition);
        let is_like_reply = |(_, outcome): &Share| {
            outcome.plugins.fault_injection.is_none()
                && outcome.plugins.response_rewrite.as_deref() == self.replies.as_ref()
        };
        if condition.is_false()
            || condition.is_true()
            || vars.len() > ALTERNATIVES_MAX
            || !shares.iter().all(is_like_reply)
        {
            return answer_apart(condition, self.reply(abort.clone()), shares);
        }
        let plugin = FaultInjection::from(Abort { vars, ..abort.clone() });
        shares.into_iter().map(|(share, outcome)| (share, outcome.with(plugin.clone()))).collect()
    }
}

/// Gives the requests that meet the condition another outcome.
fn answer_apart(condition: Expr, answer: Outcome, shares: Vec<Share>) -> Vec<Share> {
    match condition {
        Expr::False => shares,
        Expr::True => vec![(Expr::True, answer)],
        condition => std::iter::once((condition, answer)).chain(shares).collect(),
    }
}

/// Digits of `request_id` that decide on an abort: none that decide on routes, as Envoy draws anew.
const ABORT: u32 = 22;
/// Digits that decide on a delay.
const DELAY: u32 = 16;
/// Digits that decide whether a filter runs.
const ENABLED: u32 = 8;

/// A part of all requests, by the digits behind the first `skipped` ones.
fn sampled(percent: Percent, skipped: u32) -> Expr {
    partition::sample_behind(skipped, percent.0, Percent::ALL.0)
}

/// A condition as conditions of which one must hold.
fn alternatives(condition: &Expr) -> Vec<Expr> {
    match condition {
        Expr::Any(parts) => parts.clone(),
        other => vec![other.clone()],
    }
}
