//! From the wire to [`Listener`].

use std::net::IpAddr;

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::listener::v3 as wire;
use amesh_xds::wire::envoy::config::listener::v3::listener_filter::ConfigType;
use bytes::Bytes;
use prost::Message as _;

use super::chain::{self, ChainError};
use super::{Chain, ChainIndex, Listener, RouteSource};
use crate::diagnostic::Code;
use crate::model::address::{AddressError, socket_address};
use crate::model::findings::{Denied, extension, scan};
use crate::model::rules::{RuleError, filled};
use crate::report::{Place, Report};

const MESSAGE: &str = "envoy.config.listener.v3.Listener";

/// Why Envoy would refuse a listener.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListenerError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// No address of any kind.
    #[error("address is not set")]
    NoAddress,
    /// An address Envoy would refuse.
    #[error("address: {0}")]
    Address(#[from] AddressError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A TCP listener with no filter chain at all.
    #[error("filter_chains is empty, and so is default_filter_chain")]
    NoChain,
    /// A filter chain Envoy would refuse.
    #[error("{}: {}", .0.place(), .1)]
    Chain(ChainIndex, ChainError),
}

/// Decodes and validates a listener.
pub(crate) fn convert(bytes: &Bytes, report: &mut Report) -> Result<Listener, ListenerError> {
    let found = scan(MESSAGE, bytes, &Place::ROOT, report)?;
    let listener = wire::Listener::decode(bytes.clone())?;
    let Some((address, port)) = address(&listener, found)? else {
        let elsewhere = listener.address.is_some() || found.0;
        return if elsewhere { Ok(without_port(report)) } else { Err(ListenerError::NoAddress) };
    };
    if listener.filter_chains.is_empty() && listener.default_filter_chain.is_none() && !found.0 {
        return Err(ListenerError::NoChain);
    }
    let denied = found.or(listener_filters(&listener, report)?);
    let mut chains = Vec::new();
    let default = listener.default_filter_chain.iter().map(|chain| (ChainIndex::DEFAULT, chain));
    let listed = listener.filter_chains.iter().enumerate().map(|(index, chain)| (ChainIndex::new(index), chain));
    for (index, chain) in listed.chain(default) {
        let converted = chain::convert(chain, index, report);
        chains.extend(converted.map_err(|error| ListenerError::Chain(index, error))?);
    }
    let chains = chain::distinct(chains, report);
    Ok(Listener {
        address,
        port,
        bound: is_bound(&listener),
        hands_over: listener.use_original_dst.unwrap_or(false),
        chains: if denied.0 { deny(chains, report) } else { chains },
    })
}

/// Address text and port; port 0 stands for one that the kernel chooses, which nothing can refer to.
fn address(listener: &wire::Listener, found: Denied) -> Result<Option<(String, u16)>, AddressError> {
    let socket = listener.address.as_ref().map(socket_address).transpose()?.flatten();
    let Some(socket) = socket else { return Ok(None) };
    // A resolver of another kind of names has been reported.
    if socket.host.parse::<IpAddr>().is_err() && !found.0 {
        return Err(AddressError::NotAnAddress(socket.host.to_owned()));
    }
    Ok(Some((socket.host.to_owned(), socket.port.ok_or(AddressError::NoPort)?)))
}

/// A listener on something else than a TCP port.
fn without_port(report: &mut Report) -> Listener {
    report.add(Code::ListenerWithoutHttp, "address", "the listener is not on a TCP port and is not served");
    Listener { address: String::new(), port: 0, bound: false, hands_over: false, chains: Vec::new() }
}

fn is_bound(listener: &wire::Listener) -> bool {
    let deprecated = listener.deprecated_v1.as_ref().and_then(|v1| v1.bind_to_port);
    listener.bind_to_port.or(deprecated).unwrap_or(true)
}

fn listener_filters(listener: &wire::Listener, report: &mut Report) -> Result<Denied, ListenerError> {
    let mut denied = Denied(false);
    for (index, filter) in listener.listener_filters.iter().enumerate() {
        filled(&filter.name, format_args!("listener_filters[{index}].name"))?;
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        let place = Place::top("listener_filters", index);
        denied = denied.or(extension("listener_filter", config, &place, report)?.denied());
    }
    Ok(denied)
}

fn deny(chains: Vec<Chain>, report: &mut Report) -> Vec<Chain> {
    if !chains.is_empty() {
        report.add(Code::ListenerDenied, "", "all requests to this listener are answered 503");
    }
    chains.into_iter().map(|chain| Chain { routes: RouteSource::Nowhere, denied: true, ..chain }).collect()
}
