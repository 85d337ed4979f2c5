//! What the gateway does with a request.

use std::sync::Arc;

use super::received;
use crate::request::Request;

/// The decision about one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The id of the matched route.
    pub route: Option<Arc<str>>,
    /// What happens, with its probability. Never empty; the shares add up to 1. More than one entry
    /// stands for a choice that APISIX makes by chance or by turns.
    pub outcomes: Vec<Outcome>,
    /// How the route was found: every candidate that was tried, in order, and what it failed.
    pub steps: Vec<Step>,
}

impl Decision {
    /// The answer, where there is no choice.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self.outcomes.as_slice() {
            [outcome] => Some(&outcome.answer),
            _ => None,
        }
    }
}

/// One of the things that may happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its probability, above 0, at most 1.
    pub share: f64,
    /// Seconds that the request is held before.
    pub delay: f64,
    /// What is done then.
    pub answer: Answer,
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The gateway answers itself.
    Reply(Reply),
    /// The request goes to an upstream.
    Forward(Box<Forward>),
    /// The configuration uses something that the model does not know: what it is.
    NotModelled(String),
}

/// An answer by the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers that the configuration sets, by name; nginx's own are not listed.
    pub headers: Vec<(String, String)>,
    /// The body of an answer to anything but HEAD.
    pub body: Body,
    /// Why the gateway answers itself.
    pub cause: Cause,
}

/// The body of an answer by the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// These bytes.
    Bytes(Vec<u8>),
    /// nginx's HTML page for the status, where it has one, else nothing.
    ErrorPage,
}

/// Why the gateway answers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// nginx refuses the request.
    Rejected(&'static str),
    /// No route matches.
    NoRoute,
    /// The plugin fault-injection.
    Abort,
    /// The configuration cannot be carried out: a missing reference, no nodes, a Lua error.
    Failure(String),
}

/// A request on its way to an upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// Which upstream.
    pub upstream: UpstreamRef,
    /// `http`, `https`, `grpc` or `grpcs`.
    pub scheme: String,
    /// The Host header that the upstream gets.
    pub host: ForwardedHost,
    /// How a node is chosen.
    pub balancer: Balancer,
    /// All nodes, those of the highest priority first; one address appears once in a priority.
    pub nodes: Vec<Node>,
    /// The timeouts of one try.
    pub timeout: Timeout,
    /// How many further tries there may be after a failed one.
    pub retries: u32,
    /// Seconds after which no further try begins; 0 is no limit.
    pub retry_timeout: f64,
}

impl Forward {
    /// The nodes that a first try may reach, each with its probability, while all are healthy. `None` where that depends
    /// on more than the configuration (connections in flight, hashes).
    #[must_use]
    pub fn shares(&self) -> Option<Vec<(&Node, f64)>> {
        if let [node] = self.nodes.as_slice() {
            return Some(vec![(node, 1.0)]);
        }
        if self.balancer != Balancer::RoundRobin {
            return None;
        }
        let top = self.nodes.first()?.priority;
        let level: Vec<&Node> = self.nodes.iter().take_while(|node| node.priority == top).collect();
        let shares = shares(level.iter().map(|node| node.weight));
        Some(level.into_iter().zip(shares).filter(|(_, share)| *share > 0.0).collect())
    }

    /// The Host header that this node gets for a request.
    #[must_use]
    pub fn host_for(&self, node: &Node, request: &Request) -> Option<Vec<u8>> {
        match &self.host {
            ForwardedHost::Literal(host) => Some(host.clone().into_bytes()),
            ForwardedHost::OfNode => Some(node.authority(&self.scheme).into_bytes()),
            ForwardedHost::AsSent => {
                let is_host = |name: &str| name.eq_ignore_ascii_case("host");
                let sent = request.headers.iter().find(|(name, _)| is_host(name));
                sent.map(|(_, host)| received::trim(host).to_vec())
            }
        }
    }
}

/// Weights as shares of 1; when all are 0 they count as equal, as in lua-resty-balancer.
pub(super) fn shares(weights: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let sum: f64 = weights.clone().sum();
    if sum > 0.0 {
        return weights.map(|weight| weight / sum).collect();
    }
    let count: f64 = weights.clone().map(|_| 1.0).sum();
    weights.map(|_| 1.0 / count).collect()
}

/// Where an upstream is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamRef {
    /// In `upstreams`, under this id.
    Id(String),
    /// In the route, or in its service.
    Inline,
    /// In the plugin traffic-split of the route.
    TrafficSplit,
}

/// The Host header that goes upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardedHost {
    /// The one of the client.
    AsSent,
    /// This one.
    Literal(String),
    /// The address of the chosen node.
    OfNode,
}

/// How a node is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balancer {
    /// By turns, in proportion to the weights.
    RoundRobin,
    /// The least loaded.
    LeastConn,
    /// By latency.
    Ewma,
    /// By a hash.
    Hash {
        /// `vars`, `header`, `cookie`, `consumer`, `vars_combinations`.
        on: String,
        /// The name of what is hashed.
        key: String,
    },
}

/// A node of an upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// An address or a name; IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The share among nodes of its priority, a whole number.
    pub weight: f64,
    /// Nodes of the highest priority are used as long as one of them works.
    pub priority: i64,
}

impl Node {
    /// Host and port, without the port when it is the usual one of the scheme.
    fn authority(&self, scheme: &str) -> String {
        let usual = if scheme.ends_with('s') { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// Timeouts of one try, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeout {
    /// To connect.
    pub connect: f64,
    /// Between two writes.
    pub send: f64,
    /// Between two reads.
    pub read: f64,
}

impl Default for Timeout {
    /// What APISIX's nginx.conf sets.
    fn default() -> Self {
        Self { connect: 60.0, send: 60.0, read: 60.0 }
    }
}

/// One step of the search for a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The routes of a host are searched; `None`: those without a host.
    Host(Option<String>),
    /// A route was tried under one of its uris.
    Candidate {
        /// The id of the route.
        route: Arc<str>,
        /// The uri as configured.
        uri: String,
        /// What it failed; `None`: it matched.
        failed: Option<Condition>,
    },
}

/// A condition that a candidate fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// `methods`
    Method,
    /// `remote_addr`, `remote_addrs`
    RemoteAddr,
    /// `host`, `hosts` (only where the router treats them as a filter)
    Host,
    /// The first failing item of `vars`, as JSON.
    Vars(String),
    /// The pattern that the uri was turned into.
    Path(String),
}
