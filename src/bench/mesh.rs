//! Synthetic meshes in the shape of Istio's output: the captured Bookinfo, multiplied.
//!
//! Every field that Istio sets in the capture is set here too. The same size always gives the same bytes.

use std::error::Error;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::address::Address::SocketAddress;
use envoy_types::pb::envoy::config::core::v3::{Address, Locality};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use envoy_types::pb::google::protobuf::{Any, Duration, Struct, UInt32Value, value::Kind};
use prost::Message as _;

use crate::captured::{self, Captured, PORTION, renamed};

/// How many of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Services; each has one cluster, one endpoint assignment and one virtual host.
    pub services: u32,
    /// Routes of each virtual host, one at least.
    pub routes: u32,
    /// Endpoints of each service, in two zones.
    pub endpoints: u32,
}

/// The four responses that a new client gets, in the order of the aggregated stream.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Clusters.
    pub cds: Bytes,
    /// Endpoints.
    pub eds: Bytes,
    /// Listeners.
    pub lds: Bytes,
    /// One route configuration.
    pub rds: Bytes,
}

impl Snapshot {
    /// All four, in order.
    pub fn messages(&self) -> [Bytes; 4] {
        [self.cds.clone(), self.eds.clone(), self.lds.clone(), self.rds.clone()]
    }

    /// Bytes of all four.
    pub fn len(&self) -> usize {
        self.messages().iter().map(Bytes::len).sum()
    }
}

/// Makes the messages of one mesh.
pub struct Mesh {
    captured: Captured,
    size: Size,
    virtual_host: Vec<u8>,
}

impl Mesh {
    /// A mesh of some size.
    pub fn new(size: Size) -> Result<Self, Box<dyn Error>> {
        let captured = Captured::read()?;
        let virtual_host = captured.virtual_host(size.routes)?.encode_to_vec();
        Ok(Self { captured, size, virtual_host })
    }

    /// What the control plane says first.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            cds: response(&self.captured.clusters, "1", self.clusters()),
            eds: response(
                &self.captured.endpoints,
                "1",
                (0..self.size.services).map(|s| self.assignment(s, 0)).collect(),
            ),
            lds: response(&self.captured.listeners, "1", self.captured.listeners.resources.clone()),
            rds: self.routes(0),
        }
    }

    /// The endpoints of one service, of which the last has moved to an address of this revision.
    pub fn endpoint_change(&self, service: u32, revision: u32) -> Bytes {
        response(&self.captured.endpoints, &revision.to_string(), vec![self.assignment(service, revision)])
    }

    /// All virtual hosts; from revision 1 on, the one in the middle has a timeout of so many seconds.
    pub fn routes(&self, revision: u32) -> Bytes {
        let mut hosts: Vec<Vec<u8>> = (0..self.size.services).map(|s| named(&self.virtual_host, s)).collect();
        let middle = self.size.services / 2;
        if let Some(host) = hosts.get_mut(middle as usize).filter(|_| revision > 0) {
            *host = named(&with_timeout(&self.virtual_host, revision), middle);
        }
        let config = RouteConfiguration { virtual_hosts: Vec::new(), ..self.captured.routes.clone() };
        // Repeated fields may stand anywhere in a message: those that are encoded already follow the others.
        let mut value = config.encode_to_vec();
        for host in hosts.into_iter().chain([self.captured.block_all.clone()]) {
            prost::encoding::bytes::encode(2, &host, &mut value);
        }
        let resource = Any { type_url: self.captured.routes_url.clone(), value };
        response(&self.captured.routes_response, &revision.to_string(), vec![resource])
    }

    fn clusters(&self) -> Vec<Any> {
        let own = |service| Any {
            type_url: self.captured.clusters.type_url.clone(),
            value: named(&self.captured.cluster, service),
        };
        self.captured.other_clusters.iter().cloned().chain((0..self.size.services).map(own)).collect()
    }

    fn assignment(&self, service: u32, revision: u32) -> Any {
        let name = service_name(service);
        let zones = ["a", "b"].iter().zip(0..).map(|(letter, zone)| {
            let own = (0..self.size.endpoints).filter(|number| number % 2 == zone);
            let lb_endpoints: Vec<_> = own.map(|number| self.endpoint(&name, service, number, revision)).collect();
            locality(&format!("region-1-{letter}"), lb_endpoints)
        });
        let assignment = ClusterLoadAssignment {
            cluster_name: self.captured.service_cluster.replace(PORTION, &name),
            endpoints: zones.filter(|zone| !zone.lb_endpoints.is_empty()).collect(),
            ..ClusterLoadAssignment::default()
        };
        Any { type_url: self.captured.endpoints.type_url.clone(), value: assignment.encode_to_vec() }
    }

    fn endpoint(&self, name: &str, service: u32, number: u32, revision: u32) -> LbEndpoint {
        let mut endpoint = self.captured.endpoint.clone();
        let moved = revision > 0 && number + 1 == self.size.endpoints;
        let place = if moved { 700_000 + revision } else { service * self.size.endpoints + number };
        if let Some(HostIdentifier::Endpoint(inner)) = &mut endpoint.host_identifier
            && let Some(Address { address: Some(SocketAddress(socket)) }) = &mut inner.address
        {
            socket.address = address(place);
        }
        let workload = endpoint.metadata.iter_mut().flat_map(|metadata| metadata.filter_metadata.values_mut());
        workload.for_each(|workload| rename_texts(workload, name, number));
        endpoint
    }
}

