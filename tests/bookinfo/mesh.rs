//! The captured xDS, and the requests that the story is about.

use std::collections::BTreeSet;

use amesh_simulator::apisix::{Answer, Gateway, Request};
use amesh_tests::files::root;
use amesh_tests::message::Types;
use amesh_tests::session::Native;
use amesh_translator::Options;
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use amesh_xds::wire::google::protobuf::Any;
use prost::Message;

/// The files of one node and state, in the order in which a control plane sends them.
pub(crate) const FILES: [&str; 4] = ["cds", "eds", "lds", "rds"];

/// The services, and the spellings of their hosts that Istio makes.
pub(crate) const SERVICES: [(&str, &str); 4] =
    [("productpage", "10.96.0.11"), ("details", "10.96.0.12"), ("reviews", "10.96.0.13"), ("ratings", "10.96.0.14")];

/// The responses that one node was sent.
pub(crate) fn responses(node: &str, state: &str) -> Vec<Vec<u8>> {
    let folder = root().join("examples/bookinfo/xds").join(node).join(state);
    FILES.iter().map(|file| std::fs::read(folder.join(format!("{file}.pb"))).expect("a captured response")).collect()
}

/// The resources of a response.
pub(crate) fn resources(response: &[u8]) -> Vec<Any> {
    DiscoveryResponse::decode(response).expect("a response").resources
}

/// The names of the resources in a response, sorted.
pub(crate) fn names(types: &Types, response: &[u8]) -> Vec<String> {
    let name = |any: &Any| {
        let resource = types.from_bytes(&any.type_url, &any.value)?;
        // The name is field 1 of each of the four types.
        Some(resource.get_field_by_number(1)?.as_str()?.to_owned())
    };
    let mut names: Vec<String> = resources(response).iter().map(|any| name(any).expect("a name")).collect();
    names.sort();
    names
}

/// The spellings of a service's host, each without and with the port.
pub(crate) fn hosts(service: &str, address: &str) -> Vec<String> {
    let suffixes = ["", ".default", ".default.svc", ".default.svc.cluster.local", ".default.svc.cluster.local."];
    let names = suffixes.iter().map(|suffix| format!("{service}{suffix}")).chain([address.to_owned()]);
    names.flat_map(|name| [format!("{name}:9080"), name]).collect()
}

/// Where a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At one of these endpoints, `address:port`.
    Endpoints(BTreeSet<String>),
    /// Answered by the proxy itself, with this status.
    Status(u16),
}

impl End {
    /// The endpoints of some versions of a service, by the numbers in their addresses: 31 is reviews v1.
    pub(crate) fn versions(numbers: &[u8]) -> Self {
        let of = |number: &u8| [1, 2].map(|instance| format!("127.0.{number}.{instance}:9080"));
        Self::Endpoints(numbers.iter().flat_map(of).collect())
    }
}

/// An APISIX that holds the translation of what a node was sent.
pub(crate) fn apisix(node: &str, state: &str) -> Gateway {
    let native = Native::with(Options::default(), &responses(node, state));
    assert!(native.translator.ready(), "everything has arrived: {:?}", native.translator.outstanding());
    Gateway::load(&native.document()).expect("APISIX takes the translation")
}

/// Where a request ends in APISIX: the first choice, while all endpoints are healthy.
pub(crate) fn decide(gateway: &Gateway, request: &Request) -> End {
    let decision = gateway.decide(request);
    match decision.answer().unwrap_or_else(|| panic!("more than one outcome: {:?}", decision.outcomes)) {
        Answer::Reply(reply) => End::Status(reply.status),
        Answer::Forward(forward) => {
            let top = forward.nodes.first().expect("nodes").priority;
            let nodes = forward.nodes.iter().take_while(|node| node.priority == top);
            End::Endpoints(nodes.map(|node| format!("{}:{}", node.host, node.port)).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Paths at the gateway; 200 stands for productpage, anything else is the gateway's own answer.
pub(crate) const GATEWAY_PATHS: &[(&str, u16)] = &[
    ("/productpage", 200),
    ("/productpage?u=normal", 200),
    ("/productpage/", 404),
    ("/productpages", 404),
    ("/static", 200),
    ("/static/bootstrap.css", 200),
    ("/statics", 200),
    ("/login", 200),
    ("/logout", 200),
    ("/api/v1/products", 200),
    ("/api/v1/products/0/reviews", 200),
    ("/api/v2/products", 404),
    ("/", 404),
];
