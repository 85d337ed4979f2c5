//! How Apache APISIX decides about a request, given a document of its standalone mode.
//!
//! The model covers what the translator's output uses today: both radix-tree routers with their
//! visiting order and quirks, nginx's reading of the request, conditions (`vars`), the choice of
//! upstream and nodes, fault-injection and traffic-split. It was written from the behaviour of
//! APISIX 3.18 with its default `config.yaml` and is held against recordings of a running one.
//!
//! Not modelled, and not noticed: limits on the size of requests, HTTP/2, and static settings of APISIX
//! other than the defaults.
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

mod decision;
mod document;
mod expr;
mod fault;
mod fields;
mod ip;
mod number;
mod operator;
mod pcre;
mod plugins;
mod query;
mod radix;
mod received;
mod refusal;
mod router;
#[cfg(feature = "schema")]
pub mod schema;
mod split;
mod stop;
mod template;
mod upstream;
mod uri;
mod vars;

pub use crate::request::Request;
pub use decision::{
    Answer, Balancer, Body, Cause, Condition, Decision, Forward, ForwardedHost, Node, Outcome, Reply, Step, Timeout,
    UpstreamRef,
};
pub use refusal::Refusal;
pub use router::RouterKind;

use std::sync::Arc;

use document::{Document, Route};
use received::Received;
use router::Router;
use split::SplitTarget;
use stop::Stop;
use upstream::failure;
use vars::Vars;

/// An APISIX that has taken a document.
#[derive(Debug)]
pub struct Gateway {
    document: Document,
    router: Router,
}

impl Gateway {
    /// Takes a complete standalone document (`{"routes": [...], "upstreams": [...], ...}`), or
    /// refuses it as APISIX would.
    ///
    /// Checked are the fields that the model reads; for all others see the module `schema`. The
    /// router is `radixtree_host_uri`.
    pub fn load(document: &serde_json::Value) -> Result<Self, Refusal> {
        Self::load_for(document, RouterKind::default())
    }

    /// The same for an APISIX that uses another router.
    pub fn load_for(document: &serde_json::Value, router: RouterKind) -> Result<Self, Refusal> {
        let document = Document::read(document)?;
        let router = Router::new(router, &document.routes);
        Ok(Self { document, router })
    }

    /// What happens to a request. Requests do not influence each other.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let mut steps = Vec::new();
        if request.tls && self.document.asks_for_client_certificates {
            let outcomes = certain(Answer::NotModelled("client certificates".into()));
            return Decision { route: None, outcomes, steps };
        }
        let (route, outcomes) = match Received::new(request) {
            Err((status, why)) => (None, certain(reply(status, Cause::Rejected(why)))),
            Ok(received) => match self.router.find(&received, &mut steps) {
                Err(stop) => (None, stopped(stop)),
                Ok(None) => (None, self.no_route()),
                Ok(Some(route)) => {
                    let vars = Vars { received: &received, route_id: Some(&route.id) };
                    let outcomes = self.outcomes(route, &vars).unwrap_or_else(stopped);
                    (Some(Arc::clone(&route.id)), outcomes)
                }
            },
        };
        Decision { route, outcomes, steps }
    }

    fn no_route(&self) -> Vec<Outcome> {
        if let Some(what) = &self.document.not_modelled {
            return certain(Answer::NotModelled(what.clone()));
        }
        let body = Body::Bytes(b"{\"error_msg\":\"404 Route Not Found\"}\n".to_vec());
        certain(Answer::Reply(Reply { status: 404, headers: Vec::new(), body, cause: Cause::NoRoute }))
    }

    /// From the matched route to the answers: fault-injection, traffic-split, upstream.
    fn outcomes(&self, route: &Route, vars: &Vars) -> Result<Vec<Outcome>, Stop> {
        if let Some((status, why)) = &route.missing {
            return Ok(certain(failure(*status, why)));
        }
        let not_modelled = self.document.not_modelled.as_deref().or(route.plugins.not_modelled());
        if let Some(what) = not_modelled {
            return Err(Stop::not_modelled(what));
        }
        let Some(fault) = route.plugins.fault(vars)? else { return self.proxied(route, vars) };
        let mut outcomes = Vec::new();
        for fate in fault.fates(vars)? {
            let after = match fate.abort {
                Some(reply) => certain(Answer::Reply(reply)),
                None => self.proxied(route, vars)?,
            };
            outcomes.extend(after.into_iter().map(|outcome| Outcome {
                share: fate.share * outcome.share,
                delay: fate.delay,
                ..outcome
            }));
        }
        Ok(outcomes)
    }

    fn proxied(&self, route: &Route, vars: &Vars) -> Result<Vec<Outcome>, Stop> {
        let exists = |id: &str| self.document.upstreams.contains_key(id);
        let targets = match route.plugins.split(vars)? {
            Some(split) => split.targets(vars, exists)?,
            None => Vec::new(),
        };
        if targets.is_empty() {
            return Ok(certain(self.answer(route, &SplitTarget::Route, vars)?));
        }
        let outcome = |(share, target)| Ok(Outcome { share, delay: 0.0, answer: self.answer(route, target, vars)? });
        targets.into_iter().map(outcome).collect()
    }

    fn answer(&self, route: &Route, target: &SplitTarget, vars: &Vars) -> Result<Answer, Stop> {
        let host = route.plugins.host(vars)?;
        let id = match target {
            SplitTarget::Inline(upstream) => {
                return Ok(upstream.answer(UpstreamRef::TrafficSplit, host, route.timeout));
            }
            SplitTarget::Id(id) => Some(id),
            SplitTarget::Route => route.upstream_id.as_ref(),
        };
        Ok(match (id, &route.upstream) {
            (Some(id), _) => match self.document.upstreams.get(id) {
                Some(upstream) => upstream.answer(UpstreamRef::Id(id.clone()), host, route.timeout),
                None => failure(502, format!("the upstream {id} does not exist")),
            },
            (None, Some(upstream)) => upstream.answer(UpstreamRef::Inline, host, route.timeout),
            (None, None) => failure(503, "missing upstream configuration in Route or Service"),
        })
    }
}

fn certain(answer: Answer) -> Vec<Outcome> {
    vec![Outcome { share: 1.0, delay: 0.0, answer }]
}

fn stopped(stop: Stop) -> Vec<Outcome> {
    certain(match stop {
        Stop::Raised(why) => failure(500, why),
        Stop::NotModelled(what) => Answer::NotModelled(what),
    })
}

fn reply(status: u16, cause: Cause) -> Answer {
    Answer::Reply(Reply { status, headers: Vec::new(), body: Body::ErrorPage, cause })
}
