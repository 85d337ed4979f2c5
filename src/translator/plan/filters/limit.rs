//! The local rate limit: `limit-req`, whose bucket fills as Envoy's does.
//!
//! A route of APISIX has one bucket. Where a request counts in several, the requests are divided by which buckets they
//! count in, and each division gets a bucket that allows no more than any of those.

use super::{Context, ENABLED, Refusal, Share, sampled};
use crate::apisix::{Abort, LimitReq, Meta, Plugins};
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::filter::{Bucket, Limit, Part, Percent};
use crate::model::listener::ClientAddress;
use crate::plan::outcome::Outcome;
use crate::vars::{Expr, Lines, header_variable};

/// The text of answers to requests beyond the limit.
const LIMITED: &str = "local_rate_limited";
const COUNTS: &str = "each route of APISIX has a bucket of its own, which only what it forwards is taken from; the answer \
    to a request beyond the limit has its body in JSON";
const NOT_COUNTED: &str = "requests that are answered here are not counted, and none of them is denied for the limit";
const DESCRIPTORS: &str = "each descriptor has a bucket of its own in each route of APISIX; where several limits hold for \
    a request one bucket is taken that allows no more than any of them";
const EACH: &str = "a limit for each value beside one for all of them";
const CLIENTS: &str = "clients are counted apart by an address that is not the connection's";

/// Some of the requests, and how many of them pass.
struct Case {
    condition: Expr,
    /// `None`: all.
    bucket: Option<Allowed>,
    /// What they are counted apart by.
    key: String,
}

/// A bucket by what it allows.
#[derive(Clone, Copy)]
struct Allowed {
    /// Requests a second.
    rate: f64,
    /// Requests at once.
    tokens: f64,
}

impl Allowed {
    fn new(bucket: Bucket) -> Self {
        let seconds = f64::from(u32::try_from(bucket.interval).unwrap_or(u32::MAX)) / 1000.0;
        Self { rate: f64::from(bucket.refill) / seconds, tokens: f64::from(bucket.tokens) }
    }

    /// No more than either.
    fn and(self, other: Self) -> Self {
        Self { rate: self.rate.min(other.rate), tokens: self.tokens.min(other.tokens) }
    }
}

