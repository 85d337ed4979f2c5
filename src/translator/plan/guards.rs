//! Which requests belong to which listener and filter chain.
//!
//! APISIX routes are global to all ports, so where there is more than one filter chain every route carries a condition
//! on the port, and where headers choose its routes, on those. The conditions of two chains, or of two scopes of one,
//! never hold for the same request.

mod ports;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::hosts::PortMatching;
use crate::model::filter::Filters;
use crate::model::listener::{Chain, ChainIndex, ClientAddress, Listener, Ports, RouteSource};
use crate::vars::{Expr, escape_pcre};

/// Identifies a table of routes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TableKey {
    /// From RDS.
    Named(Arc<str>),
    /// From a listener's filter chain.
    Inline(Arc<str>, ChainIndex),
}

impl TableKey {
    /// Keeps ids of tables of one label apart.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            TableKey::Named(_) => "rds",
            TableKey::Inline(..) => "inline",
        }
    }

    /// For ids and names of APISIX resources.
    pub(crate) fn label(&self) -> String {
        match self {
            TableKey::Named(name) => name.to_string(),
            TableKey::Inline(listener, chain) => format!("{listener}.{chain}"),
        }
    }
}

/// What one filter chain needs from the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The listener's name and the chain's index.
    pub(crate) chain: (String, ChainIndex),
    /// Its routes; `None` where all of its requests are denied.
    pub(crate) table: Option<TableKey>,
    /// Which requests are its own.
    pub(crate) guard: Expr,
    /// The listener's port, where requests on other ports are its own too.
    pub(crate) open_port: Option<u16>,
    /// What happens to every request.
    pub(crate) requests: Requests,
}

/// What the connection managers in front of a table do with every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requests {
    /// What becomes of the port in the Host header.
    pub(crate) ports: PortMatching,
    /// They lose `x-forwarded-client-cert`.
    pub(crate) strips_client_cert: bool,
    /// Those with escaped slashes in the path are refused.
    pub(crate) rejects_escaped_slashes: bool,
    /// Connections may become websockets.
    pub(crate) websocket: bool,
    /// Where the client's address is found.
    pub(crate) client: ClientAddress,
    /// What else is done to them.
    pub(crate) filters: Filters,
}

impl Requests {
    /// For tables that no listener refers to: as a connection manager without further settings does.
    pub(crate) const DEFAULT: Self = Self {
        ports: PortMatching::Compare,
        strips_client_cert: true,
        rejects_escaped_slashes: false,
        websocket: false,
        client: ClientAddress::Elsewhere,
        filters: Filters::Unknown,
    };
}

/// The bindings of all listeners. A single listener on every address gets no guard: APISIX is taken to listen for it
/// alone, often on another port than Envoy would. `ports_known`: it is known what APISIX listens on, so every listener is
/// told apart.
pub(crate) fn bindings(listeners: &BTreeMap<&str, &Listener>, ports_known: bool) -> Vec<Binding> {
    let lone = lone_port(listeners).filter(|_| !ports_known);
    let mut bindings: Vec<Binding> = Vec::new();
    for (name, listener) in listeners {
        let guard = listener_guard(listener, listeners);
        for chain in &listener.chains {
            let guard = if lone.is_some() { Expr::True } else { guard.clone().and(chain_guard(listener, chain)) };
            let guard = guard.and(chain.scope.clone());
            bindings.push(Binding {
                chain: ((*name).to_owned(), chain.index),
                table: table(name, chain),
                guard,
                open_port: lone,
                requests: requests(listener, chain),
            });
        }
    }
    bindings
}

/// The port of the only listener, where that takes connections to every address, whatever their destination was.
fn lone_port(listeners: &BTreeMap<&str, &Listener>) -> Option<u16> {
    let mut all = listeners.values();
    let only = all.next().filter(|listener| listener.bound && listener.is_wildcard())?;
    let takes_all = only.chains.iter().all(|chain| chain.destination_port.is_none());
    let first = only.chains.first()?.index;
    let is_one = only.chains.iter().all(|chain| chain.index.same_chain(first));
    (takes_all && is_one && all.next().is_none()).then_some(only.port)
}

