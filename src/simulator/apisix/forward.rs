//! A request on its way to an upstream.

use crate::request::Request;

use super::received;
use super::response::ResponseFilters;

/// A request on its way to an upstream.
#[derive(Debug, Clone)]
pub struct Forward {
    /// The method.
    pub method: String,
    /// What goes into the request line, raw.
    pub target: Vec<u8>,
    /// The client's header lines as plugins changed them, in order. Without `Host` (see [`Forward::host`]),
    /// the lines of one hop (`Connection`, `Upgrade`, …), those that frame the body, and those in
    /// [`Forward::added`].
    pub headers: Vec<(String, Vec<u8>)>,
    /// What nginx adds or replaces: `X-Real-IP`, `X-Forwarded-*`, and `Upgrade` and `Connection` on routes
    /// with `enable_websocket`.
    pub added: Vec<(String, Vec<u8>)>,
    /// Whether the route lets the client switch protocols.
    pub websocket: bool,
    /// A server that gets a copy.
    pub mirror: Option<Mirror>,
    /// A server that is asked first. What the rest says holds when it allows the request.
    pub authorization: Option<Authorization>,
    /// What happens to the response.
    pub response: ResponseFilters,
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

/// A copy of the request, with its method, headers, Host and body.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// How likely, above 0, at most 1.
    pub share: f64,
    /// `http://host:port`, as configured.
    pub server: String,
    /// What goes into its request line.
    pub target: Vec<u8>,
}

/// A question to an authorisation service (plugin forward-auth). An answer below 300 allows the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The whole URI, as configured.
    pub uri: String,
    /// `GET`, or `POST` with the body of the request.
    pub method: String,
    /// The headers of the question, by name.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Headers of an allowing answer that replace those of the request; absent ones remove them. They are
    /// left out of [`Forward::headers`].
    pub upstream_headers: Vec<String>,
    /// The lines of the request that these replace.
    pub replaced: Vec<(String, Vec<u8>)>,
    /// Headers of another answer that the client gets, besides its status and body.
    pub client_headers: Vec<String>,
    /// The status when there is no answer; `None`: the request is allowed then.
    pub status_on_error: Option<u16>,
}