impl Context<'_> {
    /// Requests beyond the limit are answered.
    pub(super) fn limit(&mut self, limit: &Limit, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        // A part of the requests, as if there was a limit for them alone.
        let both = u64::from(limit.enabled.0).saturating_mul(u64::from(limit.enforced.0));
        let counted = u64::checked_div(both, u64::from(Percent::ALL.0)).and_then(|part| u32::try_from(part).ok());
        let counted = sampled(Percent(counted.unwrap_or(Percent::ALL.0).max(1)), ENABLED);
        let part = f64::from(limit.enforced.0) / f64::from(Percent::ALL.0);
        let cases = self.cases(limit)?;
        let (denied, limited): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| case.bucket.is_some_and(|bucket| bucket.tokens < 1.0));
        let mut all = Vec::new();
        for case in &limited {
            let plugin = case.bucket.map(|bucket| plugin(bucket, part, &case.key, limit.status, counted.clone()));
            let own = self.limited(plugin, shares.clone())?;
            all.extend(own.into_iter().map(|(share, outcome)| (share.and(case.condition.clone()), outcome)));
        }
        // What no limit is for, or only one that denies a part of it.
        if limited.last().is_none_or(|case| !case.condition.is_true()) {
            all.extend(shares);
        }
        let refused = Expr::any(denied.into_iter().map(|case| case.condition)).and(counted);
        Ok(self.reply_if(refused, &Abort::text(limit.status, LIMITED), all))
    }

    /// The first whose condition holds counts, but for those that deny, which always count.
    fn cases(&mut self, limit: &Limit) -> Result<Vec<Case>, Refusal> {
        let default = limit.bucket.map(Allowed::new);
        let always = default.filter(|_| limit.always);
        let mut own = Vec::with_capacity(limit.descriptors.len());
        for descriptor in &limit.descriptors {
            let (condition, key) = self.parts(&descriptor.parts)?;
            let key = if descriptor.bucket.is_some() { key } else { String::new() };
            if always.is_some() && !key.is_empty() {
                return Err(EACH.into());
            }
            let bucket = descriptor.bucket.map(Allowed::new);
            let bucket = bucket.map_or(always, |bucket| Some(always.map_or(bucket, |other| bucket.and(other))));
            own.push(Case { condition, bucket, key });
        }
        if !own.is_empty() {
            self.report.add(Code::FilterApproximated, self.place, DESCRIPTORS);
        }
        let rate = |case: &Case| case.bucket.map_or(f64::INFINITY, |bucket| bucket.rate);
        own.sort_by(|one, other| rate(one).total_cmp(&rate(other)));
        let mut cases = Vec::with_capacity(own.len().saturating_mul(2).saturating_add(1));
        while !own.is_empty() {
            let case = own.remove(0);
            if own.iter().any(|other| case.divides(other)) {
                return Err(EACH.into());
            }
            cases.extend(case.with_smaller(&own));
            cases.push(case);
        }
        // Requests that no descriptor is for, unless they are denied with all others.
        if let Some(bucket) = default {
            let matched = cases.iter().map(|case| case.condition.clone());
            let is_denied = bucket.tokens < 1.0 && !limit.always;
            let condition = if is_denied { Expr::any(matched).negate() } else { Expr::True };
            cases.push(Case { condition, bucket: Some(bucket), key: String::new() });
        }
        Ok(cases)
    }

    fn parts(&mut self, parts: &[Part]) -> Result<(Expr, String), Refusal> {
        let mut conditions = Vec::with_capacity(parts.len());
        let mut key = String::new();
        for part in parts {
            match part {
                Part::Query(condition) => conditions.push(condition.clone()),
                Part::Headers(headers, expected) => {
                    let all = self.headers(headers)?;
                    conditions.push(if *expected { all } else { all.negate() });
                }
                Part::Client(ranges, inside) => {
                    let ranges =
                        ranges.iter().map(|range| self.condition(&Condition::Client(range.clone()), Lines::AsOne));
                    let any = Expr::any(ranges.collect::<Result<Vec<_>, _>>()?);
                    conditions.push(if *inside { any } else { any.negate() });
                }
                Part::EachHeader(name) => {
                    let variable = header_variable(name)?;
                    key = format!("{key} ${{{variable}}}");
                    conditions.push(Expr::present(variable));
                }
                Part::EachClient if self.requests.client == ClientAddress::Peer => {
                    key.push_str(" ${realip_remote_addr}");
                }
                Part::EachClient => return Err(CLIENTS.into()),
            }
        }
        Ok((Expr::all(conditions), key))
    }

    fn limited(&mut self, plugin: Option<LimitReq>, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let Some(plugin) = plugin else { return Ok(shares) };
        let is_forwarded = |(_, outcome): &Share| outcome.target.is_some();
        if shares.iter().any(is_forwarded) {
            self.report.add(Code::FilterApproximated, self.place, COUNTS);
        }
        if !shares.iter().all(is_forwarded) {
            self.report.add(Code::FilterApproximated, self.place, NOT_COUNTED);
        }
        let limited = |share: Share| {
            if !is_forwarded(&share) {
                return Ok(share);
            }
            let (share, outcome) = share;
            let plugins = Plugins::from(plugin.clone());
            let plugins = outcome.plugins.merge(plugins).map_err(|_| "requests have two limits")?;
            Ok((share, Outcome { plugins, ..outcome }))
        };
        shares.into_iter().map(limited).collect()
    }
}

impl Case {
    /// Its buckets, one for each value, do not bound what another bucket bounds for all of them.
    fn divides(&self, other: &Case) -> bool {
        let is_other = other.bucket.is_some() && other.key != self.key;
        !self.key.is_empty() && is_other && !excludes(&self.condition, &other.condition)
    }

    /// The requests that count in buckets with fewer tokens as well, though these fill faster.
    fn with_smaller(&self, others: &[Case]) -> Option<Case> {
        let own = self.bucket?;
        let smaller = |case: &&Case| {
            case.bucket.is_some_and(|bucket| (1.0..own.tokens).contains(&bucket.tokens))
                && !excludes(&self.condition, &case.condition)
        };
        let smaller: Vec<&Case> = others.iter().filter(smaller).collect();
        let bucket = smaller.iter().filter_map(|case| case.bucket).fold(own, Allowed::and);
        let condition = self.condition.clone().and(Expr::any(smaller.iter().map(|case| case.condition.clone())));
        (!smaller.is_empty()).then(|| Case { condition, bucket: Some(bucket), key: self.key.clone() })
    }
}

/// Both want another value of one variable.
fn excludes(one: &Expr, other: &Expr) -> bool {
    let parts = |expr: &Expr| if let Expr::All(parts) = expr { parts.clone() } else { vec![expr.clone()] };
    let others = parts(other);
    parts(one).iter().any(|part| others.iter().any(|other| part.excludes(other)))
}

fn plugin(bucket: Allowed, part: f64, key: &str, status: u16, counted: Expr) -> LimitReq {
    LimitReq {
        rate: part * bucket.rate,
        burst: (part * bucket.tokens - 1.0).max(0.0),
        nodelay: true,
        key_type: "var_combination",
        key: format!("$route_id{key}"),
        rejected_code: status,
        rejected_msg: Some(LIMITED.to_owned()),
        meta: Meta { filter: counted, ..Meta::default() },
    }
}