fn table(listener: &str, chain: &Chain) -> Option<TableKey> {
    match &chain.routes {
        _ if chain.denied => None,
        RouteSource::Named(name) => Some(TableKey::Named(name.as_str().into())),
        RouteSource::Inline(_) => Some(TableKey::Inline(listener.into(), chain.index)),
        RouteSource::Nowhere => None,
    }
}

fn requests(listener: &Listener, chain: &Chain) -> Requests {
    Requests {
        ports: ports(listener, chain),
        strips_client_cert: chain.http.strips_client_cert,
        rejects_escaped_slashes: chain.http.rejects_escaped_slashes,
        websocket: chain.http.websocket,
        client: chain.http.client,
        filters: chain.filters.clone(),
    }
}

fn ports(listener: &Listener, chain: &Chain) -> PortMatching {
    match chain.http.ports {
        Ports::Compared => PortMatching::Compare,
        Ports::OwnIgnored => PortMatching::StripListenerPort(listener.port),
        Ports::Ignored => PortMatching::Ignore,
    }
}

fn listener_guard(listener: &Listener, all: &BTreeMap<&str, &Listener>) -> Expr {
    let socket = socket_guard(listener, all);
    if listener.bound { socket } else { Expr::any([socket, handed_over_guard(listener, all)]) }
}

/// The port, and the address where it is not every address.
fn socket_guard(listener: &Listener, all: &BTreeMap<&str, &Listener>) -> Expr {
    let port = at_port(listener.port);
    if !listener.is_wildcard() {
        return port.and(at_address(&listener.address));
    }
    let rivals = all.values().filter(|other| other.port == listener.port && !other.is_wildcard());
    Expr::all([port].into_iter().chain(rivals.map(|other| at_address(&other.address).negate())))
}

/// Connections that a listener with redirected connections hands over.
fn handed_over_guard(listener: &Listener, all: &BTreeMap<&str, &Listener>) -> Expr {
    let gates = all.values().filter(|other| other.bound && other.hands_over).map(|other| other.port.to_string());
    Expr::one_of("server_port", gates.collect()).and(destined(listener, all))
}

/// The original destination is this listener's address.
fn destined(listener: &Listener, all: &BTreeMap<&str, &Listener>) -> Expr {
    if !listener.is_wildcard() {
        return Expr::equal(ORIGINAL_DESTINATION, format!("{}:{}", listener.address, listener.port));
    }
    let rivals = all.values().filter(|other| !other.bound && other.port == listener.port && !other.is_wildcard());
    let others = rivals.map(|other| destined(other, all).negate());
    Expr::all([destined_for_port(listener.port)].into_iter().chain(others))
}

/// The chain's own condition. A chain without one takes what no other chain of the listener takes.
fn chain_guard(listener: &Listener, chain: &Chain) -> Expr {
    if let Some(port) = chain.destination_port {
        return destination(listener, port);
    }
    let others: BTreeSet<u16> = listener.chains.iter().filter_map(|other| other.destination_port).collect();
    Expr::all(others.into_iter().map(|port| destination(listener, port).negate()))
}

/// The destination port as Envoy sees it: the original one where the connection was redirected.
fn destination(listener: &Listener, port: u16) -> Expr {
    let redirected = destined_for_port(port);
    if port == listener.port {
        Expr::any([Expr::present(ORIGINAL_DESTINATION).negate(), redirected])
    } else {
        redirected
    }
}

/// `address:port`, present on redirected connections only.
const ORIGINAL_DESTINATION: &str = "connection_original_dst";

/// The client connected to one of these ports.
pub(super) fn connected_to(first: u16, last: u16) -> Expr {
    let (here, there) = if first == last {
        (at_port(first), destined_for_port(first))
    } else {
        let ports = ports::pattern(first, last);
        let there = Expr::matches(ORIGINAL_DESTINATION, format!(r":{ports}\z"));
        (Expr::matches("server_port", format!(r"^{ports}\z")), there)
    };
    Expr::any([Expr::present(ORIGINAL_DESTINATION).negate().and(here), there])
}

/// The client connected to an address in this range; of redirected connections it is said that they all did, or that
/// none did.
pub(super) fn connected_at(range: &str, redirected: bool) -> Expr {
    let here = Expr::in_range("server_addr", range);
    let elsewhere = Expr::present(ORIGINAL_DESTINATION);
    if redirected { Expr::any([elsewhere, here]) } else { elsewhere.negate().and(here) }
}

