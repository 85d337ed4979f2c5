//! A cluster (`envoy.config.cluster.v3.Cluster`), validated.

mod convert;
mod extensions;
mod policy;
mod sockets;
mod subsets;

pub(crate) use convert::{ClusterError, convert};
pub(crate) use subsets::{Fallback, Subsets};

use super::endpoint::{Endpoint, LoadAssignment};
use crate::apisix::Balancing;

/// One cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// Where the endpoints come from.
    pub(crate) discovery: Discovery,
    /// How one of them is chosen.
    pub(crate) balancing: Balancing,
    /// Routes may say what chooses the endpoint: `RING_HASH` and `MAGLEV`.
    pub(crate) hashes: bool,
    /// Whether localities are weighed against each other.
    pub(crate) locality_weighted: bool,
    /// `common_lb_config.healthy_panic_threshold`, in percent.
    pub(crate) panic_threshold: u32,
    /// `connect_timeout`, in milliseconds.
    pub(crate) connect_timeout: u64,
    /// Which endpoints a request may reach; `None`: all.
    pub(crate) subsets: Option<Box<Subsets>>,
    /// TLS or plain text.
    pub(crate) sockets: Sockets,
    /// Set where the cluster cannot be used safely: its routes answer 503.
    pub(crate) denied: bool,
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// `STATIC`, `STRICT_DNS`, `LOGICAL_DNS`: with the cluster itself.
    Inline(LoadAssignment),
    /// EDS, by this service name.
    Eds(String),
}

/// Which endpoints are reached in plain text: `transport_socket_matches`, then `transport_socket`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sockets {
    /// The first entry all of whose labels the endpoint has decides.
    pub(crate) matches: Vec<(Vec<(String, String)>, Socket)>,
    /// For the other endpoints.
    pub(crate) otherwise: Socket,
}

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Socket {
    /// Without TLS.
    #[default]
    Plain,
    /// With TLS, which is not translated: APISIX would verify nothing.
    Tls,
}

/// What routes need to know of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Its routes answer 503.
    pub(crate) denied: bool,
    /// In milliseconds.
    pub(crate) connect_timeout: u64,
    /// Routes may say what chooses the endpoint.
    pub(crate) hashes: bool,
    /// Routes may say which endpoints there are to choose from.
    pub(crate) has_subsets: bool,
}

impl Cluster {
    /// Whether localities are weighed against each other, in a subset if there are any.
    pub(crate) fn weighs_localities(&self) -> bool {
        self.locality_weighted && self.subsets.as_ref().is_none_or(|subsets| subsets.weighs_localities)
    }

    /// What routes need to know of it.
    pub(crate) fn view(&self) -> View {
        View {
            denied: self.denied,
            connect_timeout: self.connect_timeout,
            hashes: self.hashes,
            has_subsets: self.subsets.is_some(),
        }
    }
}

impl Sockets {
    /// How this endpoint is reached.
    pub(crate) fn of(&self, endpoint: &Endpoint) -> Socket {
        let labels = endpoint.metadata.as_ref().map(|metadata| metadata.socket.as_slice()).unwrap_or_default();
        let has = |label: &(String, String)| labels.contains(label);
        let first = self.matches.iter().find(|(labels, _)| labels.iter().all(has));
        first.map_or(self.otherwise, |(_, socket)| *socket)
    }

    /// True where no endpoint is reached in plain text.
    pub(crate) fn never_plain(&self) -> bool {
        self.otherwise == Socket::Tls && self.matches.iter().all(|(_, socket)| *socket == Socket::Tls)
    }
}
