//! `envoy.config.core.v3.Address`.

use amesh_xds::wire::envoy::config::core::v3::address::Address as Kind;
use amesh_xds::wire::envoy::config::core::v3::socket_address::{PortSpecifier, Protocol};
use amesh_xds::wire::envoy::config::core::v3::{Address, SocketAddress};

use super::rules::{RuleError, defined};

/// Why an address is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// A name where Envoy takes none.
    #[error("{0:?} is not an IP address; clusters of type STRICT_DNS and LOGICAL_DNS may use names")]
    NotAnAddress(String),
    /// `address` is empty.
    #[error("address is empty")]
    Empty,
    /// `port_value` is out of range.
    #[error("port_value is {0}; it must be 0 to 65535")]
    Port(u32),
    /// A port that is not a number where Envoy takes numbers only.
    #[error("port_value is not set")]
    NoPort,
    /// `protocol` is neither TCP nor UDP.
    #[error("{0}")]
    Protocol(#[from] RuleError),
}

/// A TCP socket's host and port.
pub(crate) struct Socket<'a> {
    /// IP address or name, as written.
    pub(crate) host: &'a str,
    /// `None` where it is not given as a number.
    pub(crate) port: Option<u16>,
}

/// The TCP socket that an address names, if it is one.
pub(crate) fn socket_address(address: &Address) -> Result<Option<Socket<'_>>, AddressError> {
    let Some(Kind::SocketAddress(socket)) = &address.address else { return Ok(None) };
    let port = port(socket)?;
    if socket.address.is_empty() {
        return Err(AddressError::Empty);
    }
    let is_tcp = defined::<Protocol>(socket.protocol, "protocol")? == Protocol::Tcp;
    Ok(is_tcp.then_some(Socket { host: &socket.address, port }))
}

fn port(socket: &SocketAddress) -> Result<Option<u16>, AddressError> {
    let Some(PortSpecifier::PortValue(port)) = socket.port_specifier else { return Ok(None) };
    u16::try_from(port).map(Some).map_err(|_| AddressError::Port(port))
}
