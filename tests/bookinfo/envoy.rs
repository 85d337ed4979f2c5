//! The story, told by Envoy: the same requests end at the same endpoints as in APISIX.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use amesh_simulator::apisix::{Gateway, Request};
use amesh_tests::envoy::{Envoy, program};
use amesh_tests::files::shared;
use amesh_tests::http::send;
use amesh_tests::message::Types;

use crate::ads::Ads;
use crate::endpoints::{self, name};
use crate::mesh::{End, GATEWAY_PATHS, SERVICES, apisix, decide, hosts, names, responses};
use crate::stock;

/// So many requests are sent at most until each endpoint has answered one: Envoy chooses at random.
const TRIES: usize = 400;

/// Where a request ends in Envoy: repeated until every expected endpoint has answered.
fn observe(address: SocketAddr, request: &Request, expected: &End) -> End {
    let mut answered = BTreeSet::new();
    for _ in 0..TRIES {
        let answer = send(address, request).expect("an answer");
        if answer.status != 200 {
            return End::Status(answer.status);
        }
        answered.insert(name(&answer));
        if *expected == End::Endpoints(answered.clone()) {
            break;
        }
    }
    End::Endpoints(answered)
}

fn compare(envoy: SocketAddr, gateway: &Gateway, port: u16, host: &str, path: &str) {
    let request = Request { server_port: port, ..Request::get(host, path) };
    let expected = decide(gateway, &request);
    assert_eq!(observe(envoy, &request, &expected), expected, "Envoy, APISIX: {host}{path}");
}

/// Envoy with what one node was sent, or `None` where it or the types are absent.
fn start(node: &str) -> Option<(Types, Ads, Envoy)> {
    let program = program("Bookinfo was not compared with a real Envoy")?;
    let types = Types::read(&shared("corpus/envoy-1.40-descriptors.pb")?);
    endpoints::start();
    let ads = Ads::start(loadable(&types, node, "before"));
    let envoy = Envoy::start(&program, ads.bootstrap());
    Some((types, ads, envoy))
}

fn loadable(types: &Types, node: &str, state: &str) -> Vec<Vec<u8>> {
    responses(node, state).iter().map(|bytes| stock::response(types, bytes)).collect()
}

/// Envoy took everything that was served, and holds all of it under the names it was served by.
fn check_dump(types: &Types, ads: &Ads, envoy: &Envoy, node: &str) {
    assert_eq!(ads.refusals(), Vec::<String>::new());
    let served: Vec<Vec<String>> = responses(node, "before").iter().map(|it| names(types, it)).collect();
    let [clusters, endpoints, listeners, routes] = served.as_slice() else { panic!("{served:?}") };
    assert_eq!(&envoy.dumped("dynamic_active_clusters", "/cluster/name"), clusters);
    assert_eq!(&envoy.dumped("dynamic_listeners", "/name"), listeners);
    assert_eq!(&envoy.dumped("dynamic_route_configs", "/route_config/name"), routes);
    // Envoy lists clusters without endpoints of their own as well.
    let dumped = envoy.dumped("dynamic_endpoint_configs", "/endpoint_config/cluster_name");
    assert!(endpoints.iter().all(|name| dumped.contains(name)), "{dumped:?}");
}

#[test]
fn calls_inside_the_mesh_end_where_envoy_sends_them() {
    let Some((types, ads, mut envoy)) = start("sidecar") else { return };
    let address = envoy.until("the listener", |it| it.address_of("0.0.0.0_9080"));
    for state in ["before", "after"] {
        let gateway = apisix("sidecar", state);
        if state == "after" {
            ads.publish(loadable(&types, "sidecar", state));
            let request = Request::get("reviews", "/");
            let v1 = decide(&gateway, &Request { server_port: 9080, ..request.clone() });
            envoy.until("the new routes", |_| {
                let answers =
                    (0..20).map(|_| send(address, &request).expect("an answer")).map(|answer| name(&answer)).collect();
                (End::Endpoints(answers) == v1).then_some(())
            });
        }
        for (service, virtual_address) in SERVICES {
            for host in hosts(service, virtual_address) {
                compare(address, &gateway, 9080, &host, "/");
            }
        }
        for host in ["reviews", "REVIEWS.default", "ratings:80", "example.com", "reviews.other", "10.96.0.99"] {
            for path in ["/reviews/0", "/", "/a//b?c=d"] {
                compare(address, &gateway, 9080, host, path);
            }
        }
    }
    check_dump(&types, &ads, &envoy, "sidecar");
}

#[test]
fn requests_at_the_gateway_end_where_envoy_sends_them() {
    let Some((types, ads, mut envoy)) = start("gateway") else { return };
    let address = envoy.until("the listener", |it| it.address_of("0.0.0.0_8080"));
    let gateway = apisix("gateway", "before");
    for (path, _) in GATEWAY_PATHS {
        for host in ["bookinfo.example.com", "localhost:8080"] {
            compare(address, &gateway, 8080, host, path);
        }
    }
    check_dump(&types, &ads, &envoy, "gateway");
}
