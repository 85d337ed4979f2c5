//! The way of a request through the filters, and of the answer back.

use std::collections::BTreeMap;

use super::{Fate, Filter, Kind, Override, Verdict, compress, mutation};
use crate::envoy::arrival::Reject;
use crate::envoy::change::{Changes, ResponseChanges};
use crate::envoy::decision::{Answer, Outcome, Step};
use crate::envoy::exchange::{Draw, Exchange};
use crate::envoy::forward::{encode, local};
use crate::envoy::headers::Headers;
use crate::envoy::stop::Known;

/// What a request meets on its way, once its route is known.
pub(in crate::envoy) struct Passage<'p> {
    pub(in crate::envoy) filters: &'p [Filter],
    /// What levels say about filters, the most specific first.
    pub(in crate::envoy) levels: Vec<&'p BTreeMap<String, Override>>,
    pub(in crate::envoy) route_name: String,
    /// Deprecated policies of the route and the virtual host.
    pub(in crate::envoy) cors: Vec<&'p Override>,
    /// The cluster that the route leads to.
    pub(in crate::envoy) cluster: Option<String>,
    pub(in crate::envoy) draw: &'p Draw,
    /// What the route does to answers of filters.
    pub(in crate::envoy) response: &'p dyn Fn(&Exchange) -> Option<ResponseChanges>,
}

/// What filters that saw the request do to the answer, by their place.
type Responses = BTreeMap<usize, Vec<Changes>>;

impl Passage<'_> {
    /// The filters that are in force, with their places, and other configurations of them, the most specific first.
    pub(super) fn in_force(&self) -> impl DoubleEndedIterator<Item = (usize, &Filter, Vec<&Kind>)> {
        self.filters.iter().enumerate().filter_map(|(at, filter)| {
            let overrides: Vec<&Override> = self.levels.iter().filter_map(|level| level.get(&filter.name)).collect();
            if overrides.first().map_or(filter.disabled, |first| first.disabled) {
                return None;
            }
            Some((at, filter, overrides.into_iter().filter_map(|other| other.kind.as_ref()).collect()))
        })
    }

    /// The policies that count where no level has one of the filter's own.
    pub(super) fn cors(&self) -> Vec<&Kind> {
        self.cors.iter().filter_map(|policy| policy.kind.as_ref()).collect()
    }

    /// What all filters do to an answer, the last filter first. Those that only change answers need not have seen the
    /// request.
    fn changes(&self, responses: &Responses) -> Vec<Changes> {
        let of = |(at, filter, kinds): (usize, &Filter, Vec<&Kind>)| match &filter.kind {
            Kind::Mutation(_) => mutation::response(&filter.kind, &kinds),
            Kind::Compressor(_) if !responses.contains_key(&at) => {
                compress::response((at, &filter.kind, &kinds), self, None).into_iter().collect()
            }
            _ => responses.get(&at).cloned().unwrap_or_default(),
        };
        self.in_force().rev().flat_map(of).collect()
    }

    /// An answer before the router. The status is not known yet to what the route changes.
    pub(in crate::envoy) fn reply(
        &self,
        exchange: &Exchange,
        status: u16,
        body: &str,
        headers: Headers,
        why: &str,
    ) -> Known<Answer> {
        self.reply_after(&Responses::new(), exchange, (status, body, headers, why))
    }

    /// The answer of the connection manager itself.
    pub(in crate::envoy) fn rejected(&self, exchange: &Exchange, reject: Reject) -> Known<Answer> {
        let mut headers = Headers::of_response();
        if let Some(location) = reject.location {
            headers.set("location", location);
        }
        self.reply(exchange, reject.status, "", headers, reject.why)
    }

    fn reply_after(
        &self,
        responses: &Responses,
        exchange: &Exchange,
        (status, body, mut headers, why): (u16, &str, Headers, &str),
    ) -> Known<Answer> {
        if let Some(changes) = (self.response)(exchange) {
            changes.change(0, &mut headers)?;
        }
        let mut answer = local(exchange, status, body, headers, why);
        self.encode(&mut answer, responses, exchange)?;
        Ok(answer)
    }

    fn encode(&self, answer: &mut Answer, responses: &Responses, exchange: &Exchange) -> Known<()> {
        encode(answer, self.changes(responses), exchange, &self.route_name)
    }

    /// What becomes of a request. `route` is the router, which is asked last.
    pub(in crate::envoy) fn pass(
        &self,
        mut exchange: Exchange,
        steps: &mut Vec<Step>,
        route: impl Fn(&mut Exchange) -> Known<Answer>,
    ) -> Known<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        let mut ways = vec![(1.0, 0.0)];
        let mut responses = Responses::new();
        for (at, filter, kinds) in self.in_force() {
            let mut response = Vec::new();
            let verdict = filter.act(at, self, &kinds, &mut exchange, &mut response)?;
            responses.insert(at, response);
            let mut note = |did: &str| steps.push(Step::Filter { name: filter.name.clone(), did: did.into() });
            match verdict {
                Verdict::Continue => {}
                Verdict::Reply(status, body, headers, why) => {
                    note(why);
                    let answer = self.reply_after(&responses, &exchange, (status, &body, headers, why))?;
                    outcomes.extend(after(&ways, &answer));
                    return Ok(outcomes);
                }
                Verdict::Fates(fates) => {
                    note("faults by chance");
                    for (fate, ways) in fates.iter().map(|fate| (fate, by_chance(&ways, fate))) {
                        if let Some(status) = fate.abort {
                            let reply = (status, "fault filter abort", Headers::of_response(), "fault");
                            outcomes.extend(after(&ways, &self.reply_after(&responses, &exchange, reply)?));
                        }
                    }
                    let passed = fates.iter().filter(|fate| fate.abort.is_none());
                    ways = passed.flat_map(|fate| by_chance(&ways, fate)).collect();
                }
            }
            if ways.is_empty() {
                return Ok(outcomes);
            }
        }
        let mut answer = route(&mut exchange)?;
        self.encode(&mut answer, &responses, &exchange)?;
        outcomes.extend(after(&ways, &answer));
        Ok(outcomes)
    }
}

/// The ways so far, each with its share and delay, where they go on with one fate.
fn by_chance(ways: &[(f64, f64)], fate: &Fate) -> Vec<(f64, f64)> {
    ways.iter().map(|(share, delay)| (share * fate.share, delay + fate.delay)).collect()
}

fn after(ways: &[(f64, f64)], answer: &Answer) -> Vec<Outcome> {
    ways.iter().map(|&(share, delay)| Outcome { share, delay, answer: answer.clone() }).collect()
}
