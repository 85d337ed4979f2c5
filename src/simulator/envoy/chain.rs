//! `envoy.config.listener.v3.FilterChain`, and which one a connection gets.

use std::net::IpAddr;

use super::exchange::Connection;
use super::manager::Manager;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};

/// A filter chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    /// Its name, or its place.
    pub(super) name: String,
    /// Its place in the listener.
    pub(super) path: String,
    matcher: ChainMatch,
    pub(super) tls: Option<Tls>,
    pub(super) manager: Result<Manager, String>,
    pub(super) not_modelled: Option<String>,
}

/// What the model knows of TLS.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tls {
    pub(super) asks_for_certificate: bool,
}

/// `envoy.config.listener.v3.FilterChainMatch`.
#[derive(Debug, Clone, Default, PartialEq)]
struct ChainMatch {
    port: Option<u32>,
    addresses: Vec<Range>,
    server_names: Vec<String>,
    transport: String,
    protocols: Vec<String>,
    direct_sources: Vec<Range>,
    source_type: &'static str,
    sources: Vec<Range>,
    source_ports: Vec<u32>,
    not_modelled: Option<String>,
}

/// An address range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    address: IpAddr,
    length: u32,
}

const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const DOWNSTREAM_TLS: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

impl Chain {
    pub(super) fn read(chain: &Object) -> Read<Self> {
        chain.ignore(&["metadata", "transport_socket_connect_timeout"]);
        let (name, path) = (chain.text("name")?, chain.path_of(""));
        let matcher = chain.object("filter_chain_match")?;
        let matcher = matcher.map(|matcher| ChainMatch::read(&matcher)).transpose()?;
        let mut not_modelled = None;
        let tls = chain.object("transport_socket")?.map(|socket| tls(&socket, &mut not_modelled)).transpose()?;
        let manager = manager(chain)?;
        Ok(Self {
            name: if name.is_empty() { place(&path).into() } else { name.into() },
            path,
            matcher: matcher.unwrap_or_default(),
            tls: tls.flatten(),
            manager,
            not_modelled: not_modelled.or_else(|| chain.unread()),
        })
    }
}

/// `[0]` or `default`.
fn place(path: &str) -> &str {
    path.find('[').and_then(|at| path.get(at..)).unwrap_or("default")
}

fn tls(socket: &Object, not_modelled: &mut Option<String>) -> Read<Option<Tls>> {
    socket.ignore(&["name"]);
    let config = socket.object("typed_config")?;
    match config {
        Some(config) if config.any_type()? == DOWNSTREAM_TLS => {
            let common = config.object("common_tls_context")?;
            let validates = common.is_some_and(|common| {
                ["validation_context", "validation_context_sds_secret_config", "combined_validation_context"]
                    .iter()
                    .any(|name| common.has(name))
            });
            let requires = config.flag("require_client_certificate")?;
            socket.ignore_all();
            Ok(Some(Tls { asks_for_certificate: validates || requires }))
        }
        Some(config) if config.any_type()?.ends_with(".RawBuffer") => {
            socket.ignore_all();
            Ok(None)
        }
        _ => {
            *not_modelled = Some(socket.path_of("typed_config"));
            Ok(None)
        }
    }
}

/// The connection manager, which has to be the only network filter.
fn manager(chain: &Object) -> Read<Result<Manager, String>> {
    let filters = chain.objects("filters")?;
    let [filter] = filters.as_slice() else { return Ok(Err(format!("several or no {}", chain.path_of("filters")))) };
    let Some(config) = filter.object("typed_config")? else { return Ok(Err(filter.path_of("typed_config"))) };
    filter.ignore(&["name"]);
    match config.any_type()? {
        MANAGER => Manager::read(&config).map(Ok),
        other => {
            config.ignore_all();
            Ok(Err(format!("the network filter {other}")))
        }
    }
}

impl ChainMatch {
    fn read(matcher: &Object) -> Read<Self> {
        Ok(Self {
            port: matcher.number_if("destination_port")?,
            addresses: Range::read_all(matcher, "prefix_ranges")?,
            server_names: matcher.texts("server_names")?.into_iter().map(str::to_ascii_lowercase).collect(),
            transport: matcher.text("transport_protocol")?.into(),
            protocols: matcher.texts("application_protocols")?.into_iter().map(Into::into).collect(),
            direct_sources: Range::read_all(matcher, "direct_source_prefix_ranges")?,
            source_type: matcher.choice("source_type", &["ANY", "SAME_IP_OR_LOOPBACK", "EXTERNAL"])?,
            sources: Range::read_all(matcher, "source_prefix_ranges")?,
            source_ports: matcher.numbers("source_ports")?,
            not_modelled: matcher.unread(),
        })
    }
}

