//! Conditions on requests that filters and match trees are made of.

use crate::regex::Pcre;
use crate::vars::{HeaderMatch, TextMatch};

/// A condition on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// All of them hold; none: always.
    All(Vec<Condition>),
    /// One of them holds; none: never.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A header, of which each line is compared.
    Header(HeaderMatch),
    /// A header, of which all lines are compared as one text, joined by commas.
    Joined(HeaderMatch),
    /// The path without its query.
    Path(TextMatch),
    /// The path without its query, by a template.
    Template(Pcre),
    /// The port that the client connected to: first and last.
    Port(u16, u16),
    /// The address that the client connected to; `address/length`.
    Destination(String),
    /// The client's address, by what the connection manager trusts; `address/length`.
    Client(String),
    /// The address that the connection comes from.
    Peer(String),
    /// The server name that the client asked TLS for; empty without TLS.
    ServerName(TextMatch),
    /// The server name that the client asked TLS for; without TLS there is none, and the condition does not hold.
    ServerNameGiven(TextMatch),
}

impl Condition {
    /// How many comparisons it consists of, and sets of them.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::size).fold(1, usize::saturating_add),
            Self::Not(part) => part.size(),
            _ => 1,
        }
    }

    /// The names of the request headers that it looks at.
    pub(crate) fn headers<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.headers(names)),
            Self::Not(part) => part.headers(names),
            Self::Header(header) | Self::Joined(header) => names.push(&header.name),
            // The client's address has been found before any filter runs.
            Self::Client(_)
            | Self::Destination(_)
            | Self::Peer(_)
            | Self::Port(..)
            | Self::Path(_)
            | Self::Template(_)
            | Self::ServerName(_)
            | Self::ServerNameGiven(_) => {}
        }
    }
}
