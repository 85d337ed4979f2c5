//! Decoding and scanning speed on endpoints as a service mesh sends them.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::arithmetic_side_effects, clippy::cast_precision_loss)]

use amesh_xds::coverage::{Findings, LazyFields, scan};
use amesh_xds::schema;
use amesh_xds::wire::envoy::config::core::v3::{Address, Metadata, SocketAddress, address, socket_address};
use amesh_xds::wire::envoy::config::endpoint::v3::LocalityLbEndpoints;
use amesh_xds::wire::envoy::config::endpoint::v3::{ClusterLoadAssignment, Endpoint, LbEndpoint, lb_endpoint};
use amesh_xds::wire::google::protobuf::{Struct, Value, value};
use prost::Message;
use prost::bytes::Bytes;
use std::hint::black_box;
use std::time::{Duration, Instant};

const CLUSTERS: u32 = 10_000;
const ENDPOINTS: u32 = 10;

fn endpoint(number: u32, metadata: &Bytes) -> LbEndpoint {
    let [_, high, middle, low] = number.to_be_bytes();
    let socket = SocketAddress {
        address: format!("10.{high}.{middle}.{low}"),
        port_specifier: Some(socket_address::PortSpecifier::PortValue(8080)),
        ..SocketAddress::default()
    };
    let address = Address { address: Some(address::Address::SocketAddress(socket)) };
    let endpoint = Endpoint { address: Some(address), ..Endpoint::default() };
    LbEndpoint {
        metadata: metadata.clone(),
        load_balancing_weight: Some(1),
        host_identifier: Some(lb_endpoint::HostIdentifier::Endpoint(endpoint)),
        ..LbEndpoint::default()
    }
}

fn metadata() -> Bytes {
    let text = |text: &str| Value { kind: Some(value::Kind::StringValue(text.to_owned())) };
    let workload = Struct { fields: [("workload".to_owned(), text("reviews;default;reviews;v1;cluster"))].into() };
    let filter_metadata = [("istio".to_owned(), workload)].into();
    Metadata { filter_metadata }.encode_to_vec().into()
}

fn assignments() -> Vec<Bytes> {
    let metadata = metadata();
    let assignment = |cluster: u32| {
        let first = cluster * ENDPOINTS;
        let lb_endpoints = (first..first + ENDPOINTS).map(|number| endpoint(number, &metadata)).collect();
        let endpoints = vec![LocalityLbEndpoints { lb_endpoints, ..LocalityLbEndpoints::default() }];
        let cluster_name = format!("outbound|9080||service-{cluster}.default.svc.cluster.local");
        ClusterLoadAssignment { cluster_name, endpoints, ..ClusterLoadAssignment::default() }.encode_to_vec().into()
    };
    (0..CLUSTERS).map(assignment).collect()
}

fn best(mut run: impl FnMut()) -> Duration {
    let time = |()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    std::iter::repeat_n((), 10).map(time).min().unwrap_or_default()
}

fn report(what: &str, bytes: usize, time: Duration) {
    let speed = bytes as f64 / time.as_secs_f64() / 1e6;
    println!("{what}: {:.2} ms, {speed:.0} MB/s", time.as_secs_f64() * 1e3);
}

fn main() {
    let assignments = assignments();
    let bytes = assignments.iter().map(Bytes::len).sum();
    println!("{CLUSTERS} assignments, {} endpoints, {bytes} bytes", CLUSTERS * ENDPOINTS);
    report(
        "decode",
        bytes,
        best(|| {
            for assignment in &assignments {
                let _ = black_box(ClusterLoadAssignment::decode(assignment.clone()));
            }
        }),
    );
    let Some(message) = schema::message("envoy.config.endpoint.v3.ClusterLoadAssignment") else { return };
    report(
        "scan",
        bytes,
        best(|| {
            let mut findings = Findings::default();
            for assignment in &assignments {
                let _ = black_box(scan(message, assignment, LazyFields::Skip, &mut findings));
            }
            assert!(findings.is_empty());
        }),
    );
}
