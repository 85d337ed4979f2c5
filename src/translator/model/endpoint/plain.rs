//! Endpoints in the form that almost all have, straight off the wire to [`LoadAssignment`]: IPv4 addresses, weights,
//! health, priorities, metadata that decides nothing.
//!
//! Anything else, and anything that is not valid, is none of this module's business: the general way reads it anew and
//! says what there is to say. So this one never has to report or to refuse.

use std::net::Ipv4Addr;
use std::str;

use amesh_xds::wire::envoy::config::core::v3 as core;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::convert::{MAX_PRIORITY, decides, health};
use super::{Endpoint, HealthStatus, LoadAssignment, Locality};
use crate::plan::OVERPROVISIONING;

/// Memory is set aside for so many endpoints at most before they are read.
const RESERVED: usize = 1024;

/// The value of a field.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Takes the next field off the front.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let (number, form) = decode_key(rest).ok()?;
    let value = decode_varint(rest).ok()?;
    match form {
        WireType::Varint => Some((number, Value::Number(value))),
        WireType::LengthDelimited => {
            let (bytes, behind) = rest.split_at_checked(usize::try_from(value).ok()?)?;
            *rest = behind;
            Some((number, Value::Bytes(bytes)))
        }
        _ => None,
    }
}

/// A `ClusterLoadAssignment`; `None` where the general way has to read it.
pub(super) fn assignment(mut bytes: &[u8]) -> Option<LoadAssignment> {
    let mut localities = Vec::new();
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            // cluster_name
            (1, Value::Bytes(name)) => str::from_utf8(name).ok().map(drop)?,
            (2, Value::Bytes(inner)) => localities.push(locality(inner)?),
            _ => return None,
        }
    }
    Some(LoadAssignment { localities, overprovisioning: OVERPROVISIONING, incomplete: false })
}

/// `LocalityLbEndpoints`.
fn locality(mut bytes: &[u8]) -> Option<Locality> {
    let mut locality = Locality::default();
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            // locality
            (1, Value::Bytes(_)) => {}
            (2, Value::Bytes(inner)) => {
                let endpoint = endpoint(inner)?;
                if locality.endpoints.is_empty() {
                    // Most endpoints are as long as the first one.
                    let others = bytes.len().checked_div(inner.len()).unwrap_or_default().min(RESERVED);
                    locality.endpoints.reserve_exact(others.saturating_add(1));
                }
                locality.endpoints.push(endpoint);
            }
            (3, Value::Bytes(inner)) => locality.weight = weight(inner)?,
            (5, Value::Number(priority)) => {
                locality.priority = u32::try_from(priority).ok().filter(|priority| *priority <= MAX_PRIORITY)?;
            }
            _ => return None,
        }
    }
    Some(locality)
}

/// `LbEndpoint`.
fn endpoint(mut bytes: &[u8]) -> Option<Endpoint> {
    let (mut socket, mut own_weight, mut status) = (None, 1, HealthStatus::Healthy);
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            // endpoint, Endpoint.address, Address.socket_address; given twice they would be merged.
            (1, Value::Bytes(inner)) if socket.is_none() => socket = Some(socket_address(only(only(inner)?)?)?),
            (2, Value::Number(value)) => {
                status = health(core::HealthStatus::try_from(i32::try_from(value).ok()?).ok()?);
            }
            (3, Value::Bytes(metadata)) if !decides(metadata) => {}
            (4, Value::Bytes(inner)) => own_weight = weight(inner)?,
            _ => return None,
        }
    }
    let (host, port) = socket?;
    Some(Endpoint { host: host.to_owned(), port, weight: own_weight, health: status, name: None, metadata: None })
}

/// Field 1 of a message in which nothing else is set.
fn only(mut bytes: &[u8]) -> Option<&[u8]> {
    match field(&mut bytes)? {
        (1, Value::Bytes(inner)) if bytes.is_empty() => Some(inner),
        _ => None,
    }
}

/// `SocketAddress` with an IPv4 address and a port, for TCP.
fn socket_address(mut bytes: &[u8]) -> Option<(&str, u32)> {
    let (mut host, mut port) = (None, None);
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            // protocol
            (1, Value::Number(0)) => {}
            (2, Value::Bytes(address)) => host = str::from_utf8(address).ok(),
            (3, Value::Number(number)) => port = u32::try_from(number).ok().filter(|port| (1..=65_535).contains(port)),
            _ => return None,
        }
    }
    // There is one way only to write an IPv4 address that the parser takes.
    let host = host.filter(|host| host.parse::<Ipv4Addr>().is_ok())?;
    Some((host, port?))
}

