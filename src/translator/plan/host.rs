//! `auto_host_rewrite`: the host of a request becomes that of its endpoint.
//!
//! APISIX chooses the endpoint after the host is made. So the host is given where all endpoints of the cluster have one
//! host name, or none has any; it is never guessed where they differ.

use super::lines::LineMaker;
use super::variant::ClusterUse;
use crate::apisix::ProxyRewrite;
use crate::diagnostic::Code;
use crate::model::cluster::{Cluster, Socket};
use crate::model::endpoint::LoadAssignment;
use crate::model::findings::Denied;
use crate::model::route::{Destination, Forward, HostRewrite};
use crate::report::Place;

/// What the endpoints of a cluster are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostNames {
    /// None has a host name, or there is no endpoint.
    Unnamed,
    /// All have this one.
    One(Box<str>),
    /// They differ, or some have one and others have none.
    Several,
}

impl HostNames {
    /// Of the endpoints that are used, healthy or not.
    pub(crate) fn of(cluster: &Cluster, assignment: &LoadAssignment) -> Self {
        let endpoints = assignment.localities.iter().flat_map(|locality| &locality.endpoints);
        let used = endpoints.filter(|endpoint| cluster.sockets.of(endpoint) == Socket::Plain);
        let mut names = used.map(|endpoint| endpoint.name.as_deref());
        let Some(first) = names.next() else { return Self::Unnamed };
        if names.any(|name| name != first) {
            return Self::Several;
        }
        first.map_or(Self::Unnamed, |name| Self::One(name.into()))
    }
}

impl LineMaker<'_> {
    /// The host in place of the one that came; denied where APISIX cannot send what Envoy sends.
    pub(super) fn host(
        &mut self,
        forward: &Forward,
        destination: &Destination,
        copies: bool,
        place: &Place<'_>,
    ) -> Result<Option<String>, Denied> {
        match &forward.host {
            Some(HostRewrite::Literal(host)) => Ok(Some(host.clone())),
            // Envoy rewrites for the weighted cluster first, then for the endpoint.
            Some(HostRewrite::Endpoint) => {
                let own = self.endpoint_host(&destination.cluster, copies, place)?;
                Ok(own.or_else(|| destination.host.clone()))
            }
            None => Ok(destination.host.clone()),
        }
    }

    fn endpoint_host(&mut self, cluster: &str, copies: bool, place: &Place<'_>) -> Result<Option<String>, Denied> {
        self.clusters.insert(ClusterUse::named(cluster));
        let place = place.field("route");
        let place = place.field("auto_host_rewrite");
        let why = match (self.host_names)(cluster) {
            HostNames::Unnamed => return Ok(None),
            HostNames::One(name) if ProxyRewrite::takes_host(&name) => {
                if copies {
                    let why = "the copy has the host of the endpoint, not that of the request";
                    self.report.add(Code::MirrorApproximated, place, why);
                }
                return Ok(Some(name.into()));
            }
            HostNames::One(name) => format!("APISIX sends no host {name:?}, the one of its endpoints"),
            HostNames::Several => "its endpoints do not have one and the same host name".to_owned(),
        };
        let message = format!("cluster {cluster:?}: {why}: requests for it are answered 503");
        self.report.add(Code::RouteDenied, place, message);
        Err(Denied(true))
    }
}
