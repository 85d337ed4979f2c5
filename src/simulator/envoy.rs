//! How Envoy decides about a request, given its resources.
//!
//! The model covers the way of one HTTP/1.1 request from the listener to the cluster or to an answer of Envoy's own:
//! filter chains, the connection manager's normalisation, virtual hosts, routes and their actions. It was written from
//! the documentation of Envoy's API and is held against a running Envoy 1.40 with its default runtime.
//!
//! A configuration that uses something the model does not know gives [`Answer::NotModelled`] for the requests that it
//! may concern. Not modelled, and not noticed: limits on the size and number of requests, HTTP/2, what happens after a
//! request was sent (connections that fail, retries, health), and access logs, statistics and traces.
//!
//! Resources are in the JSON form of proto3 with proto field names. The model never opens a connection, resolves a
//! name or keeps state between requests.
//!
//! ```
//! use amesh_simulator::{Request, envoy::{Answer, Chance, Proxy}};
//!
//! let manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
//! let listener = serde_json::json!({
//!     "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
//!     "name": "ingress",
//!     "address": {"socket_address": {"address": "0.0.0.0", "port_value": 80}},
//!     "filter_chains": [{"filters": [{"name": "http", "typed_config": {
//!         "@type": manager,
//!         "route_config": {"virtual_hosts": [{"name": "a", "domains": ["a.test"], "routes": [
//!             {"match": {"prefix": "/"}, "redirect": {"https_redirect": true}},
//!         ]}]},
//!         "http_filters": [{"name": "router", "typed_config": {
//!             "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
//!     }}]}],
//! });
//! let proxy = Proxy::load(&[listener])?;
//! let decision = proxy.decide(&Request::get("a.test", "/x?y"), Chance::default());
//! let Some(Answer::Reply(reply)) = decision.answer() else { panic!("{decision:?}") };
//! assert_eq!((reply.status, reply.headers[0].1.as_slice()), (301, b"https://a.test/x?y".as_slice()));
//! # Ok::<(), amesh_simulator::envoy::Refusal>(())
//! ```

mod action;
mod arrival;
mod chain;
mod change;
mod cluster;
mod decision;
mod encoding;
mod exchange;
mod filters;
mod format;
mod forward;
mod header_match;
mod headers;
mod istio;
mod listener;
mod manager;
mod object;
mod path;
mod path_match;
mod re2;
mod redirect;
mod refusal;
mod regex;
mod request_parts;
mod rewrite;
mod route;
mod route_match;
mod routes;
mod scopes;
mod spread;
mod stop;
mod subset;
mod template;
mod text_match;
mod tree;

pub use arrival::knows_method;
pub use change::ResponseChanges;
pub use decision::{
    Answer, Chance, Decision, Endpoint, Endpoints, Forward, Line, Mirror, Outcome, Reply, Retry, RouteRef, Step,
};
pub use refusal::Refusal;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::Request;
use action::Target;
use arrival::{Refused, Reject};
use cluster::{Cluster, Host};
use exchange::{Draw, Exchange};
use filters::{Override, Passage};
use forward::Router;
use headers::Headers;
use listener::Listener;
use manager::{Manager, Routes};
use object::{Object, Read};
use route::{Action, Route};
use routes::{Place, RouteTable};
use stop::{Known, NotModelled};

/// An Envoy that has taken resources.
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    listeners: Vec<Listener>,
    tables: BTreeMap<String, RouteTable>,
    clusters: BTreeMap<String, Cluster>,
    assignments: BTreeMap<String, Vec<Host>>,
}

const KINDS: &str = "envoy.config.";

impl Proxy {
    /// Takes resources in any order, each with its `@type`: `Listener`, `RouteConfiguration`, `Cluster` and
    /// `ClusterLoadAssignment`; others are ignored. A later one of the same name replaces the earlier. The first that
    /// Envoy would refuse is the error, but for endpoints, without which a cluster works on; only what the model reads is
    /// checked.
    pub fn load(resources: &[Json]) -> Result<Self, Refusal> {
        let mut proxy = Self::default();
        for resource in resources {
            proxy.take(resource)?;
        }
        proxy.check_clusters()?;
        Ok(proxy)
    }

