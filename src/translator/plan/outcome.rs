//! What happens to the requests of one route: where they go or how they are answered, and what is done on the way.

use std::collections::BTreeSet;

use super::headers::{self, Facts, Note};
use super::lines::LineMaker;
use super::partition;
use crate::apisix::{Abort, Plugins, ProxyRewrite, ResponseRewrite, Timeout};
use crate::diagnostic::Code;
use crate::model::cluster::View;
use crate::model::headers::HeaderMutations;
use crate::model::route::{Action, Destination, Forward, Route, VirtualHost};
use crate::names;
use crate::report::Place;
use crate::vars::Expr;

/// What a denied request is told.
const DENIED: &str = "this request is denied: its route cannot be translated safely";
/// Envoy's status for a request that cannot reach its cluster.
const UNAVAILABLE: u16 = 503;

/// What happens to a request.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// Where it goes; `None` where a plugin answers it.
    pub(super) target: Option<Target>,
    /// What is done on the way.
    pub(super) plugins: Plugins,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The upstream's id.
    pub(super) upstream: String,
    pub(super) timeout: Timeout,
}

/// An outcome for a share of a route's requests. Of several, the first whose condition holds counts.
pub(super) type Share = (Expr, Outcome);

impl Outcome {
    /// An answer.
    pub(super) fn answer(abort: Abort) -> Self {
        Self { target: None, plugins: Plugins::answering(abort) }
    }

    /// An answer without a body.
    pub(super) fn status(status: u16) -> Self {
        Self::answer(Abort::empty(status))
    }

    /// The answer to requests whose route cannot be translated safely.
    pub(super) fn denied() -> Self {
        Self::answer(Abort::text(UNAVAILABLE, DENIED))
    }
}

impl Outcome {
    /// The same with a plugin. What cannot be put together is denied.
    pub(super) fn with(self, plugin: impl Into<Plugins>) -> Self {
        let merged = self.plugins.merge(plugin.into());
        merged.map_or_else(|_| Self::denied(), |plugins| Self { plugins, ..self })
    }
}

/// Splits every share: what meets `condition` has `changed` as its outcome, given the one that it would have had.
#[allow(dead_code, reason = "for plugins that cannot be merged")]
pub(super) fn split(shares: Vec<Share>, condition: &Expr, changed: impl Fn(&Outcome) -> Outcome) -> Vec<Share> {
    let both = |(share, outcome): Share| {
        let first = (share.clone().and(condition.clone()), changed(&outcome));
        let rest = (!condition.is_true()).then_some((share, outcome));
        std::iter::once(first).chain(rest)
    };
    shares.into_iter().flat_map(both).collect()
}

/// One route and what stands around it.
#[derive(Clone, Copy)]
struct Around<'a> {
    host: &'a VirtualHost,
    route: &'a Route,
}