/// A `google.protobuf.UInt32Value` that is at least 1.
fn weight(mut bytes: &[u8]) -> Option<u32> {
    match field(&mut bytes)? {
        (1, Value::Number(weight)) if bytes.is_empty() => u32::try_from(weight).ok().filter(|weight| *weight > 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use amesh_xds::wire::envoy::config::core::v3::address::Address as Kind;
    use amesh_xds::wire::envoy::config::core::v3::socket_address::PortSpecifier;
    use amesh_xds::wire::envoy::config::core::v3::{Address, SocketAddress};
    use amesh_xds::wire::envoy::config::endpoint::v3 as wire;
    use amesh_xds::wire::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::assignment;
    use crate::model::endpoint::convert::convert_any;
    use crate::report::Report;

    fn endpoint() -> impl Strategy<Value = wire::LbEndpoint> {
        let host = prop_oneof![6 => Just("10.0.0.1"), 1 => Just("::1"), 1 => Just("name"), 1 => Just("")];
        let port = prop_oneof![6 => Just(80_u32), 1 => Just(0), 1 => Just(70_000)];
        let metadata = prop_oneof![4 => Just(""), 1 => Just("\u{a}\u{0}"), 1 => Just("envoy.transport_socket_match"),
            1 => Just("envoy.lb")];
        let health = prop_oneof![4 => Just(0), 4 => 0..8_i32, 1 => Just(-1)];
        let weight = prop_oneof![3 => Just(None), 3 => Just(Some(7)), 1 => Just(Some(0))];
        (host, port, metadata, health, weight, 0..20_i32).prop_map(
            |(host, port, metadata, health, weight, protocol)| {
                let port_specifier = (port > 0).then_some(PortSpecifier::PortValue(port));
                let protocol = i32::from(protocol == 0);
                let socket = SocketAddress { address: host.into(), port_specifier, protocol };
                let address = Some(Address { address: Some(Kind::SocketAddress(socket)) });
                wire::LbEndpoint {
                    host_identifier: Some(HostIdentifier::Endpoint(wire::Endpoint { address, ..Default::default() })),
                    health_status: health,
                    metadata: metadata.into(),
                    load_balancing_weight: weight,
                }
            },
        )
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let locality = (prop::collection::vec(endpoint(), 0..3), 0..132_u32, prop::option::of(0..3_u32)).prop_map(
            |(lb_endpoints, priority, load_balancing_weight)| wire::LocalityLbEndpoints {
                lb_endpoints,
                priority: if priority > 3 && priority < 128 { 0 } else { priority },
                load_balancing_weight,
                ..wire::LocalityLbEndpoints::default()
            },
        );
        let policy = prop_oneof![5 => Just(None), 1 => Just(Some(wire::cluster_load_assignment::Policy::default()))];
        (prop::collection::vec(locality, 0..3), policy).prop_map(|(endpoints, policy)| {
            let cluster_name = "cluster".to_owned();
            wire::ClusterLoadAssignment { cluster_name, endpoints, policy, ..Default::default() }.encode_to_vec()
        })
    }

    /// What is read here the general way reads alike, without a remark.
    fn agree(bytes: &[u8]) -> Result<bool, TestCaseError> {
        let Some(plain) = assignment(bytes) else { return Ok(false) };
        let mut report = Report::default();
        let general = convert_any(bytes.to_vec().into(), &mut report);
        prop_assert_eq!(Ok(plain), general);
        prop_assert!(report.is_empty());
        Ok(true)
    }

    proptest! {
        #[test]
        fn both_ways_agree(bytes in bytes()) {
            agree(&bytes)?;
        }

        #[test]
        fn both_ways_agree_on_damaged_bytes(mut bytes in bytes(), at: prop::sample::Index, by in 1..255_u8) {
            let length = bytes.len();
            if let Some(byte) = bytes.get_mut(at.index(length.max(1))) {
                *byte = byte.wrapping_add(by);
            }
            agree(&bytes)?;
        }

        #[test]
        fn the_usual_form_is_read(ports in prop::collection::vec(1..65_536_u32, 1..4)) {
            let endpoint = |port: &u32| {
                let port_specifier = Some(PortSpecifier::PortValue(*port));
                let socket = SocketAddress { address: "10.0.0.1".into(), port_specifier, protocol: 0 };
                let address = Some(Address { address: Some(Kind::SocketAddress(socket)) });
                let host_identifier = Some(HostIdentifier::Endpoint(wire::Endpoint { address, ..Default::default() }));
                wire::LbEndpoint { host_identifier, load_balancing_weight: Some(1), ..Default::default() }
            };
            let lb_endpoints = ports.iter().map(endpoint).collect();
            let locality = wire::LocalityLbEndpoints { lb_endpoints, ..Default::default() };
            let message = wire::ClusterLoadAssignment { endpoints: vec![locality], ..Default::default() };
            prop_assert!(agree(&message.encode_to_vec())?);
        }
    }
}
