//! Copies of requests: APISIX sends one of each, to an address that the route holds.

use super::lines::LineMaker;
use super::outcome::Outcome;
use super::variant::ClusterUse;
use crate::apisix::{Meta, ProxyMirror, ProxyRewrite};
use crate::diagnostic::Code;
use crate::model::route::{Fraction, Mirror};
use crate::report::Place;

/// Behind proxy-rewrite, so that the copy has the path and the host that are forwarded.
const PRIORITY: i32 = 1007;
/// The least that `sample_ratio` takes.
const LEAST: f64 = 0.00001;

impl LineMaker<'_> {
    /// The outcome with copies of its requests.
    pub(super) fn copied(&mut self, mirror: &Mirror, outcome: Outcome, place: &Place<'_>) -> Outcome {
        let Mirror { cluster: Some(cluster), share: Fraction { part: 1.., .. } } = mirror else { return outcome };
        self.clusters.insert(ClusterUse::copied(cluster));
        let ratio = f64::from(mirror.share.part) / f64::from(mirror.share.whole);
        if (self.cluster)(cluster).is_none() {
            let message = format!("the mirror {cluster:?} does not exist: no copies are sent, as with Envoy");
            self.report.add(Code::RouteToUnknownCluster, place.field("route"), message);
            return outcome;
        }
        if let Some(message) = self.lacking(cluster, ratio) {
            self.report.add(Code::MirrorApproximated, place.field("route"), message);
        }
        let first = (self.addresses)(cluster).and_then(|addresses| addresses.into_iter().next());
        let Some(address) = first.filter(|_| ratio >= LEAST) else { return outcome };
        let sample_ratio = (ratio < 1.0).then_some(ratio);
        let mirror = ProxyMirror { host: format!("http://{address}"), sample_ratio, meta: Meta::at(PRIORITY) };
        // Without a rewrite the copy would have the normalised path.
        outcome.with(ProxyRewrite::default()).with(mirror)
    }

    /// In what the copies differ from Envoy's.
    fn lacking(&self, cluster: &str, ratio: f64) -> Option<String> {
        let Some(addresses) = (self.addresses)(cluster) else {
            return Some(format!("the mirror {cluster:?} cannot be used safely: no copies are sent"));
        };
        if ratio < LEAST {
            return Some(
                "the share of copies is less than APISIX can draw: no copies are sent to the mirror".to_owned(),
            );
        }
        match addresses.as_slice() {
            [] => Some(format!("the mirror {cluster:?} has no endpoint: no copies are sent")),
            [_] => None,
            [first, ..] => Some(format!("all copies for the mirror {cluster:?} go to one of its endpoints, {first}")),
        }
    }
}