impl LineMaker<'_> {
    /// What happens, with the share of the requests that it happens to; each share leaves out those before it.
    pub(super) fn outcomes(&mut self, host: &VirtualHost, route: &Route, place: &Place<'_>) -> Vec<Share> {
        let around = Around { host, route };
        match &route.action {
            Action::Deny => vec![(Expr::True, Outcome::denied())],
            Action::Respond { status, body } => {
                let answer = Outcome::answer(Abort::text(*status, body));
                self.with_headers(around, None, vec![(Expr::True, answer)], place)
            }
            Action::Forward(forward) => self.shares(around, forward, place),
        }
    }

    fn shares(&mut self, around: Around<'_>, forward: &Forward, place: &Place<'_>) -> Vec<Share> {
        let weights: Vec<u32> = forward.destinations.iter().map(|destination| destination.weight).collect();
        let Some(bounds) = partition::bounds(&weights) else { return vec![(Expr::True, Outcome::denied())] };
        let mut outcomes = Vec::with_capacity(bounds.len());
        let mut before = 0;
        for (destination, bound) in forward.destinations.iter().zip(bounds) {
            if bound > before {
                let share = if bound >= partition::SPACE { Expr::True } else { below(bound) };
                let outcome = self.forward(&destination.cluster, forward, place);
                outcomes.extend(self.with_headers(around, Some(destination), vec![(share, outcome)], place));
            }
            before = bound.max(before);
        }
        outcomes
    }

    fn forward(&mut self, cluster: &str, forward: &Forward, place: &Place<'_>) -> Outcome {
        self.clusters.insert(cluster.to_owned());
        match (self.cluster)(cluster) {
            None => {
                let message = format!("cluster {cluster:?} does not exist: requests are answered as Envoy does");
                self.report.add(Code::RouteToUnknownCluster, place.field("route"), message);
                Outcome::status(forward.not_found_status)
            }
            Some(View { denied: true, .. }) => {
                let message = format!("cluster {cluster:?} cannot be used safely: requests are answered 503");
                self.report.add(Code::RouteToDeniedCluster, place.field("route"), message);
                Outcome::denied()
            }
            Some(View { connect_timeout, .. }) => {
                let timeout = Timeout::from_milliseconds(connect_timeout, forward.timeout);
                let upstream = names::id(self.instance, names::CLUSTER, &[cluster]);
                Outcome { target: Some(Target { upstream, timeout }), plugins: Plugins::default() }
            }
        }
    }

    /// The outcomes with what is done to headers at all levels.
    fn with_headers(
        &mut self,
        around: Around<'_>,
        destination: Option<&Destination>,
        shares: Vec<Share>,
        place: &Place<'_>,
    ) -> Vec<Share> {
        let levels = self.levels(around, destination);
        if levels.is_empty() {
            return shares.into_iter().map(|(share, outcome)| (share, self.stripped(outcome))).collect();
        }
        let cluster = destination.map_or("", |destination| &destination.cluster);
        let strips_client_cert = self.requests.strips_client_cert;
        let facts = Facts { route: &around.route.name, cluster, strips_client_cert };
        let mut notes = BTreeSet::new();
        let answers = headers::response(&levels, facts, &mut notes);
        let is_forwarded = shares.iter().any(|(_, outcome)| outcome.target.is_some());
        let cases = if is_forwarded { headers::request(&levels, facts, &mut notes) } else { Vec::new() };
        self.say_headers(&notes, place);
        let mut all = Vec::new();
        for (share, outcome) in shares {
            let outcome = if answers.is_empty() {
                outcome
            } else {
                outcome.with(ResponseRewrite { headers: answers.clone(), ..ResponseRewrite::default() })
            };
            if outcome.target.is_none() {
                all.push((share, outcome));
                continue;
            }
            for (case, headers) in &cases {
                let rewrite = ProxyRewrite { headers: headers.clone(), ..ProxyRewrite::default() };
                let outcome = outcome.clone();
                let outcome = if headers.is_empty() { outcome } else { outcome.with(rewrite) };
                all.push((share.clone().and(case.clone()), outcome));
            }
        }
        all
    }

    /// The levels that change headers, in the order in which Envoy works through them.
    fn levels<'b>(&'b self, around: Around<'b>, destination: Option<&'b Destination>) -> Vec<&'b HeaderMutations> {
        let destination = destination.and_then(|destination| destination.mutations.as_deref());
        let Around { host, route } = around;
        let levels = [destination, route.mutations.as_deref(), host.mutations.as_deref()];
        let levels = levels.into_iter().chain([self.settings.mutations.as_deref()]).flatten();
        // The last one wins.
        if self.settings.most_specific_wins { levels.rev().collect() } else { levels.collect() }
    }

    fn say_headers(&mut self, notes: &BTreeSet<Note>, place: &Place<'_>) {
        for note in notes {
            let (code, message) = note.remark();
            self.report.add(code, place, message);
        }
    }

    /// What is done to every request that is forwarded.
    fn stripped(&self, outcome: Outcome) -> Outcome {
        if outcome.target.is_none() || !self.requests.strips_client_cert {
            return outcome;
        }
        Outcome { plugins: Plugins::stripping_client_cert(), ..outcome }
    }
}

fn below(bound: u32) -> Expr {
    Expr::matches("request_id", partition::below(bound))
}
