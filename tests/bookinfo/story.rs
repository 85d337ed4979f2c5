//! The story, told by the APISIX model: before, calls go to any version of a service; after, to v1 alone.

use amesh_simulator::apisix::{Gateway, Request};

use crate::mesh::{End, SERVICES, apisix, decide, hosts};

/// The versions of each service by the numbers in the addresses of their endpoints, v1 first.
const VERSIONS: [&[u8]; 4] = [&[11], &[21, 22], &[31, 32, 33], &[41, 42]];

/// A call inside the mesh: to the port itself, or redirected to the sidecar's outbound port.
fn calls(host: &str, path: &str) -> [Request; 2] {
    let direct = Request { server_port: 9080, ..Request::get(host, path) };
    let destination = Some("10.96.0.13:9080".to_owned());
    [direct, Request { server_port: 15001, original_dst: destination, ..Request::get(host, path) }]
}

fn check_services(gateway: &Gateway, versions: impl Fn(&'static [u8]) -> &'static [u8]) {
    for ((service, address), all) in SERVICES.into_iter().zip(VERSIONS) {
        let expected = End::versions(versions(all));
        for host in hosts(service, address) {
            for request in calls(&host, "/").into_iter().chain(calls(&host, "/some/path?query=1")) {
                assert_eq!(decide(gateway, &request), expected, "{host}: {request:?}");
            }
        }
    }
}

#[test]
fn before_every_version_serves() {
    let gateway = apisix("sidecar", "before");
    check_services(&gateway, |all| all);
}

#[test]
fn after_only_v1_serves() {
    let gateway = apisix("sidecar", "after");
    check_services(&gateway, |all| &all[..1]);
}

#[test]
fn unknown_hosts_are_blocked() {
    for state in ["before", "after"] {
        let gateway = apisix("sidecar", state);
        for host in ["example.com", "reviews.other", "reviews.default.svc.cluster.local.example.com", "10.96.0.99"] {
            for request in calls(host, "/") {
                assert_eq!(decide(&gateway, &request), End::Status(502), "{host}: {request:?}");
            }
        }
    }
}

#[test]
fn the_gateway_serves_the_paths_of_productpage() {
    for state in ["before", "after"] {
        let gateway = apisix("gateway", state);
        for (path, expected) in crate::mesh::GATEWAY_PATHS {
            let expected = if *expected == 200 { End::versions(&[11]) } else { End::Status(*expected) };
            for host in ["bookinfo.example.com", "localhost:8080"] {
                let request = Request { server_port: 8080, ..Request::get(host, *path) };
                assert_eq!(decide(&gateway, &request), expected, "{host}{path}");
            }
        }
    }
}