fn destined_for_port(port: u16) -> Expr {
    Expr::matches(ORIGINAL_DESTINATION, format!(r":{port}\z"))
}

fn at_port(port: u16) -> Expr {
    Expr::equal("server_port", port.to_string())
}

fn at_address(address: &str) -> Expr {
    Expr::matches("server_addr", format!(r"^\[?{}\]?\z", escape_pcre(address)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Expr, bindings};
    use crate::model::filter::Filters;
    use crate::model::listener::{Chain, ChainIndex, ClientAddress, HttpSettings, Listener, Ports, RouteSource};
    use crate::vars::Vars;

    fn listener(address: &str, port: u16, bound: bool, chains: &[Option<u16>]) -> Listener {
        let chain = |(index, destination_port): (usize, &Option<u16>)| Chain {
            index: ChainIndex::new(index),
            destination_port: *destination_port,
            sniffed: false,
            http: HttpSettings {
                ports: Ports::Compared,
                strips_client_cert: true,
                rejects_escaped_slashes: false,
                websocket: false,
                client: ClientAddress::Peer,
            },
            filters: Filters::default(),
            routes: RouteSource::Named(port.to_string()),
            scope: Expr::True,
            denied: false,
        };
        let chains = chains.iter().enumerate().map(chain).collect();
        Listener { address: address.to_owned(), port, bound, hands_over: false, chains }
    }

    fn guards(listeners: &[(&str, Listener)]) -> Vec<String> {
        let listeners: BTreeMap<&str, &Listener> = listeners.iter().map(|(name, l)| (*name, l)).collect();
        let text = |vars: Option<Vars<'_>>| vars.map_or_else(String::new, |vars| serde_json::to_string(&vars).unwrap());
        bindings(&listeners, false).into_iter().map(|binding| text(Vars::new(&binding.guard))).collect()
    }

    #[test]
    fn a_single_chain_needs_no_guard() {
        assert_eq!(guards(&[("a", listener("0.0.0.0", 80, true, &[None]))]), [""]);
    }

    #[test]
    fn a_single_listener_on_one_address_stays_on_it() {
        let made = guards(&[("a", listener("127.0.0.1", 80, true, &[None]))]);
        assert_eq!(made, [r#"[["server_port","==","80"],["server_addr","~~","^\\[?127\\.0\\.0\\.1\\]?\\z"]]"#]);
    }

    #[test]
    fn ports_tell_listeners_apart() {
        let two = [("a", listener("0.0.0.0", 80, true, &[None])), ("b", listener("0.0.0.0", 8080, true, &[None]))];
        assert_eq!(guards(&two), [r#"[["server_port","==","80"]]"#, r#"[["server_port","==","8080"]]"#]);
    }

    #[test]
    fn a_chain_without_condition_leaves_the_others_theirs() {
        let made = guards(&[("in", listener("0.0.0.0", 15006, true, &[Some(9080), None]))]);
        assert_eq!(
            made,
            [
                r#"[["server_port","==","15006"],["connection_original_dst","~~",":9080\\z"]]"#,
                r#"[["server_port","==","15006"],["connection_original_dst","!","~~",":9080\\z"]]"#,
            ]
        );
    }

    #[test]
    fn redirected_connections_reach_the_listener_of_their_destination() {
        let mut gate = listener("0.0.0.0", 15001, true, &[]);
        gate.hands_over = true;
        let made = guards(&[
            ("0.0.0.0_9080", listener("0.0.0.0", 9080, false, &[None])),
            ("10.0.0.1_9080", listener("10.0.0.1", 9080, false, &[None])),
            ("gate", gate),
        ]);
        assert_eq!(
            made,
            [
                r#"[["OR",["AND",["server_port","==","9080"],["server_addr","!","~~","^\\[?10\\.0\\.0\\.1\\]?\\z"]],["AND",["server_port","==","15001"],["connection_original_dst","~~",":9080\\z"],["connection_original_dst","!","==","10.0.0.1:9080"]]]]"#,
                r#"[["OR",["AND",["server_port","==","9080"],["server_addr","~~","^\\[?10\\.0\\.0\\.1\\]?\\z"]],["AND",["server_port","==","15001"],["connection_original_dst","==","10.0.0.1:9080"]]]]"#,
            ]
        );
    }
}
