//! What match trees look at.

use std::net::{IpAddr, Ipv4Addr};

use amesh_xds::wire::envoy::r#type::matcher::v3::HttpRequestHeaderMatchInput;
use amesh_xds::wire::xds::core::v3::TypedExtensionConfig;
use prost::Message as _;

use super::{Lack, Reader, TreeError};
use crate::model::condition::Condition;
use crate::model::findings::{Extension, extension, shown};
use crate::model::rules::{filled, set};
use crate::report::Place;
use crate::resource_type::message_name;
use crate::vars::{HeaderKind, HeaderMatch, TextMatch};

/// What a kind of tree may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Request headers.
    Headers,
    /// Request headers and the connection.
    Connection,
    /// Whatever Envoy has.
    All,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Header(String),
    Destination,
    DestinationPort,
    /// The address that is taken for the client's.
    Client,
    Peer,
    ServerName,
}

const NETWORK: &str = "envoy.extensions.matching.common_inputs.network.v3.";
const HEADER: &str = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
/// What access rules look at besides, and cannot be told here.
const CERTIFICATE: &str = "envoy.extensions.matching.common_inputs.ssl.v3.";
const CEL: &str = "xds.type.matcher.v3.HttpAttributesCelMatchInput";

impl Inputs {
    fn has(self, name: &str) -> bool {
        let connection = || name.starts_with(NETWORK) || name.starts_with(CERTIFICATE) || name == CEL;
        match self {
            Self::Headers => name == HEADER,
            Self::Connection => name == HEADER || connection(),
            Self::All => true,
        }
    }
}

impl<A> Reader<'_, A> {
    pub(super) fn input(&mut self, config: &TypedExtensionConfig, place: &Place<'_>) -> Result<Input, Lack> {
        filled(&config.name, "input.name")?;
        let any = set(config.typed_config.as_ref(), "input.typed_config")?;
        let place = place.field("input");
        let name = message_name(&any.type_url);
        if !self.inputs.has(name) {
            return Err(TreeError::Input(shown(name)).into());
        }
        let Extension::Read(name, bytes, denied) = extension("matcher_input", any, &place, self.report)? else {
            return Err(Lack::Untold);
        };
        if denied.0 {
            return Err(Lack::Untold);
        }
        Ok(match name.strip_prefix(NETWORK).unwrap_or_default() {
            "DestinationIPInput" => Input::Destination,
            "DestinationPortInput" => Input::DestinationPort,
            "SourceIPInput" => Input::Client,
            "DirectSourceIPInput" => Input::Peer,
            "ServerNameInput" => Input::ServerName,
            _ => Input::Header(HttpRequestHeaderMatchInput::decode(bytes.clone())?.header_name),
        })
    }

    /// The condition that what is looked at is there, and is such a text.
    pub(super) fn compare(&mut self, input: &Input, text: TextMatch, place: &Place<'_>) -> Result<Condition, Lack> {
        let TextMatch { kind, ignore_case } = text;
        let condition = match input {
            Input::Header(name) => Some(Condition::Joined(HeaderMatch {
                name: name.clone(),
                kind,
                ignore_case,
                invert: false,
                treat_missing_as_empty: false,
            })),
            Input::ServerName => Some(Condition::ServerNameGiven(TextMatch { kind, ignore_case })),
            Input::DestinationPort => port(&kind).map(|port| Condition::Port(port, port)),
            Input::Destination => range(&kind).map(Condition::Destination),
            Input::Client => range(&kind).map(Condition::Client),
            Input::Peer => range(&kind).map(Condition::Peer),
        };
        condition.ok_or_else(|| self.untold(place, PART))
    }
}

const PART: &str = "addresses and ports are compared as a whole only, or by the first numbers of an address";

/// A port as Envoy writes it.
fn port(kind: &HeaderKind) -> Option<u16> {
    let HeaderKind::Exact(text) = kind else { return None };
    text.parse().ok().filter(|port: &u16| port.to_string() == *text)
}

/// An address as Envoy writes it, or its first numbers: `10.0.`.
fn range(kind: &HeaderKind) -> Option<String> {
    match kind {
        HeaderKind::Exact(text) => {
            let address: IpAddr = text.parse().ok()?;
            let length = if address.is_ipv4() { 32 } else { 128 };
            (address.to_string() == *text).then(|| format!("{address}/{length}"))
        }
        HeaderKind::Prefix(text) => {
            let numbers = text.strip_suffix('.')?.split('.').count();
            let missing = 4_usize.checked_sub(numbers).filter(|missing| *missing > 0)?;
            let address: Ipv4Addr = format!("{text}{}", vec!["0"; missing].join(".")).parse().ok()?;
            let length = numbers.saturating_mul(8);
            address.to_string().starts_with(text).then(|| format!("{address}/{length}"))
        }
        _ => None,
    }
}
