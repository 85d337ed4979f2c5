//! What holds for any bytes: nothing panics, and the scan and the wire types agree on what is a message.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use amesh_xds::coverage::{Findings, LazyFields, Problem, scan};
use amesh_xds::schema::{self, Kind, Message};
use amesh_xds::wire::envoy::config::route::v3::VirtualHost;
use amesh_xds::wire::envoy::config::{cluster::v3::Cluster, endpoint::v3::ClusterLoadAssignment};
use amesh_xds::wire::envoy::config::{listener::v3::Listener, route::v3::Route, route::v3::RouteConfiguration};
use amesh_xds::wire::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use amesh_xds::wire::envoy::service::discovery::v3::{DeltaDiscoveryResponse, DiscoveryResponse};
use proptest::prelude::*;
use prost::Message as _;

type Decode = fn(&[u8]) -> bool;

const TYPES: [(&str, Decode); 9] = [
    ("envoy.config.listener.v3.Listener", |bytes| Listener::decode(bytes).is_ok()),
    ("envoy.config.route.v3.RouteConfiguration", |bytes| RouteConfiguration::decode(bytes).is_ok()),
    ("envoy.config.route.v3.VirtualHost", |bytes| VirtualHost::decode(bytes).is_ok()),
    ("envoy.config.route.v3.Route", |bytes| Route::decode(bytes).is_ok()),
    ("envoy.config.cluster.v3.Cluster", |bytes| Cluster::decode(bytes).is_ok()),
    ("envoy.config.endpoint.v3.ClusterLoadAssignment", |bytes| ClusterLoadAssignment::decode(bytes).is_ok()),
    ("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", |bytes| {
        HttpConnectionManager::decode(bytes).is_ok()
    }),
    ("envoy.service.discovery.v3.DiscoveryResponse", |bytes| DiscoveryResponse::decode(bytes).is_ok()),
    ("envoy.service.discovery.v3.DeltaDiscoveryResponse", |bytes| DeltaDiscoveryResponse::decode(bytes).is_ok()),
];

/// Turns entropy into bytes that look like the message: mostly right fields, some wrong forms, numbers and ends.
struct Writer<'a> {
    entropy: std::slice::Iter<'a, u8>,
}

impl Writer<'_> {
    fn next(&mut self) -> u8 {
        self.entropy.next().copied().unwrap_or_default()
    }

    fn message(&mut self, message: &Message, depth: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.next() % 6 {
            let choice = usize::from(self.next());
            match message.fields.get(choice % message.fields.len().saturating_add(1)) {
                Some(field) => self.field(field, depth, &mut bytes),
                None => self.oddity(&mut bytes),
            }
        }
        if self.next() > 250 {
            bytes.pop();
        }
        bytes
    }

    fn field(&mut self, field: &schema::Field, depth: u8, bytes: &mut Vec<u8>) {
        let (form, value) = match field.kind {
            Kind::Message(id) if depth > 0 => (2, self.message(id.get(), depth - 1)),
            Kind::Message(_) | Kind::String | Kind::Bytes => (2, vec![b'a'; usize::from(self.next() % 9)]),
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => (1, vec![self.next(); 8]),
            Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => (5, vec![self.next(); 4]),
            _ => (0, vec![self.next() & 0x7f]),
        };
        let form = if self.next() > 250 { self.next() & 7 } else { form };
        varint(u64::from(field.number) << 3 | u64::from(form), bytes);
        if form == 2 {
            varint(value.len() as u64, bytes);
        }
        bytes.extend(value);
    }

    fn oddity(&mut self, bytes: &mut Vec<u8>) {
        varint(u64::from(self.next()) * u64::from(self.next()), bytes);
        bytes.push(self.next() & 3);
    }
}

fn varint(number: u64, bytes: &mut Vec<u8>) {
    prost::encoding::encode_varint(number, bytes);
}

fn check(name: &str, decode: Decode, bytes: &[u8]) -> Result<bool, TestCaseError> {
    let message = schema::message(name).unwrap();
    let mut findings = Findings::default();
    let result = scan(message, bytes, LazyFields::Skip, &mut findings);
    let _ = scan(message, bytes, LazyFields::Enter, &mut Findings::default());
    let decoded = decode(bytes);
    if let Err(error) = result {
        prop_assert!(!decoded || error.problem == Problem::TooDeep, "decoded in spite of {error}");
    }
    Ok(decoded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (name, decode) in TYPES {
            check(name, decode, &bytes)?;
        }
    }

    #[test]
    fn nearly_right_bytes(entropy in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (name, decode) in TYPES {
            let bytes = Writer { entropy: entropy.iter() }.message(schema::message(name).unwrap(), 8);
            check(name, decode, &bytes)?;
        }
    }
}

/// The writer above is worth something only if much of what it writes decodes.
#[test]
fn the_writer_writes_messages() {
    let mut decoded = 0;
    let mut seed: u32 = 1;
    for _ in 0..1_000 {
        let mut byte = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let entropy: Vec<u8> = (0..300).map(|_| byte()).collect();
        let (name, decode) = TYPES[4];
        let bytes = Writer { entropy: entropy.iter() }.message(schema::message(name).unwrap(), 8);
        decoded += usize::from(!bytes.is_empty() && check(name, decode, &bytes).unwrap());
    }
    assert!(decoded > 200, "only {decoded} of 1000 decoded");
}
