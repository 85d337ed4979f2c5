//! One filter chain: whether it carries HTTP, and for which connections.

use amesh_xds::coverage::WireError;
use amesh_xds::wire::envoy::config::core::v3::transport_socket::ConfigType as SocketConfig;
use amesh_xds::wire::envoy::config::listener::v3 as wire;
use amesh_xds::wire::envoy::config::listener::v3::filter::ConfigType;
use amesh_xds::wire::google::protobuf::Any;

use super::http::{self, HttpError};
use super::scope::Scope;
use super::{Chain, ChainIndex, RouteSource};
use crate::diagnostic::Code;
use crate::model::findings::{Denied, Extension, extension};
use crate::model::rules::{RuleError, filled};
use crate::report::{Place, Report};
use crate::resource_type::message_name;
use crate::vars::Expr;

/// Why Envoy would refuse a filter chain.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    /// A filter that is not the message it should be.
    #[error("filters: {0}")]
    Decode(#[from] WireError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// Something behind the HTTP connection manager, which ends the chain.
    #[error("filters[{0}] stands behind the HTTP connection manager, which must be the last filter")]
    BehindHttp(usize),
    /// A port out of range.
    #[error("filter_chain_match.destination_port is {0}; it must be 1 to 65535")]
    Port(u32),
    /// The HTTP connection manager is bad.
    #[error("filters[{0}]: {1}")]
    Http(usize, HttpError),
}

/// Converts a chain, which is one for each of its scopes and one for what has none; none where it is not served at all.
pub(super) fn convert(
    chain: &wire::FilterChain,
    index: ChainIndex,
    report: &mut Report,
) -> Result<Vec<Chain>, ChainError> {
    let place = index.place();
    if !chain.filters.iter().any(is_http) {
        report.add(Code::ListenerWithoutHttp, place, "the filter chain carries no HTTP and is not served");
        return Ok(Vec::new());
    }
    if let Some(why) = unserved(chain, &place, report)? {
        report.add(Code::FilterChainRefused, place, why);
        return Ok(Vec::new());
    }
    let mut denied = Denied(false);
    for (position, filter) in chain.filters.iter().enumerate() {
        filled(&filter.name, format_args!("filters[{position}].name"))?;
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        let place = place.item("filters", position);
        match extension("network_filter", config, &place, report)? {
            Extension::Passed(bad) => denied = denied.or(bad),
            Extension::Read(_, bytes, found) => {
                let manager = http::convert(bytes, found.or(denied), &place, report);
                let manager = manager.map_err(|error| ChainError::Http(position, error))?;
                let next = position.saturating_add(1);
                if next < chain.filters.len() {
                    return Err(ChainError::BehindHttp(next));
                }
                return served(chain, index.with_filter(position), manager);
            }
        }
    }
    Ok(Vec::new())
}

fn is_http(filter: &wire::Filter) -> bool {
    let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { return false };
    message_name(&config.type_url).ends_with(".HttpConnectionManager")
}

fn in_range(port: u32) -> Result<u16, ChainError> {
    u16::try_from(port).ok().filter(|port| *port > 0).ok_or(ChainError::Port(port))
}

fn served(chain: &wire::FilterChain, index: ChainIndex, manager: http::Manager) -> Result<Vec<Chain>, ChainError> {
    let matcher = chain.filter_chain_match.as_ref();
    let port = matcher.and_then(|matcher| matcher.destination_port);
    let destination_port = port.map(in_range).transpose()?;
    let taken = Expr::any(manager.scopes.iter().map(|scope| scope.guard.clone()));
    let rest = Chain {
        index,
        scope: taken.negate(),
        destination_port,
        sniffed: matcher.is_some_and(|matcher| !matcher.application_protocols.is_empty()),
        routes: if manager.denied.0 { RouteSource::Nowhere } else { manager.routes },
        denied: manager.denied.0,
        http: manager.settings,
        filters: manager.filters,
    };
    let of_scope = |(number, scope): (usize, Scope)| Chain {
        index: index.with_scope(number),
        scope: scope.guard,
        routes: RouteSource::Inline(Box::new(scope.routes)),
        ..rest.clone()
    };
    let scopes = if rest.denied { Vec::new() } else { manager.scopes };
    let mut chains: Vec<Chain> = scopes.into_iter().enumerate().map(of_scope).collect();
    chains.push(rest);
    Ok(chains)
}

/// Why a chain is for connections that APISIX does not take in plain text; there is then nothing to deny either.
fn unserved(
    chain: &wire::FilterChain,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<&'static str>, WireError> {
    if let Some(SocketConfig::TypedConfig(config)) =
        chain.transport_socket.as_ref().and_then(|s| s.config_type.as_ref())
        && is_secured(config, &place.field("transport_socket"), report)?
    {
        return Ok(Some("TLS is not terminated: no certificate is installed and the chain is not served"));
    }
    let Some(matcher) = &chain.filter_chain_match else { return Ok(None) };
    if !matcher.server_names.is_empty() || matcher.transport_protocol == "tls" {
        return Ok(Some(TLS));
    }
    if !matcher.application_protocols.is_empty()
        && !matcher.application_protocols.iter().all(|protocol| is_plain_http(protocol))
    {
        return Ok(Some(OTHERS));
    }
    Ok(None)
}

const TLS: &str = "the chain is for TLS connections that are passed on, and is not served; others that no chain takes are \
    answered 404, not closed";
const OTHERS: &str = "the chain is for protocols other than plain HTTP, and is not served; others that no chain takes are \
    answered 404, not closed";

fn is_secured(config: &Any, place: &Place<'_>, report: &mut Report) -> Result<bool, WireError> {
    Ok(!matches!(extension("downstream_transport_socket", config, place, report)?, Extension::Read(..)))
}

/// What Envoy's HTTP inspector reports for plain HTTP.
fn is_plain_http(protocol: &str) -> bool {
    matches!(protocol, "http/1.0" | "http/1.1" | "h2c")
}

/// Keeps, of the chains for one destination port, those that Envoy prefers for HTTP. Where several are left, nothing
/// that is known here tells them apart: all of them are denied.
pub(super) fn distinct(chains: Vec<Chain>, report: &mut Report) -> Vec<Chain> {
    let sniffed: Vec<_> = chains.iter().filter(|chain| chain.sniffed).map(|chain| chain.destination_port).collect();
    let preferred = |chain: &Chain| chain.sniffed || !sniffed.contains(&chain.destination_port);
    let mut kept: Vec<Chain> = chains.into_iter().filter(preferred).collect();
    let ports: Vec<_> = kept.iter().map(|chain| (chain.index, chain.destination_port)).collect();
    for chain in &mut kept {
        let is_like =
            |(index, port): &(ChainIndex, _)| *port == chain.destination_port && !index.same_chain(chain.index);
        if ports.iter().any(is_like) {
            report.add(Code::ListenerDenied, "filter_chains", "chains that cannot be told apart are answered 503");
            chain.routes = RouteSource::Nowhere;
            chain.denied = true;
        }
    }
    kept
}
