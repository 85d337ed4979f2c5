//! A listener (`envoy.config.listener.v3.Listener`) as far as HTTP goes, validated.

mod chain;
mod convert;
mod http;
mod scope;

pub(crate) use convert::convert;

use std::fmt;

use amesh_xds::wire::envoy::config::route::v3::RouteConfiguration;

use crate::model::filter::Filters;
use crate::report::Place;
use crate::vars::Expr;

/// One listener.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listener {
    /// The address text; a wildcard address stands for every address.
    pub(crate) address: String,
    /// 1 to 65535.
    pub(crate) port: u16,
    /// Whether there is a socket, or connections are handed over by their original destination.
    pub(crate) bound: bool,
    /// `use_original_dst`: hands connections over to the listener of their original destination.
    pub(crate) hands_over: bool,
    /// The filter chains that carry HTTP.
    pub(crate) chains: Vec<Chain>,
}

/// One filter chain with an HTTP connection manager.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chain {
    /// Its place in the listener.
    pub(crate) index: ChainIndex,
    /// `filter_chain_match.destination_port`.
    pub(crate) destination_port: Option<u16>,
    /// Chosen because the connection looks like HTTP.
    pub(crate) sniffed: bool,
    /// What its connection manager does with every request.
    pub(crate) http: HttpSettings,
    /// What it does to them besides.
    pub(crate) filters: Filters,
    /// Where its routes come from.
    pub(crate) routes: RouteSource,
    /// Which of the requests it is for, where their headers choose the routes.
    pub(crate) scope: Expr,
    /// Set where the chain cannot be used safely: all of its requests are answered 503.
    pub(crate) denied: bool,
}

/// Where a filter chain stands in its listener, and where its HTTP connection manager stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainIndex {
    chain: usize,
    filter: usize,
    /// Which of its scopes, from 1 on; 0 for what has no scope.
    scope: usize,
}

impl ChainIndex {
    /// `default_filter_chain`.
    pub(crate) const DEFAULT: Self = Self::new(usize::MAX);

    /// A place among `filter_chains`.
    pub(crate) const fn new(chain: usize) -> Self {
        Self { chain, filter: 0, scope: 0 }
    }

    /// The same with the connection manager at another place.
    pub(crate) fn with_filter(self, filter: usize) -> Self {
        Self { filter, ..self }
    }

    /// One of the scopes of the same connection manager.
    pub(crate) fn with_scope(self, index: usize) -> Self {
        Self { scope: index.saturating_add(1), ..self }
    }

    /// Both stand for the same connections.
    pub(crate) fn same_chain(self, other: Self) -> bool {
        self.chain == other.chain
    }

    /// For diagnostics.
    pub(crate) fn place(self) -> Place<'static> {
        if self.is_default() { Place::named("default_filter_chain") } else { Place::top("filter_chains", self.chain) }
    }

    /// The place of the inline routes.
    pub(crate) fn at_routes<T>(self, say: impl FnOnce(&Place<'_>) -> T) -> T {
        let chain = self.place();
        let manager = chain.item("filters", self.filter);
        match self.scope.checked_sub(1) {
            None => say(&manager.field("route_config")),
            Some(index) => say(&manager.item(SCOPES, index).field("route_configuration")),
        }
    }

    fn is_default(self) -> bool {
        self.chain == usize::MAX
    }
}

const SCOPES: &str = "scoped_routes.scoped_route_configurations_list.scoped_route_configurations";

/// For ids of APISIX resources.
impl fmt::Display for ChainIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_default() {
            f.write_str("default")?;
        } else {
            self.chain.fmt(f)?;
        }
        self.scope.checked_sub(1).map_or(Ok(()), |scope| write!(f, ".scope{scope}"))
    }
}

/// What a connection manager does with every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HttpSettings {
    /// What becomes of the port in the Host header.
    pub(crate) ports: Ports,
    /// Takes `x-forwarded-client-cert` off requests. On connections without TLS Envoy does so in every mode of
    /// `forward_client_cert_details` but `ALWAYS_FORWARD_ONLY`.
    pub(crate) strips_client_cert: bool,
    /// `path_with_escaped_slashes_action` is `REJECT_REQUEST`.
    pub(crate) rejects_escaped_slashes: bool,
    /// `upgrade_configs` has `websocket`.
    pub(crate) websocket: bool,
    /// Where the client's address is found.
    pub(crate) client: ClientAddress,
}

/// Where the client's address is found: `use_remote_address`, `xff_num_trusted_hops`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAddress {
    /// It is the connection's.
    Peer,
    /// It is the last one in `x-forwarded-for`, else the connection's.
    ForwardedFor,
    /// In a way that is not translated.
    Elsewhere,
}

/// What becomes of the port in the Host header before it is matched: `strip_matching_host_port`,
/// `strip_any_host_port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    /// It counts.
    Compared,
    /// It is cut off where it is the listener's own.
    OwnIgnored,
    /// It is cut off.
    Ignored,
}

/// Where routes come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RouteSource {
    /// RDS, by this name.
    Named(String),
    /// In the listener itself.
    Inline(Box<RouteConfiguration>),
    /// Nowhere, because the chain is denied.
    Nowhere,
}

impl Listener {
    /// True where the address stands for every address.
    pub(crate) fn is_wildcard(&self) -> bool {
        matches!(self.address.as_str(), "0.0.0.0" | "::" | "")
    }
}