impl Range {
    pub(super) fn read_all(matcher: &Object, name: &str) -> Read<Vec<Self>> {
        matcher.objects(name)?.iter().map(Self::read).collect()
    }

    /// `envoy.config.core.v3.CidrRange`.
    pub(super) fn read(range: &Object) -> Read<Self> {
        let address = range.text("address_prefix")?.parse();
        let address = address.map_err(|_| range.refuse("address_prefix", "malformed IP address"))?;
        Ok(Self { address, length: range.number("prefix_len")? })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (own, other, width) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let shift = 128_u32.min(u32::saturating_sub(width, self.length));
        own.checked_shr(shift).unwrap_or_default() == other.checked_shr(shift).unwrap_or_default()
    }
}

/// Looks for the chain criterion by criterion: only those that fit best go on, the others do not come back.
pub(super) fn find<'c>(chains: &'c [Chain], connection: &Connection, http_inspected: bool) -> Known<Option<&'c Chain>> {
    let mut left: Vec<&Chain> = chains.iter().collect();
    let external = !connection.peer.is_loopback() && connection.peer != connection.local;
    let protocol = http_inspected && !connection.tls;
    if connection.tls && left.iter().any(|chain| !chain.matcher.protocols.is_empty()) {
        return NotModelled::because("filter chains by application protocol (ALPN)");
    }
    keep(&mut left, |it| equal(it.port.as_ref(), &u32::from(connection.port)));
    keep(&mut left, |it| within(&it.addresses, connection.local));
    keep(&mut left, |it| server_name(&it.server_names, connection.sni.as_deref().filter(|_| connection.tls)));
    let transport = if connection.tls { "tls" } else { "raw_buffer" };
    keep(&mut left, |it| listed(it.transport.is_empty(), it.transport == transport));
    keep(&mut left, |it| listed(it.protocols.is_empty(), protocol && it.protocols.iter().any(|it| it == "http/1.1")));
    keep(&mut left, |it| within(&it.direct_sources, connection.peer));
    keep(&mut left, |it| match it.source_type {
        "SAME_IP_OR_LOOPBACK" => (!external).then_some(1),
        "EXTERNAL" => external.then_some(1),
        _ => Some(0),
    });
    keep(&mut left, |it| within(&it.sources, connection.peer));
    let Some(chain) = left.first().copied() else { return Ok(None) };
    if left.iter().any(|chain| !chain.matcher.source_ports.is_empty()) {
        return NotModelled::because("filter chains by source port");
    }
    NotModelled::check(left.iter().find_map(|chain| chain.matcher.not_modelled.as_ref()))?;
    Ok(Some(chain))
}

/// Keeps the chains that fit best by one criterion; `None` does not fit.
fn keep(chains: &mut Vec<&Chain>, rank: impl Fn(&ChainMatch) -> Option<usize>) {
    let best = chains.iter().filter_map(|chain| rank(&chain.matcher)).max();
    chains.retain(|chain| best.is_some() && rank(&chain.matcher) == best);
}

fn equal<T: PartialEq>(wanted: Option<&T>, value: &T) -> Option<usize> {
    listed(wanted.is_none(), wanted == Some(value))
}

fn listed(any: bool, fits: bool) -> Option<usize> {
    if fits { Some(1) } else { any.then_some(0) }
}

/// By the longest range.
fn within(ranges: &[Range], address: IpAddr) -> Option<usize> {
    if ranges.is_empty() {
        return Some(0);
    }
    let longest = ranges.iter().filter(|range| range.contains(address)).map(|range| range.length).max()?;
    usize::try_from(longest).ok()?.checked_add(1)
}

/// By the exact name, then the longest wildcard.
fn server_name(names: &[String], sni: Option<&str>) -> Option<usize> {
    if names.is_empty() {
        return Some(0);
    }
    let sni = sni?.to_ascii_lowercase();
    let rank = |name: &String| match name.strip_prefix('*') {
        Some(suffix) => (sni.ends_with(suffix) && sni.len() > suffix.len()).then_some(suffix.len()),
        None => (*name == sni).then_some(usize::MAX),
    };
    names.iter().filter_map(rank).max()
}
