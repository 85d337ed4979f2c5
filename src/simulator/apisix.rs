//! How Apache APISIX decides about a request, given a document of its standalone mode.
//!
//! The model covers what a translation uses: both radix-tree routers with their visiting order and quirks,
//! nginx's reading of the request, conditions (`vars`), plugins with their order, phases and merging, the
//! choice of upstream and nodes, the request that goes upstream, and what becomes of the response. It was
//! written from the behaviour of APISIX 3.18 with its default `config.yaml` and is held against recordings
//! of a running one.
//!
//! Not modelled, and not noticed: limits on the size of bodies, HTTP/2, bodies of requests, and static
//! settings of APISIX other than the defaults and [`Settings`].
//!
//! It never opens a connection, resolves a name, keeps state between requests or draws at random:
//! where APISIX chooses, the decision lists the possibilities with their shares.
//!
//! ```
//! use amesh_simulator::apisix::{Answer, Gateway, Request};
//!
//! let document = serde_json::json!({"routes": [{
//!     "id": "hello", "uri": "/hello*", "hosts": ["a.test"],
//!     "upstream": {"type": "roundrobin", "nodes": {"10.0.0.1:80": 1}},
//! }]});
//! let gateway = Gateway::load(&document)?;
//! let decision = gateway.decide(&Request::get("a.test", "/hello/you"));
//! assert_eq!(decision.route.as_deref(), Some("hello"));
//! assert!(matches!(decision.answer(), Some(Answer::Forward(_))));
//! # Ok::<(), amesh_simulator::apisix::Refusal>(())
//! ```

mod authorize;
mod consumer;
mod decision;
mod document;
mod exchange;
mod expr;
mod fields;
mod forward;
mod headers;
mod ip;
mod mime;
mod names;
mod number;
mod operator;
mod page;
mod pcre;
mod plugin;
mod plugins;
mod proxy;
mod query;
mod radix;
mod received;
mod refusal;
mod response;
mod router;
#[cfg(feature = "schema")]
pub mod schema;
mod stop;
mod substitute;
mod template;
mod upstream;
mod uri;
mod vars;

pub use crate::request::Request;
pub use decision::{Answer, Body, Cause, Condition, Count, Decision, Outcome, PluginStep, Reply, Step};
pub use forward::{Authorization, Balancer, Forward, ForwardedHost, Mirror, Node, Timeout, UpstreamRef};
pub use page::error_page;
pub use refusal::Refusal;
pub use response::{Response, ResponseFilters};
pub use router::RouterKind;

use std::sync::Arc;

use document::{Document, Route};
use exchange::{End, Exchange, Placed, failed, walk};
use plugin::{Exit, Phase};
use received::Received;
use router::Router;
use stop::Stop;
use vars::{Common, Vars};

/// What APISIX's static configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `apisix.router.http`
    pub router: RouterKind,
    /// The port of `apisix.ssl.listen`, to which `redirect.http_to_https` sends clients; `None`: no TLS.
    pub tls_port: Option<u16>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { router: RouterKind::default(), tls_port: Some(9443) }
    }
}

/// An APISIX that has taken a document.
#[derive(Debug)]
pub struct Gateway {
    document: Document,
    router: Router,
    common: Arc<Common>,
}

impl Gateway {
    /// Takes a complete standalone document (`{"routes": [...], "upstreams": [...], ...}`), or
    /// refuses it as APISIX would.
    ///
    /// Checked are the fields that the model reads; for all others see the module `schema`. The
    /// static configuration is the default one.
    pub fn load(document: &serde_json::Value) -> Result<Self, Refusal> {
        Self::load_with(document, Settings::default())
    }

    /// The same for an APISIX that uses another router.
    pub fn load_for(document: &serde_json::Value, router: RouterKind) -> Result<Self, Refusal> {
        Self::load_with(document, Settings { router, ..Settings::default() })
    }

    /// The same for an APISIX with these settings.
    pub fn load_with(document: &serde_json::Value, settings: Settings) -> Result<Self, Refusal> {
        let mut document = Document::read(document)?;
        let router = Router::new(settings.router, &document.routes);
        let common = Common {
            upstreams: document.upstreams.keys().cloned().collect(),
            consumers: std::mem::take(&mut document.consumers),
            tls_port: settings.tls_port,
        };
        Ok(Self { document, router, common: Arc::new(common) })
    }

