//! What matchers, rewrites and format strings look at: the request as it is now, its connection, and the draw.

use std::cell::RefCell;
use std::net::IpAddr;

use super::decision::Chance;
use super::headers::Headers;
use super::object::Fraction;
use super::path;

/// A request on its way through Envoy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exchange {
    pub(super) headers: Headers,
    pub(super) connection: Connection,
    /// The protocol that the request wants to change to, in lower case.
    pub(super) upgrade: Option<String>,
    /// Whether it was gRPC before filters changed it: answers of Envoy's own follow that.
    pub(super) came_as_grpc: bool,
    /// The client said by which scheme it came.
    pub(super) came_with_scheme: bool,
}

/// The connection a request came over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Connection {
    pub(super) peer: IpAddr,
    pub(super) local: IpAddr,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) sni: Option<String>,
    /// Whether Envoy asks for a client certificate. Whether there is one is not part of the request.
    pub(super) asks_for_certificate: bool,
}

impl Exchange {
    pub(super) fn path(&self) -> &[u8] {
        self.headers.value(":path")
    }

    pub(super) fn path_without_query(&self) -> &[u8] {
        path::without_query(self.path())
    }

    pub(super) fn authority(&self) -> &[u8] {
        self.headers.value(":authority")
    }

    pub(super) fn method(&self) -> &[u8] {
        self.headers.value(":method")
    }

    /// Envoy's idea of gRPC: `application/grpc` with or without `+...`.
    pub(super) fn is_grpc(&self) -> bool {
        let content_type = self.headers.value("content-type");
        content_type.strip_prefix(b"application/grpc").is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
    }
}

/// The random number of a request and what it was divided by.
#[derive(Debug, Default)]
pub(super) struct Draw {
    chance: Chance,
    divisors: RefCell<Vec<u64>>,
}

impl Draw {
    pub(super) fn new(chance: Chance) -> Self {
        Self { chance, divisors: RefCell::default() }
    }

    /// The remainder, below `divisor`.
    pub(super) fn modulo(&self, divisor: u64) -> u64 {
        let mut divisors = self.divisors.borrow_mut();
        if !divisors.contains(&divisor) {
            divisors.push(divisor);
        }
        self.chance.0.checked_rem(divisor).unwrap_or_default()
    }

    pub(super) fn holds(&self, fraction: Fraction) -> bool {
        self.modulo(fraction.of.into()) < fraction.share.into()
    }

    pub(super) fn divisors(self) -> Vec<u64> {
        self.divisors.into_inner()
    }
}
