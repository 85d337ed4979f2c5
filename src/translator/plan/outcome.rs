//! What happens to the requests of one route: where they go or how they are answered, and what is done on the way.

use std::collections::BTreeSet;

use super::around::Around;
use super::filters::Context;
use super::headers::{self, Note};
use super::lines::LineMaker;
use super::variant::{ClusterUse, Variant};
use super::{redirect, rewrite};
use crate::apisix::{Abort, Plugins, ProxyRewrite, RequestHeaders, ResponseRewrite, Template, Timeout};
use crate::diagnostic::Code;
use crate::model::cluster::View;
use crate::model::filter::Levels;
use crate::model::labels::Labels;
use crate::model::route::{Action, Destination, Forward, HashKey, Retry, Route, Scheme, VirtualHost};
use crate::report::Place;
use crate::vars::Expr;

/// What a denied request is told.
const DENIED: &str = "this request is denied: its route cannot be translated safely";
const ATTEMPTS: &str = "header \"x-envoy-attempt-count\": further tries say 1 as well";
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
    /// Connections may become websockets.
    pub(super) websocket: bool,
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

impl Outcome {
    /// The same with a value in place of what stands for it in changes of request headers.
    pub(super) fn filled(mut self, mark: &str, value: &Template) -> Self {
        if let Some(rewrite) = &mut self.plugins.proxy_rewrite {
            rewrite.headers.fill(mark, value);
        }
        self
    }

    /// The same with changes of request headers, which come before those that the rewrite makes itself.
    fn with_request_headers(mut self, mut headers: RequestHeaders) -> Self {
        let mut rewrite = self.plugins.proxy_rewrite.take().map_or_else(ProxyRewrite::default, |rewrite| *rewrite);
        for (name, value) in std::mem::take(&mut rewrite.headers.set) {
            headers.overwrite(name, value);
        }
        rewrite.headers = headers;
        if rewrite == ProxyRewrite::default() { self } else { self.with(rewrite) }
    }