/// Endpoints of one zone; as in Istio, its weight is the sum of theirs.
fn locality(zone: &str, lb_endpoints: Vec<LbEndpoint>) -> LocalityLbEndpoints {
    let weights = lb_endpoints.iter().filter_map(|endpoint| endpoint.load_balancing_weight.as_ref());
    LocalityLbEndpoints {
        locality: Some(Locality { region: "region-1".to_owned(), zone: zone.to_owned(), ..Locality::default() }),
        load_balancing_weight: Some(UInt32Value { value: weights.map(|weight| weight.value).sum() }),
        lb_endpoints,
        ..LocalityLbEndpoints::default()
    }
}

/// A template with the name and the address of a service.
fn named(template: &[u8], service: u32) -> Vec<u8> {
    let named = renamed(template, PORTION, &service_name(service));
    renamed(&named, captured::ADDRESS, &address(800_000 - service))
}

/// A response like a captured one, with other resources.
fn response(template: &DiscoveryResponse, version: &str, resources: Vec<Any>) -> Bytes {
    let version_info = format!("{}/{version}", template.version_info.split('/').next().unwrap_or_default());
    DiscoveryResponse { version_info, resources, ..template.clone() }.encode_to_vec().into()
}

/// As long as `PORTION`, for which it stands.
fn service_name(service: u32) -> String {
    format!("s{service:06}")
}

/// One of 810,000 IPv4 addresses, all of the length of `captured::ADDRESS`.
fn address(number: u32) -> String {
    let (rest, d) = (number / 90, number % 90 + 10);
    let (rest, c) = (rest / 10, rest % 10);
    let (a, b) = (rest / 90 % 10 + 10, rest % 90 + 10);
    format!("{a}.{b}.{c}.{d}")
}

/// `details-0;default;details;v1;Kubernetes` becomes that of another workload.
fn rename_texts(labels: &mut Struct, name: &str, number: u32) {
    for value in labels.fields.values_mut() {
        if let Some(Kind::StringValue(text)) = &mut value.kind {
            *text = text.replace("details-0", &format!("details-{number}")).replace(PORTION, name);
        }
    }
}

fn with_timeout(virtual_host: &[u8], seconds: u32) -> Vec<u8> {
    use envoy_types::pb::envoy::config::route::v3::route::Action;
    let Ok(mut host) = VirtualHost::decode(virtual_host) else { return Vec::new() };
    for route in &mut host.routes {
        if let Some(Action::Route(action)) = &mut route.action {
            action.timeout = Some(Duration { seconds: seconds.into(), nanos: 0 });
        }
    }
    host.encode_to_vec()
}