    fn take(&mut self, resource: &Json) -> Read<()> {
        let text = |name: &str| resource.get(name).and_then(Json::as_str).unwrap_or_default();
        let url = text("@type").rsplit('/').next().unwrap_or_default();
        let kind = url.strip_prefix(KINDS).and_then(|kind| kind.rsplit('.').next()).unwrap_or_default();
        let name = if kind == "ClusterLoadAssignment" { text("cluster_name") } else { text("name") };
        let title = format!("{kind} {name}");
        let object = Object::new(&title, resource)?;
        match kind {
            "Listener" => {
                let listener = Listener::read(&object)?;
                self.listeners.retain(|other| other.name != listener.name || other.name.is_empty());
                self.listeners.push(listener);
            }
            "RouteConfiguration" => drop(self.tables.insert(name.into(), RouteTable::read(&object)?)),
            "Cluster" => drop(self.clusters.insert(name.into(), Cluster::read(&object)?)),
            "ClusterLoadAssignment" => {
                if let Ok(hosts) = cluster::hosts(&object, false) {
                    self.assignments.insert(name.into(), hosts);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Inline route configurations must name clusters that exist, unless they say otherwise; others need not, unless
    /// they say otherwise.
    fn check_clusters(&self) -> Result<(), Refusal> {
        let chains = self.listeners.iter().flat_map(|listener| listener.chains().map(|chain| (&listener.name, chain)));
        let inline = chains.flat_map(|(listener, chain)| {
            let tables = chain.manager.iter().flat_map(|manager| manager.routes.inline());
            tables.map(move |table| (format!("Listener {listener}"), table, true))
        });
        let named = self.tables.values().map(|table| (format!("RouteConfiguration {}", table.name), table, false));
        for (resource, table, default) in inline.chain(named) {
            if table.validates_clusters.unwrap_or(default)
                && let Some(name) = self.unknown_cluster(table)
            {
                let why = format!("route: unknown cluster '{name}'");
                return Err(Refusal { resource, path: "virtual_hosts".into(), why });
            }
        }
        Ok(())
    }

    fn unknown_cluster<'t>(&self, table: &'t RouteTable) -> Option<&'t str> {
        let forwards = table.routes().filter_map(|route| match &route.action {
            Action::Forward(action) => Some(&action.target),
            _ => None,
        });
        let names = forwards.flat_map(|target| match target {
            Target::Cluster(name) => vec![name.as_str()],
            Target::Weighted(clusters, _) => {
                clusters.iter().map(|cluster| cluster.name.as_str()).filter(|name| !name.is_empty()).collect()
            }
            Target::Header(_) | Target::NotModelled(_) => Vec::new(),
        });
        names.into_iter().find(|name| !self.clusters.contains_key(*name))
    }

    /// What happens to a request. Requests do not influence each other.
    #[must_use]
    pub fn decide(&self, request: &Request, chance: Chance) -> Decision {
        let draw = Draw::new(chance);
        let mut decision = Decision {
            listener: None,
            filter_chain: None,
            filter_chain_path: None,
            route_config: None,
            scope: None,
            virtual_host: None,
            route: None,
            cluster: None,
            outcomes: Vec::new(),
            steps: Vec::new(),
            divisors: Vec::new(),
        };
        let outcomes = self.outcomes(request, &draw, &mut decision);
        decision.outcomes = outcomes.unwrap_or_else(|NotModelled(what)| certain(Answer::NotModelled(what)));
        decision.divisors = draw.divisors();
        decision
    }

    fn outcomes(&self, request: &Request, draw: &Draw, decision: &mut Decision) -> Known<Vec<Outcome>> {
        let Some(listener) = listener::find(&self.listeners, request) else {
            return Ok(closed("no listener is bound there"));
        };
        decision.listener = Some(listener.name.clone());
        let (connection, chain) = listener.accept(request)?;
        let Some(chain) = chain else { return Ok(closed("no filter chain matches")) };
        decision.filter_chain = Some(chain.name.clone());
        decision.filter_chain_path = Some(chain.path.clone());
        NotModelled::check(chain.not_modelled.as_ref())?;
        if chain.tls.is_some() != request.tls {
            let expects = if request.tls { "plain text" } else { "TLS" };
            return Ok(closed(&format!("the filter chain expects {expects}")));
        }
        let manager = chain.manager.as_ref().map_err(|what| NotModelled(what.clone()))?;
        NotModelled::check(manager.not_modelled.as_ref())?;
        match Exchange::arrive(request, connection, manager) {
            Err(Refused::AtOnce(answer)) => Ok(certain(answer)),
            Err(Refused::ByManager(exchange, reject)) => self.routed(manager, *exchange, Some(reject), draw, decision),
            Ok(exchange) => self.routed(manager, exchange, None, draw, decision),
        }
    }

    /// What becomes of a request. One that the manager rejects has a route all the same, by which its answer is changed,
    /// if it said itself by which scheme it came: at that time nobody else has.
    fn routed(
        &self,
        manager: &Manager,
        exchange: Exchange,
        reject: Option<Reject>,
        draw: &Draw,
        decision: &mut Decision,
    ) -> Known<Vec<Outcome>> {
        let nothing = RouteTable::default();
        let table = match &manager.routes {
            Routes::Inline(table) => table,
            Routes::Named(name) => {
                decision.route_config = Some(name.clone());
                self.tables.get(name).unwrap_or(&nothing)
            }
            Routes::Scoped(scopes) => {
                let found = scopes.find(&exchange.headers)?;
                decision.scope = found.map(|(index, _)| index);
                found.map_or(&nothing, |(_, table)| table)
            }
        };
        let place = match reject {
            Some(_) if !exchange.came_with_scheme => Place::NoRoute(None),
            _ => table.find(&exchange, draw, &mut decision.steps)?,
        };
        match &place {
            Place::Route(host, route) => {
                decision.virtual_host = Some(host.name.clone());
                decision.route = Some(route.this.clone());
            }
            Place::ToTls(host) if manager.may_be_internal && host.spares_internal() => {
                return NotModelled::because("who is internal");
            }
            Place::ToTls(host) | Place::NoRoute(Some(host)) => decision.virtual_host = Some(host.name.clone()),
            Place::NoRoute(None) => {}
        }
        let (cluster, weight) = match &place {
            Place::Route(_, Route { action: Action::Forward(action), .. }) => {
                let (cluster, weight) = action.target.choose(&exchange, draw)?;
                (Some(cluster), weight)
            }
            _ => (None, None),
        };
        decision.cluster.clone_from(&cluster);
        let levels: Vec<&BTreeMap<String, Override>> = match &place {
            Place::Route(host, route) => vec![&route.level.filters, &host.level.filters, &table.level.filters],
            Place::ToTls(_) | Place::NoRoute(_) => Vec::new(),
        };
        let router = Router { proxy: self, table };
        let passage = Passage {
            filters: &manager.filters,
            levels: weight.map(|weight| &weight.filters).into_iter().chain(levels).collect(),
            route_name: decision.route.as_ref().map(|route| route.name.clone()).unwrap_or_default(),
            cors: place.cors(),
            cluster,
            draw,
            response: &|exchange| router.response_changes(&place, weight, exchange),
        };
        if let Some(reject) = reject {
            return passage.rejected(&exchange, reject).map(certain);
        }
        if let Some(protocol) = exchange.upgrade.as_deref().filter(|protocol| !upgrades(manager, &place, protocol)) {
            let why = format!("an upgrade to {protocol} is not allowed");
            return passage.reply(&exchange, 403, "", Headers::of_response(), &why).map(certain);
        }
        passage.pass(exchange, &mut decision.steps, |exchange| router.answer(&place, exchange, draw))
    }
}

fn certain(answer: Answer) -> Vec<Outcome> {
    vec![Outcome { share: 1.0, delay: 0.0, answer }]
}

fn closed(why: &str) -> Vec<Outcome> {
    certain(Answer::Closed(why.into()))
}

/// Whether a request may change the protocol: as its route says, else as the connection manager says. Without a route
/// nobody asks.
fn upgrades(manager: &Manager, place: &Place, protocol: &str) -> bool {
    let of_manager = manager.upgrades.get(protocol).copied();
    let of_route = match place {
        Place::NoRoute(_) => return true,
        Place::Route(_, route) => match &route.action {
            Action::Forward(action) => action.upgrades.get(protocol).copied(),
            _ => None,
        },
        Place::ToTls(_) => None,
    };
    of_route.or(of_manager).unwrap_or(false)
}