    /// What happens to a request. Requests do not influence each other.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let mut steps = Vec::new();
        let alone = |answer| vec![Outcome { share: 1.0, delay: 0.0, answer, counted: Vec::new(), plugins: Vec::new() }];
        if request.tls && self.document.asks_for_client_certificates {
            let outcomes = alone(Answer::NotModelled("client certificates".into()));
            return Decision { route: None, outcomes, steps };
        }
        let received = match Received::new(request) {
            Ok(received) => Arc::new(received),
            Err((status, why)) => {
                let outcomes = alone(Answer::Reply(rejection(status, why)));
                return Decision { route: None, outcomes, steps };
            }
        };
        let mut exchange = Exchange::new(Vars::new(received, Arc::clone(&self.common)));
        let (route, ends) = match self.router.find(&exchange.vars, &mut steps) {
            Err(stop) => (None, vec![(exchange, End::Stopped(stop))]),
            Ok(None) => (None, self.no_route(exchange)),
            Ok(Some(route)) => {
                if let Some((status, why)) = &route.missing {
                    (Some(route), vec![(exchange, failed(*status, why))])
                } else {
                    exchange.vars.route_id = Some(Arc::clone(&route.id));
                    (Some(route), self.routed(route, exchange))
                }
            }
        };
        let outcomes = ends.into_iter().map(|(exchange, end)| self.outcome(route, exchange, end)).collect();
        Decision { route: route.map(|route| Arc::clone(&route.id)), outcomes, steps }
    }

    /// Without a route only the global rules run.
    fn no_route(&self, exchange: Exchange) -> Vec<(Exchange, End)> {
        if let Some(what) = &self.document.global.not_modelled {
            return vec![(exchange, End::Stopped(Stop::not_modelled(what)))];
        }
        let mut ends = Vec::new();
        walk(exchange, &self.stages(None), &mut ends);
        for (_, end) in &mut ends {
            if matches!(end, End::Proceeds) {
                let exit = Exit::json(404, "error_msg", "404 Route Not Found");
                *end = End::Answered(Exit { cause: Cause::NoRoute, ..exit });
            }
        }
        ends
    }

    fn routed(&self, route: &Route, exchange: Exchange) -> Vec<(Exchange, End)> {
        let not_modelled = self.document.global.not_modelled.as_ref().or(route.plugins.not_modelled.as_ref());
        if let Some(what) = not_modelled {
            return vec![(exchange, End::Stopped(Stop::not_modelled(what)))];
        }
        let mut ends = Vec::new();
        walk(exchange, &self.stages(Some(route)), &mut ends);
        ends
    }

    /// All plugins with their phases, in the order in which they run.
    fn stages(&self, route: Option<&Route>) -> Vec<(Phase, Placed)> {
        let in_phase = |phase| self.placed(route).into_iter().map(move |placed| (phase, placed));
        in_phase(Phase::Rewrite).chain(in_phase(Phase::Access)).collect()
    }

    /// The plugins of the global rules, then those of the route.
    fn placed(&self, route: Option<&Route>) -> Vec<Placed> {
        let global = self.document.global.instances.iter().map(|plugin| (true, Arc::clone(plugin)));
        let own = route.into_iter().flat_map(|route| &route.plugins.instances);
        global.chain(own.map(|plugin| (false, Arc::clone(plugin)))).collect()
    }

    fn outcome(&self, route: Option<&Arc<Route>>, exchange: Exchange, end: End) -> Outcome {
        let (share, delay) = (exchange.share, exchange.delay);
        let (counted, plugins) = (exchange.counted.clone(), exchange.steps.clone());
        // Before its missing parts are found missing, a route has no plugins yet.
        let with_plugins = route.filter(|route| route.missing.is_none());
        let filters = |exchange| ResponseFilters {
            exchange,
            plugins: self.placed(with_plugins.map(AsRef::as_ref)),
            global_not_modelled: self.document.global.not_modelled.clone(),
        };
        let answer = match (end, route) {
            (End::Proceeds, Some(route)) => match proxy::choose(&self.document, route, &exchange) {
                Ok(choice) => match proxy::forward(choice, route, filters(exchange.clone())) {
                    Ok(answer) => answer,
                    Err(end) => ended(filters(exchange), end),
                },
                Err(end) => ended(filters(exchange), end),
            },
            (end, _) => ended(filters(exchange), end),
        };
        Outcome { share, delay, answer, counted, plugins }
    }
}

/// An answer by nginx, of which APISIX hears nothing.
fn rejection(status: u16, why: &'static str) -> Reply {
    let headers = vec![("Content-Type".into(), b"text/html; charset=utf-8".to_vec())];
    let (status, body) = match status {
        494 => (400, Body::Bytes(page::head_too_large().into_bytes())),
        status => (status, Body::ErrorPage),
    };
    Reply { status, headers, body, cause: Cause::Rejected(why) }
}

/// An end without an upstream.
fn ended(filters: ResponseFilters, end: End) -> Answer {
    let exit = match end {
        End::Answered(exit) => exit,
        End::Stopped(Stop::Raised(why)) => Exit { cause: Cause::Failure(why), ..Exit::new(500, None) },
        End::Stopped(Stop::NotModelled(what)) => return Answer::NotModelled(what),
        End::Proceeds => return Answer::NotModelled("a request that goes nowhere".into()),
    };
    match reply(filters, exit) {
        Ok(reply) => Answer::Reply(reply),
        Err(Stop::NotModelled(what)) => Answer::NotModelled(what),
        Err(Stop::Raised(why)) => Answer::NotModelled(format!("a Lua error on the way back: {why}")),
    }
}

/// The gateway's own answer, after the plugins saw it.
fn reply(mut filters: ResponseFilters, exit: Exit) -> Result<Reply, Stop> {
    let usual = mime::by_extension(&filters.exchange.vars.path);
    let draft = &mut filters.exchange.vars.response;
    for (name, value) in &exit.headers {
        draft.set(name, value);
    }
    draft.begin(exit.status, exit.body, usual);
    let draft = filters.run()?;
    let body = if draft.is_page { Body::ErrorPage } else { Body::Bytes(draft.body) };
    Ok(Reply { status: draft.status, headers: draft.headers.0, body, cause: exit.cause })
}
