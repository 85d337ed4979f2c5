//! What the gateway does with a request.

use std::sync::Arc;

use super::forward::Forward;

/// The decision about one request.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its probability, above 0, at most 1.
    pub share: f64,
    /// Seconds that the request is held before.
    pub delay: f64,
    /// What is done then.
    pub answer: Answer,
    /// What limits counted on the way. They are taken to have been untouched before.
    pub counted: Vec<Count>,
    /// The plugins on the way to the answer, in order.
    pub plugins: Vec<PluginStep>,
}

/// A request that a limit counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// `limit-count`, `limit-req` or `limit-conn`.
    pub plugin: String,
    /// Requests with the same text share a counter, those of other routes excepted.
    pub key: Vec<u8>,
}

/// A plugin that came up in one phase of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStep {
    /// Its name.
    pub plugin: String,
    /// Whether a global rule holds it.
    pub global: bool,
    /// `rewrite` or `access`.
    pub phase: &'static str,
    /// Whether its `_meta.filter` let it run.
    pub ran: bool,
}

/// What is done with a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// The gateway answers itself.
    Reply(Reply),
    /// The request goes to an upstream.
    Forward(Box<Forward>),
    /// The configuration uses something that the model does not know: what it is.
    NotModelled(String),
}

/// An answer by the gateway, as plugins and nginx leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header lines, without those that frame the body or name the time (`Content-Length`, `Date`, …).
    pub headers: Vec<(String, Vec<u8>)>,
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
    /// This plugin.
    Plugin(String),
    /// The configuration cannot be carried out: a missing reference, no nodes, a Lua error.
    Failure(String),
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
