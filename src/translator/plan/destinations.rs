//! Where the requests of a route go: to one cluster, to several by weight, or to the one that a header names.

use super::around::Around;
use super::lines::{LineMaker, remark};
use super::outcome::{Outcome, Share};
use super::partition;
use super::variant::ClusterUse;
use crate::diagnostic::Code;
use crate::model::route::{Destination, Forward, VirtualHost};
use crate::report::Place;
use crate::vars::{Expr, HeaderNote, header_variable};

/// Clusters among which a header can choose.
const CLUSTERS_MAX: usize = 500;
const TOO_MANY: &str = "the header is one that nginx drops, or there are more than 500 clusters to choose from: the route \
    answers 503";
const SHIFTED: &str = "weighted_clusters: the shares depart a little from Envoy's, which draws once for them and for a \
    runtime_fraction of another denominator";

impl LineMaker<'_> {
    /// One share for each destination.
    pub(super) fn shares(&mut self, around: Around<'_>, forward: &Forward, place: &Place<'_>) -> Vec<Share> {
        if let Some(header) = &forward.cluster_header {
            let entry = Destination::only(String::new(), forward.subset.clone());
            return self.by_header(around, header, (&Expr::True, &entry), forward, place);
        }
        let weights: Vec<u32> = forward.destinations.iter().map(|destination| destination.weight).collect();
        let Some(bounds) = partition::bounds(&weights) else { return vec![(Expr::True, Outcome::denied())] };
        let apart = self.draws_apart(around.host, &weights, place);
        let mut outcomes = Vec::with_capacity(bounds.len());
        let mut before = 0;
        for (destination, bound) in forward.destinations.iter().zip(bounds) {
            if bound > before {
                let share = if bound >= partition::SPACE { Expr::True } else { below(bound, apart) };
                outcomes.extend(self.destined(around, (share, destination), forward, place));
            }
            before = bound.max(before);
        }
        outcomes
    }

    /// Whether a cluster is drawn apart from the samples of the virtual host: Envoy divides one number by both totals.
    fn draws_apart(&mut self, host: &VirtualHost, weights: &[u32], place: &Place<'_>) -> bool {
        let wholes = host.routes.iter().filter_map(|route| route.fraction).map(|fraction| fraction.whole);
        let (apart, shifted) = partition::beside_samples(weights, wholes);
        if weights.len() > 1 && shifted {
            self.report.add(Code::FieldApproximated, place.field("route").field("weighted_clusters"), SHIFTED);
        }
        apart
    }

    /// The outcomes of one of several destinations.
    fn destined(
        &mut self,
        around: Around<'_>,
        (share, destination): (Expr, &Destination),
        forward: &Forward,
        place: &Place<'_>,
    ) -> Vec<Share> {
        if let Some(header) = &destination.cluster_header {
            return self.by_header(around, header, (&share, destination), forward, place);
        }
        let outcome = self.forward(around, destination, forward, place);
        self.completed(around, destination, (share, outcome), place)
    }

    /// One share for each cluster that there is, then the answer to all other names. `entry` is the destination but for
    /// the name, `whole` the share of all of them.
    fn by_header(
        &mut self,
        around: Around<'_>,
        header: &str,
        (whole, entry): (&Expr, &Destination),
        forward: &Forward,
        place: &Place<'_>,
    ) -> Vec<Share> {
        self.clusters.insert(ClusterUse::any());
        let names = (self.all_clusters)();
        let place = place.field("route");
        let place = place.field("cluster_header");
        let variable = header_variable(header).ok().filter(|_| names.len() <= CLUSTERS_MAX);
        let Some(variable) = variable else {
            self.report.add(Code::RouteDenied, place, TOO_MANY);
            return vec![(whole.clone(), Outcome::denied())];
        };
        self.report.add(Code::MatcherApproximated, place, remark(HeaderNote::RepeatedLines));
        let mut shares = Vec::with_capacity(names.len().saturating_add(1));
        for name in names {
            let condition = whole.clone().and(Expr::equal(&variable, &name));
            let destination = Destination { cluster: name, ..entry.clone() };
            let outcome = self.forward(around, &destination, forward, &place);
            shares.extend(self.completed(around, &destination, (condition, outcome), &place));
        }
        let missing = (whole.clone(), Outcome::status(forward.not_found_status));
        shares.extend(self.completed(around, entry, missing, &place));
        shares
    }
}

fn below(bound: u32, apart: bool) -> Expr {
    Expr::matches("request_id", if apart { partition::below_apart(bound) } else { partition::below(bound) })
}
