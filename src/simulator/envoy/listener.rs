//! `envoy.config.listener.v3.Listener`.

use std::net::{IpAddr, SocketAddr};

use super::chain::{self, Chain};
use super::exchange::Connection;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};
use crate::Request;

/// A listener.
#[expect(clippy::struct_excessive_bools, reason = "as many independent options as Envoy has")]
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listener {
    pub(super) name: String,
    addresses: Vec<(Option<IpAddr>, u16)>,
    chains: Vec<Chain>,
    default_chain: Option<Chain>,
    binds: bool,
    hands_off: bool,
    restores_destination: bool,
    inspects_http: bool,
    not_modelled: Option<String>,
}

/// Sockets, limits and what counts or describes.
const IGNORED: [&str; 25] = [
    "@type",
    "access_log",
    "bypass_overload_manager",
    "connection_balance_config",
    "continue_on_listener_filters_timeout",
    "drain_type",
    "enable_mptcp",
    "enable_reuse_port",
    "freebind",
    "ignore_global_conn_limit",
    "listener_filters_timeout",
    "max_connections_to_accept_per_socket_event",
    "metadata",
    "per_connection_buffer_limit_bytes",
    "reuse_port",
    "socket_options",
    "stat_prefix",
    "tcp_backlog_size",
    "tcp_fast_open_queue_length",
    "tcp_keepalive",
    "traffic_direction",
    "transparent",
    "udp_listener_config",
    "bind_to_port",
    "name",
];

impl Listener {
    pub(super) fn read(listener: &Object) -> Read<Self> {
        listener.ignore(&IGNORED);
        let old = listener.object("deprecated_v1")?.map(|old| old.flag_if("bind_to_port")).transpose()?.flatten();
        let binds = listener.flag_if("bind_to_port")?.or(old).unwrap_or(true);
        let mut addresses: Vec<_> = address(listener)?.into_iter().collect();
        for more in listener.objects("additional_addresses")? {
            more.ignore(&["socket_options", "tcp_keepalive"]);
            addresses.extend(address(&more)?);
        }
        let chains = listener.objects("filter_chains")?;
        let default_chain = listener.object("default_filter_chain")?;
        let filters = filters(listener)?;
        let has = |name: &str| filters.iter().any(|filter| filter.ends_with(name));
        let known = ["TlsInspector", "HttpInspector", "OriginalDst"];
        let other = filters.iter().find(|filter| !known.iter().any(|name| filter.ends_with(name)));
        Ok(Self {
            name: listener.text("name")?.into(),
            addresses,
            chains: chains.iter().map(Chain::read).collect::<Read<_>>()?,
            default_chain: default_chain.map(|chain| Chain::read(&chain)).transpose()?,
            binds,
            hands_off: listener.flag("use_original_dst")?,
            restores_destination: has("OriginalDst"),
            inspects_http: has("HttpInspector"),
            not_modelled: other.cloned().or_else(|| listener.unread()),
        })
    }

    pub(super) fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.iter().chain(&self.default_chain)
    }

    /// The connection as this listener sees it, and its filter chain.
    pub(super) fn accept(&self, request: &Request) -> Known<(Connection, Option<&Chain>)> {
        NotModelled::check(self.not_modelled.as_ref())?;
        let destination = original_destination(request).filter(|_| self.restores_destination || !self.binds);
        let (local, port) = destination.map_or((request.server_addr, request.server_port), |it| (it.ip(), it.port()));
        let (peer, tls) = (request.peer, request.tls);
        let mut connection =
            Connection { peer, local, port, tls, sni: request.sni.clone(), asks_for_certificate: false };
        let chain = chain::find(&self.chains, &connection, self.inspects_http)?.or(self.default_chain.as_ref());
        let tls = chain.and_then(|chain| chain.tls.as_ref());
        connection.asks_for_certificate = tls.is_some_and(|tls| tls.asks_for_certificate);
        Ok((connection, chain))
    }
}

fn filters(listener: &Object) -> Read<Vec<String>> {
    let kind = |filter: &Object| {
        let config = filter.object("typed_config")?;
        Ok(match config {
            Some(config) => {
                filter.ignore_all();
                config.any_type()?.into()
            }
            None => filter.path_of("typed_config"),
        })
    };
    listener.objects("listener_filters")?.iter().map(kind).collect()
}

/// A TCP address; `None` in it is any address.
fn address(owner: &Object) -> Read<Option<(Option<IpAddr>, u16)>> {
    let Some(socket) = owner.object("address")?.map(|address| address.object("socket_address")).transpose()?.flatten()
    else {
        return Ok(None);
    };
    socket.ignore(&["protocol", "ipv4_compat", "resolver_name"]);
    let address: Option<IpAddr> = socket.text("address")?.parse().ok();
    let port = u16::try_from(socket.number("port_value")?).unwrap_or_default();
    Ok(Some((address.filter(|address| !address.is_unspecified()), port)))
}

fn original_destination(request: &Request) -> Option<SocketAddr> {
    request.original_dst.as_deref()?.parse().ok()
}

/// The listener that has a connection: the one that is bound where it arrived, or the one that this hands it to.
pub(super) fn find<'l>(listeners: &'l [Listener], request: &Request) -> Option<&'l Listener> {
    let arrived = at(listeners.iter().filter(|it| it.binds), request.server_addr, request.server_port)?;
    let handed = original_destination(request).filter(|_| arrived.hands_off);
    let to = handed.and_then(|address| at(listeners.iter(), address.ip(), address.port()));
    Some(to.unwrap_or(arrived))
}

/// The exact address first, then any address with the port.
fn at<'l>(listeners: impl Iterator<Item = &'l Listener>, ip: IpAddr, port: u16) -> Option<&'l Listener> {
    let (mut exact, mut any) = (None, None);
    for listener in listeners {
        let bound = |wanted| listener.addresses.contains(&(wanted, port)).then_some(listener);
        exact = exact.or_else(|| bound(Some(ip)));
        any = any.or_else(|| bound(None));
    }
    exact.or(any)
}
