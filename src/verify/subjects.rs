//! The two proxies, one with the input and one with the output of a translation.

use std::collections::{BTreeMap, BTreeSet};

use amesh_simulator::Request;
use amesh_simulator::apisix::{self, Gateway};
use amesh_simulator::envoy::{self, Chance, Proxy};
use amesh_translator::Diagnostic;
use serde_json::Value;

use crate::chance::{middles, pieces, request_id, request_id_apart};
use crate::declared::Way;
use crate::look::{list, number, text};
use crate::mesh::Mesh;
use crate::met::Met;
use crate::probe::Probe;
use crate::responses::Responses;
use crate::seen::{End, Fate, Forwarded, headers};

/// Why the proxies cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SubjectsError {
    /// Envoy refuses the input.
    #[error("Envoy would refuse the configuration: {0}")]
    Envoy(envoy::Refusal),
    /// APISIX refuses the output: a fault of the translator.
    #[error("APISIX would refuse the translation: {0}")]
    Apisix(apisix::Refusal),
}

/// Both proxies, and what the translation said.
#[derive(Debug)]
pub struct Subjects {
    pub(crate) envoy: Proxy,
    pub(crate) apisix: Gateway,
    pub(crate) diagnostics: Vec<Diagnostic>,
    responses: Responses,
    /// `host:port` of the endpoints of each cluster.
    clusters: BTreeMap<String, String>,
    /// The assignments that clusters ask for, where they have another name.
    services: BTreeMap<String, String>,
    /// The place in its virtual host of the route that each of APISIX's stands for, by id.
    positions: BTreeMap<String, usize>,
}

/// What APISIX answers where the translation denies.
const DENIALS: [&[u8]; 2] = [b"this request is denied", b"this listener is not served"];
/// A timeout from which on there is none, in seconds.
const DAY: f64 = 86_400.0;

impl Subjects {
    /// `document`: the translation of `mesh`, as a standalone document; `diagnostics`: those of the translation.
    pub fn new(mesh: &Mesh, document: &Value, diagnostics: Vec<Diagnostic>) -> Result<Self, SubjectsError> {
        Ok(Self {
            envoy: Proxy::load(&mesh.resources()).map_err(SubjectsError::Envoy)?,
            apisix: Gateway::load(document).map_err(SubjectsError::Apisix)?,
            diagnostics,
            responses: Responses::of(mesh),
            clusters: clusters(mesh),
            services: services(mesh),
            positions: positions(document),
        })
    }

    /// The name of the assignment that a cluster has its endpoints from.
    pub(crate) fn service_of<'s>(&'s self, cluster: &'s str) -> &'s str {
        self.services.get(cluster).map_or(cluster, String::as_str)
    }

    /// The place in its virtual host of the route that one of APISIX's stands for.
    pub(crate) fn position(&self, route: &str) -> Option<usize> {
        self.positions.get(route).copied()
    }

    /// Envoy's decision for a draw.
    #[must_use]
    pub fn envoy(&self, request: &Request, draw: u64) -> envoy::Decision {
        self.envoy.decide(request, Chance(draw))
    }

    /// APISIX's decision; the request id, if any, is the request's.
    #[must_use]
    pub fn apisix(&self, request: &Request) -> apisix::Decision {
        self.apisix.decide(request)
    }

    /// What a request meets, of which nothing is known yet about being denied.
    pub(crate) fn way<'w>(&self, met: &'w Met, probe: &'w Probe, fraction: f64) -> Way<'w> {
        let request_id = Some(request_id(fraction, 0.5, 0.5));
        let route = self.apisix.decide(&Request { request_id, ..probe.request.clone() }).route;
        Way {
            met,
            request: &probe.request,
            oddities: &probe.oddities,
            denied: false,
            route: route.as_deref().and_then(|route| self.position(route)),
            unserved: route.is_none(),
            redirected: probe.request.original_dst.is_some(),
        }
    }

    /// The same for all routes of APISIX that draws lead to.
    pub(crate) fn ways<'w>(&self, met: &'w Met, probe: &'w Probe) -> Vec<Way<'w>> {
        let mut ways: Vec<Way<'w>> = Vec::new();
        for step in 0..32_u8 {
            let way = self.way(met, probe, (f64::from(step) + 0.5) / 32.0);
            if !ways.iter().any(|known| known.route == way.route) {
                ways.push(way);
            }
        }
        ways
    }

