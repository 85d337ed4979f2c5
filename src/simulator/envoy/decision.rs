//! What Envoy does with a request.

use std::net::IpAddr;

use super::change::ResponseChanges;

/// A header line: the name in lower case and the value.
pub type Line = (String, Vec<u8>);

/// The draw for the route table of one request.
///
/// Envoy takes one random number per request. A `runtime_fraction` of N out of D holds where the number modulo D is
/// below N; of weighted clusters with the total T, the number modulo T selects one. Other draws (faults, mirrors) are
/// independent of it and appear as several outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chance(
    /// The random number.
    pub u64,
);

/// The decision about one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The listener that has the connection.
    pub listener: Option<String>,
    /// The name of the filter chain, or its place in the list (`[0]`, `default`) where it has none.
    pub filter_chain: Option<String>,
    /// Where the filter chain stands in the listener: `filter_chains[0]` or `default_filter_chain`.
    pub filter_chain_path: Option<String>,
    /// The route configuration, where it is a resource of its own.
    pub route_config: Option<String>,
    /// The place of its scope in `scoped_route_configurations`, where it stands in one.
    pub scope: Option<usize>,
    /// The virtual host.
    pub virtual_host: Option<String>,
    /// The route.
    pub route: Option<RouteRef>,
    /// The cluster that the route leads to, be there one or not.
    pub cluster: Option<String>,
    /// What happens, with its probability. Never empty; the shares add up to 1.
    pub outcomes: Vec<Outcome>,
    /// How the route was found, for people: the domain of the virtual host, each route that was tried and the first
    /// of its conditions that failed.
    pub steps: Vec<Step>,
    /// What the random number was divided by on the way, in order: the decision is the same for all numbers that
    /// leave the same remainders. Empty where chance took no part.
    pub divisors: Vec<u64>,
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

/// A route of a virtual host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRef {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name, perhaps empty.
    pub name: String,
}

/// A step towards the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The virtual host that was chosen, and the domain for which.
    VirtualHost {
        /// Its place in the list, from 0.
        index: usize,
        /// Its name.
        name: String,
        /// The domain, as configured.
        domain: String,
    },
    /// No virtual host has a domain for this host.
    NoVirtualHost(String),
    /// A route that was tried.
    Route {
        /// The route.
        route: RouteRef,
        /// The first condition that failed; `None`: the route matches.
        failed: Option<String>,
    },
    /// An HTTP filter that took part.
    Filter {
        /// The name in the filter chain.
        name: String,
        /// What it did.
        did: String,
    },
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
    /// Envoy answers itself.
    Reply(Reply),
    /// The request goes to a cluster.
    Forward(Box<Forward>),
    /// The connection is closed without an HTTP answer, or never accepted: why.
    Closed(String),
    /// The configuration or the request uses something that the model does not know: what it is.
    NotModelled(String),
}

/// An answer by Envoy itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without `date`, `server`, `connection` and `content-length`.
    pub headers: Vec<Line>,
    /// The body of an answer to anything but HEAD.
    pub body: Vec<u8>,
    /// Why Envoy answers itself.
    pub why: String,
}

/// A request on its way to a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// The name of the cluster; it exists.
    pub cluster: String,
    /// The hosts that a first try may reach.
    pub endpoints: Endpoints,
    /// The method.
    pub method: String,
    /// The host header as sent; an endpoint may have its own ([`Endpoint::authority`]).
    pub authority: Vec<u8>,
    /// Path and query as sent.
    pub path: Vec<u8>,
    /// All header lines as sent, by name, but for the host and those that Envoy sets for itself: `x-envoy-*`,
    /// `x-request-id`, `x-forwarded-proto`, `connection`, `transfer-encoding`.
    pub headers: Vec<Line>,
    /// Seconds for the whole exchange; `None`: no limit.
    pub timeout: Option<f64>,
    /// When the request is sent again.
    pub retry: Option<Retry>,
    /// What becomes of the headers of the response.
    pub response: ResponseChanges,
    /// Copies of the request to other clusters.
    pub mirrors: Vec<Mirror>,
    /// Whether the connection becomes a websocket if the upstream agrees: the request asks for it and it is allowed.
    pub websocket: bool,
    /// How a hash for the load balancer is formed; empty where nothing is hashed. The JSON of `hash_policy`.
    pub hash_policy: Vec<serde_json::Value>,
}

/// The hosts of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoints {
    /// The hosts with their shares while all are as healthy as configured.
    Known(Vec<Endpoint>),
    /// Not known from the configuration: why.
    Open(String),
}

/// A host of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// An address or a DNS name.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The probability of a request to reach it, above 0. Algorithms that look at load or hashes deviate from it.
    pub share: f64,
    /// The host header that it gets instead of the general one (`auto_host_rewrite`).
    pub authority: Option<Vec<u8>>,
}

impl Endpoint {
    /// The IP address, where it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }
}

/// When a request is sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The conditions, as in `retry_on`, in order.
    pub on: Vec<String>,
    /// How many further tries.
    pub retries: u32,
    /// Seconds for each try; `None`: as long as the whole.
    pub per_try_timeout: Option<f64>,
    /// For `retriable-status-codes`.
    pub status_codes: Vec<u16>,
    /// The whole policy, JSON of `envoy.config.route.v3.RetryPolicy`.
    pub policy: serde_json::Value,
}

/// A copy of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// The cluster; it exists.
    pub cluster: String,
    /// The probability that it is sent.
    pub share: f64,
    /// The host header that it has.
    pub authority: Vec<u8>,
}
