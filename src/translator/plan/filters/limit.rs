//! The local rate limit: `limit-req`, whose bucket fills as Envoy's does.

use super::{Context, ENABLED, Refusal, Share, sampled};
use crate::apisix::{Abort, LimitReq, Meta, Plugins};
use crate::diagnostic::Code;
use crate::model::filter::{Limit, Percent};
use crate::plan::outcome::Outcome;

/// The text of answers to requests beyond the limit.
const LIMITED: &str = "local_rate_limited";
const COUNTS: &str = "each route of APISIX has a bucket of its own, which only what it forwards is taken from; the answer \
    to a request beyond the limit has its body in JSON";
const NOT_COUNTED: &str = "requests that are answered here are not counted, and none of them is denied for the limit";

impl Context<'_> {
    /// Requests beyond the limit are answered.
    pub(super) fn limit(&mut self, limit: Limit, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        // A part of the requests, as if there was a limit for them alone.
        let both = u64::from(limit.enabled.0).saturating_mul(u64::from(limit.enforced.0));
        let counted = u64::checked_div(both, u64::from(Percent::ALL.0)).and_then(|part| u32::try_from(part).ok());
        let counted = sampled(Percent(counted.unwrap_or(Percent::ALL.0).max(1)), ENABLED);
        let part = f64::from(limit.enforced.0) / f64::from(Percent::ALL.0);
        if limit.tokens == 0 {
            return Ok(self.reply_if(counted, &Abort::text(limit.status, LIMITED), shares));
        }
        let seconds = f64::from(u32::try_from(limit.interval).unwrap_or(u32::MAX)) / 1000.0;
        let plugin = LimitReq {
            rate: part * f64::from(limit.refill) / seconds,
            burst: (part * f64::from(limit.tokens) - 1.0).max(0.0),
            nodelay: true,
            key_type: "var_combination",
            key: "$route_id".to_owned(),
            rejected_code: limit.status,
            rejected_msg: Some(LIMITED.to_owned()),
            meta: Meta { filter: counted, ..Meta::default() },
        };
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