    /// What may happen with Envoy, or what its model does not know.
    pub(crate) fn fates_of_envoy(&self, decision: &envoy::Decision, asks: &Request) -> Result<Vec<Fate>, String> {
        let fate = |outcome: &envoy::Outcome| {
            let end = match &outcome.answer {
                envoy::Answer::Reply(reply) => End::Reply {
                    status: reply.status,
                    body: Some(if asks.method == "HEAD" { Vec::new() } else { reply.body.clone() }),
                    headers: headers(reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))),
                    denial: false,
                },
                envoy::Answer::Forward(forward) => End::Forward(Box::new(self.forwarded_by_envoy(forward)?)),
                envoy::Answer::Closed(_) => End::Closed,
                envoy::Answer::NotModelled(what) => return Err(format!("Envoy: {what}")),
                _ => return Err("Envoy: an answer of a new kind".to_owned()),
            };
            Ok(Fate { share: outcome.share, delay: milliseconds(outcome.delay), end })
        };
        decision.outcomes.iter().map(fate).collect()
    }

    fn forwarded_by_envoy(&self, forward: &envoy::Forward) -> Result<Forwarded, String> {
        let (known, open) = match &forward.endpoints {
            envoy::Endpoints::Known(endpoints) => (endpoints.as_slice(), None),
            envoy::Endpoints::Open(why) => (&[][..], Some(format!("Envoy: {why}"))),
        };
        let mut endpoints = BTreeMap::new();
        for endpoint in known {
            *endpoints.entry(address(&endpoint.address, endpoint.port)).or_insert(0.0) += endpoint.share;
        }
        let own = known.first().and_then(|endpoint| endpoint.authority.clone());
        Ok(Forwarded {
            addresses: endpoints.keys().cloned().collect(),
            open,
            endpoints: Some(endpoints),
            method: forward.method.clone(),
            host: own.unwrap_or_else(|| forward.authority.clone()),
            path: forward.path.clone(),
            headers: headers(forward.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))),
            timeout: forward.timeout.filter(|timeout| *timeout < DAY).map(milliseconds),
            retries: forward.retry.as_ref().map_or(0, |retry| retry.retries),
            responses: self.responses.through_envoy(&forward.response)?,
            mirrors: self.copies(&forward.mirrors),
            websocket: forward.websocket,
        })
    }

    fn copies(&self, mirrors: &[envoy::Mirror]) -> BTreeMap<String, f64> {
        let place = |mirror: &envoy::Mirror| self.clusters.get(&mirror.cluster).cloned().unwrap_or_default();
        mirrors.iter().map(|mirror| (place(mirror), mirror.share)).collect()
    }

    /// What may happen with APISIX for a draw at this fraction of the range.
    pub(crate) fn fates_of_apisix(&self, request: &Request, fraction: f64) -> Result<Vec<Fate>, String> {
        self.fates_of_draws(request, fraction, fraction)
    }

    /// What may happen with APISIX in all draws.
    pub(crate) fn all_fates_of_apisix(&self, request: &Request) -> Result<Vec<Fate>, String> {
        let at = |route: f64, cluster: f64| self.fates_of_draws(request, route, cluster);
        let routes = pieces(|route| [0.0, 0.5, 0.999].map(|cluster| at(route, cluster)));
        let mut all = Vec::new();
        for (route, width) in middles(&routes) {
            for (cluster, height) in middles(&pieces(|cluster| at(route, cluster))) {
                let fates = at(route, cluster)?;
                all.extend(fates.into_iter().map(|fate| Fate { share: fate.share * width * height, ..fate }));
            }
        }
        Ok(all)
    }

    fn fates_of_draws(&self, request: &Request, route: f64, cluster: f64) -> Result<Vec<Fate>, String> {
        let at = |first: f64, second: f64| {
            let request_id = Some(request_id_apart(route, first, second, cluster));
            self.fates(&Request { request_id, ..request.clone() })
        };
        if let Ok(fates) = self.fates(request) {
            return Ok(fates);
        }
        let (firsts, seconds) = (pieces(|first| at(first, 0.5)), pieces(|second| at(0.5, second)));
        let mut all = Vec::new();
        for (first, width) in middles(&firsts) {
            for (second, height) in middles(&seconds) {
                let fates = at(first, second)?;
                all.extend(fates.into_iter().map(|fate| Fate { share: fate.share * width * height, ..fate }));
            }
        }
        Ok(all)
    }

    fn fates(&self, request: &Request) -> Result<Vec<Fate>, String> {
        let decision = self.apisix.decide(request);
        let fate = |outcome: &apisix::Outcome| {
            let end = match &outcome.answer {
                apisix::Answer::Reply(reply) => replied(reply, request),
                apisix::Answer::Forward(forward) => End::Forward(Box::new(self.forwarded_by_apisix(forward, request)?)),
                apisix::Answer::NotModelled(what) => return Err(format!("APISIX: {what}")),
                _ => return Err("APISIX: an answer of a new kind".to_owned()),
            };
            Ok(Fate { share: outcome.share, delay: milliseconds(outcome.delay), end })
        };
        decision.outcomes.iter().map(fate).collect()
    }

    fn forwarded_by_apisix(&self, forward: &apisix::Forward, request: &Request) -> Result<Forwarded, String> {
        let nodes = forward.nodes.iter();
        let shares = forward.shares().map(|shares| {
            shares.into_iter().map(|(node, share)| (address(&node.host, node.port), share)).collect::<BTreeMap<_, _>>()
        });
        let all: BTreeSet<String> = nodes.map(|node| address(&node.host, node.port)).collect();
        let first = forward.nodes.first();
        Ok(Forwarded {
            addresses: shares.as_ref().map_or_else(|| all.into_iter().collect(), |it| it.keys().cloned().collect()),
            endpoints: shares,
            open: None,
            method: forward.method.clone(),
            host: first.and_then(|node| forward.host_for(node, request)).unwrap_or_default(),
            path: forward.target.clone(),
            headers: headers(forward.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))),
            timeout: Some(forward.timeout.read).filter(|timeout| *timeout < DAY).map(milliseconds),
            retries: forward.retries,
            responses: self.responses.through_apisix(&forward.response)?,
            mirrors: forward.mirror.iter().map(|mirror| (bare(&mirror.server).to_owned(), mirror.share)).collect(),
            websocket: forward.websocket && asks_for_websocket(request),
        })
    }
}

