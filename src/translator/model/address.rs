//! `envoy.config.core.v3.Address`.

use amesh_xds::wire::envoy::config::core::v3::address::Address as Kind;
use amesh_xds::wire::envoy::config::core::v3::socket_address::{PortSpecifier, Protocol};
use amesh_xds::wire::envoy::config::core::v3::{Address, SocketAddress};

/// Why an address is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// A name where Envoy takes none.
    #[error("{0:?} is not an IP address; clusters of type STRICT_DNS and LOGICAL_DNS may use names")]
    NotAnAddress(String),
}

/// A TCP socket's host and port.
pub(crate) struct Socket<'a> {
    /// IP address or name, as written.
    pub(crate) host: &'a str,
    /// 0 where it is not given as a number.
    pub(crate) port: u32,
}

/// The TCP socket that an address names, if it is one.
pub(crate) fn socket_address(address: &Address) -> Option<Socket<'_>> {
    let Some(Kind::SocketAddress(socket)) = &address.address else { return None };
    let port = match socket.port_specifier {
        Some(PortSpecifier::PortValue(port)) if port <= 65_535 => port,
        _ => 0,
    };
    is_tcp(socket).then_some(Socket { host: &socket.address, port })
}

fn is_tcp(socket: &SocketAddress) -> bool {
    socket.protocol() == Protocol::Tcp
}