    /// The request again, over TLS.
    pub(super) fn to_tls() -> Self {
        let mut location = Template::literal("https://");
        location.push_variable("http_host");
        location.push_variable("real_request_uri");
        Self::answer(Abort::empty(301).with_header("Location", location))
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

impl LineMaker<'_> {
    /// What happens, with the share of the requests that it happens to; each share leaves out those before it.
    pub(super) fn outcomes(&mut self, host: &VirtualHost, route: &Route, place: &Place<'_>) -> Vec<Share> {
        let around = Around { settings: self.settings, host, route };
        match &route.action {
            Action::Deny => vec![(Expr::True, Outcome::denied())],
            Action::Respond { status, body } => {
                let shares = vec![(Expr::True, redirect::respond(*status, body))];
                let shares = self.with_headers(around, None, shares, place);
                self.with_filters(around, None, shares, place)
            }
            Action::Redirect(redirect) => {
                let shares = redirect::redirect(route, redirect);
                if redirect.host.is_none() && (redirect.port.is_some() || redirect.scheme != Scheme::Kept) {
                    let why = "where the port of the host is changed, the host is in lower case";
                    self.report.add(Code::RewriteApproximated, place.field("redirect"), why);
                }
                let shares = self.with_headers(around, None, shares, place);
                self.with_filters(around, None, shares, place)
            }
            Action::Forward(forward) => self.shares(around, forward, place),
        }
    }

    /// An outcome with all that is done to the requests of its share.
    pub(super) fn completed(
        &mut self,
        around: Around<'_>,
        destination: &Destination,
        (share, outcome): Share,
        place: &Place<'_>,
    ) -> Vec<Share> {
        let own = self.with_headers(around, Some(destination), vec![(Expr::True, outcome)], place);
        let own = self.with_filters(around, Some(destination), own, place);
        own.into_iter().map(|(case, outcome)| (share.clone().and(case), outcome)).collect()
    }

    pub(super) fn forward(
        &mut self,
        around: Around<'_>,
        destination: &Destination,
        forward: &Forward,
        place: &Place<'_>,
    ) -> Outcome {
        let cluster = destination.cluster.as_str();
        let view = (self.cluster)(cluster);
        let Some(View { denied: false, connect_timeout, hashes, has_subsets }) = view else {
            self.clusters.insert(ClusterUse::plain(cluster));
            return self.nowhere(cluster, view, forward, place);
        };
        let mirror = forward.mirror.as_deref().or(around.host.mirror.as_deref());
        let mirror = mirror.or(self.settings.mirror.as_deref());
        let retry = forward.retry.or(around.host.retry).unwrap_or(Retry { retries: 0, per_try_timeout: 0 });
        if retry.retries > 0 && around.host.attempts.is_some() {
            self.report.add(Code::HeaderApproximated, place.field("route"), ATTEMPTS);
        }
        let variant = Variant {
            retries: retry.retries,
            retry_timeout: if retry.retries > 0 { forward.timeout } else { 0 },
            hash: if hashes { self.hash(forward, place) } else { None },
            subset: if has_subsets { destination.subset.clone() } else { Labels::new() },
            ..Variant::default()
        };
        let used = ClusterUse { cluster: cluster.to_owned(), variant };
        let upstream = used.id(self.instance);
        self.clusters.insert(used);
        let total = if retry.per_try_timeout > 0 { retry.per_try_timeout } else { forward.timeout };
        let timeout = Timeout::from_milliseconds(connect_timeout, total);
        let websocket = forward.websocket.unwrap_or(self.requests.websocket);
        let target = Some(Target { upstream, timeout, websocket });
        let outcome = Outcome { target, plugins: Plugins::default() };
        let Ok(host) = self.host(forward, destination, mirror.is_some(), place) else { return Outcome::denied() };
        let outcome = match rewrite::rewrite(around.route, forward, host) {
            Some(rewrite) => outcome.with(rewrite),
            None => outcome,
        };
        match mirror {
            Some(mirror) => self.copied(mirror, outcome, place),
            None => outcome,
        }
    }

    fn hash(&mut self, forward: &Forward, place: &Place<'_>) -> Option<HashKey> {
        let hashing = forward.hashing.as_ref()?;
        let place = place.field("route");
        let place = place.field("hash_policy");
        for note in &hashing.notes {
            self.report.add(Code::ClusterApproximated, place, *note);
        }
        let why = "requests that have nothing to hash go by the client's address";
        self.report.add(Code::ClusterApproximated, place, why);
        hashing.key.clone()
    }

    /// The answer where a cluster is not there or cannot be used.
    fn nowhere(&mut self, cluster: &str, view: Option<View>, forward: &Forward, place: &Place<'_>) -> Outcome {
        if view.is_some() {
            let message = format!("cluster {cluster:?} cannot be used safely: requests are answered 503");
            self.report.add(Code::RouteToDeniedCluster, place.field("route"), message);
            return Outcome::denied();
        }
        let message = format!("cluster {cluster:?} does not exist: requests are answered as Envoy does");
        self.report.add(Code::RouteToUnknownCluster, place.field("route"), message);
        Outcome::status(forward.not_found_status)
    }

    /// The outcomes with what is done to headers at all levels.
    fn with_headers(
        &mut self,
        around: Around<'_>,
        destination: Option<&Destination>,
        shares: Vec<Share>,
        place: &Place<'_>,
    ) -> Vec<Share> {
        let levels = around.levels(destination);
        let overrides = around.overrides(destination);
        let steps = self.requests.filters.steps(Levels(&overrides));
        if levels.is_empty() && steps.iter().all(Vec::is_empty) {
            return shares.into_iter().map(|(share, outcome)| (share, self.stripped(outcome))).collect();
        }
        let facts = around.facts(destination, self.requests.strips_client_cert);
        let mut notes = BTreeSet::new();
        // Requests meet the filters first, in their order; responses last, in the opposite order.
        let last: Vec<_> = levels.iter().chain(steps.iter().rev().flatten()).copied().collect();
        let answers = headers::response(&last, facts, &mut notes);
        let is_forwarded = shares.iter().any(|(_, outcome)| outcome.target.is_some());
        let first: Vec<_> = steps.iter().flatten().chain(&levels).copied().collect();
        let cases = if is_forwarded { headers::request(&first, facts, &mut notes) } else { Vec::new() };
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
                all.push((share.clone().and(case.clone()), outcome.clone().with_request_headers(headers.clone())));
            }
        }
        all
    }

    /// The outcomes with what filters do before them.
    fn with_filters(
        &mut self,
        around: Around<'_>,
        destination: Option<&Destination>,
        shares: Vec<Share>,
        place: &Place<'_>,
    ) -> Vec<Share> {
        let levels = around.overrides(destination);
        let context = Context {
            requests: self.requests,
            levels: Levels(&levels),
            cluster: destination.map_or("", |destination| &destination.cluster),
            has_route: true,
            forwards: destination.is_some(),
            cors: around.cors(),
            domains: &around.host.domains,
            changes: destination.map_or_else(Vec::new, |destination| around.levels(Some(destination))),
            facts: around.facts(destination, self.requests.strips_client_cert),
            replies: None,
            place,
            report: &mut self.report,
        };
        context.apply(shares)
    }

    pub(super) fn say_headers(&mut self, notes: &BTreeSet<Note>, place: &Place<'_>) {
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
        if outcome.plugins.is_empty() {
            return Outcome { plugins: Plugins::stripping_client_cert(), ..outcome };
        }
        outcome.with(Plugins::stripping_client_cert())
    }
}
