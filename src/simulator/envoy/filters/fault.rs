//! `envoy.extensions.filters.http.fault.v3.HTTPFault`.

use super::{Fate, Verdict};
use crate::envoy::exchange::Exchange;
use crate::envoy::header_match::HeaderMatch;
use crate::envoy::object::{Fraction, Object, Read};
use crate::envoy::stop::Known;

/// Delays and aborts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    /// Seconds, and how often.
    delay: Option<(f64, f64)>,
    /// The status, and how often.
    abort: Option<(u16, f64)>,
    cluster: String,
    headers: Vec<HeaderMatch>,
}

impl Fault {
    pub(super) fn read(fault: &Object) -> Read<Self> {
        fault.ignore(&["disable_downstream_cluster_stats", "filter_metadata"]);
        let share = |fault: &Object| Ok(fault.fraction_if("percentage")?.map_or(0.0, Fraction::share));
        let delay = match fault.object("delay")? {
            Some(delay) => Some((delay.duration_if("fixed_delay")?.unwrap_or_default(), share(&delay)?)),
            None => None,
        };
        let abort = match fault.object("abort")? {
            Some(abort) if abort.has("http_status") => {
                let status = u16::try_from(abort.number("http_status")?).ok().filter(|it| (200..600).contains(it));
                let status =
                    status.ok_or_else(|| abort.refuse("http_status", "value must be inside range [200, 600)"))?;
                Some((status, share(&abort)?))
            }
            _ => None,
        };
        Ok(Self {
            delay,
            abort,
            cluster: fault.text("upstream_cluster")?.into(),
            headers: HeaderMatch::read_all(fault, "headers")?,
        })
    }

    /// First the delay, then the abort; their draws are independent.
    pub(super) fn act(&self, exchange: &Exchange, cluster: Option<&str>) -> Known<Verdict> {
        if !self.cluster.is_empty() && cluster != Some(self.cluster.as_str()) {
            return Ok(Verdict::Continue);
        }
        for header in &self.headers {
            if !header.matches(&exchange.headers)? {
                return Ok(Verdict::Continue);
            }
        }
        let (seconds, delayed) = self.delay.unwrap_or_default();
        let (status, aborted) = self.abort.unwrap_or_default();
        let mut fates = Vec::new();
        for (delay, share) in [(seconds, delayed), (0.0, 1.0 - delayed)] {
            fates.push(Fate { share: share * aborted, delay, abort: Some(status) });
            fates.push(Fate { share: share * (1.0 - aborted), delay, abort: None });
        }
        fates.retain(|fate| fate.share > 0.0);
        Ok(Verdict::Fates(fates))
    }
}