/// Whether an end is the translation's own denial.
pub(crate) fn is_denial(fate: &Fate) -> bool {
    matches!(fate.end, End::Reply { denial: true, .. })
}

fn replied(reply: &apisix::Reply, request: &Request) -> End {
    let body = match &reply.body {
        apisix::Body::Bytes(bytes) => Some(bytes.clone()),
        apisix::Body::ErrorPage => None,
    };
    let is_denied = |body: &Vec<u8>| DENIALS.iter().any(|denial| body.starts_with(denial));
    let denial = reply.status == 503 && body.as_ref().is_some_and(is_denied);
    let body = if request.method == "HEAD" { Some(Vec::new()) } else { body };
    let lines = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    End::Reply { status: reply.status, body, headers: headers(lines), denial }
}

fn asks_for_websocket(request: &Request) -> bool {
    request
        .headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("upgrade") && value.eq_ignore_ascii_case(b"websocket"))
}

fn bare(server: &str) -> &str {
    server.split_once("://").map_or(server, |(_, rest)| rest)
}

fn address(host: &str, port: u16) -> String {
    let host = host.trim_matches(['[', ']']);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are positive and below a day")]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

/// The endpoints of each cluster, joined by blanks.
fn clusters(mesh: &Mesh) -> BTreeMap<String, String> {
    let assigned: BTreeMap<&str, String> =
        mesh.endpoints.iter().filter_map(|it| Some((text(it, &["cluster_name"])?, endpoints(it)))).collect();
    let of = |cluster: &Value| {
        let name = text(cluster, &["name"])?;
        let service = text(cluster, &["eds_cluster_config", "service_name"]).unwrap_or(name);
        let own = cluster.get("load_assignment").map(endpoints);
        Some((name.to_owned(), own.or_else(|| assigned.get(service).cloned())?))
    };
    mesh.clusters.iter().filter_map(of).collect()
}

fn services(mesh: &Mesh) -> BTreeMap<String, String> {
    let service = |cluster: &Value| {
        let service = text(cluster, &["eds_cluster_config", "service_name"]).filter(|name| !name.is_empty())?;
        Some((text(cluster, &["name"])?.to_owned(), service.to_owned()))
    };
    mesh.clusters.iter().filter_map(service).collect()
}

/// Routes have names like `table/host#3.1 name`: the fourth route of the virtual host, the second part of it.
fn positions(document: &Value) -> BTreeMap<String, usize> {
    let position = |route: &Value| {
        let (_, rest) = text(route, &["name"])?.rsplit_once('#')?;
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        Some((text(route, &["id"])?.to_owned(), digits.parse().ok()?))
    };
    list(document, &["routes"]).iter().filter_map(position).collect()
}

fn endpoints(assignment: &Value) -> String {
    let mut addresses = Vec::new();
    for locality in list(assignment, &["endpoints"]) {
        for endpoint in list(locality, &["lb_endpoints"]) {
            let socket = &["endpoint", "address", "socket_address"];
            let Some(socket) = crate::look::at(endpoint, socket) else { continue };
            let port = number(socket, &["port_value"]).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
            addresses.push(address(text(socket, &["address"]).unwrap_or_default(), port));
        }
    }
    addresses.join(" ")
}
