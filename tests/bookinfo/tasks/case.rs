//! `requests.yaml` of a task: requests that a reader of Istio's documentation would send, and what that promises.

use std::fmt::Write;
use std::net::SocketAddr;

use amesh_simulator::Request;
use amesh_tests::echo::{BEHAVIOUR, Behaviour};
use serde::Deserialize;

use crate::mesh::SERVICES;

/// The port that a sidecar's redirected connections arrive at.
const OUTBOUND: u16 = 15001;

/// A request and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What the documentation promises.
    pub(crate) says: String,
    /// `METHOD URL`
    pub(crate) request: String,
    /// `name: value`
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// How the endpoint answers.
    #[serde(default)]
    pub(crate) backend: Behaviour,
    /// So many are sent at the same time.
    #[serde(default)]
    pub(crate) together: usize,
    /// All that may happen.
    pub(crate) expect: Vec<Expected>,
    /// All that may happen with APISIX, where that is something else.
    #[serde(default)]
    pub(crate) apisix: Vec<Expected>,
    /// The codes that declare it.
    #[serde(default)]
    pub(crate) codes: Vec<String>,
}

/// One thing that may happen. What is not told is not compared, but for `from`, `status` and `after`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    /// How often, in percent.
    pub(crate) share: f64,
    /// It happens only to some of many requests at a time, of which the models, which look at one request, know nothing.
    pub(crate) only_under_load: bool,
    /// Seconds that pass before the answer.
    pub(crate) after: f64,
    /// The versions that answer, such as `reviews v1`; none where the proxy answers.
    pub(crate) from: Vec<String>,
    pub(crate) status: u16,
    pub(crate) body: Option<String>,
    /// Host and path as the endpoint sees them.
    pub(crate) host: Option<String>,
    pub(crate) path: Option<String>,
    /// Header lines that the endpoint sees, `name: value`, or `no name`.
    pub(crate) receives: Vec<String>,
    /// Header lines of the answer.
    pub(crate) answers: Vec<String>,
    /// How often the request is tried.
    pub(crate) tries: Option<u32>,
    /// Who gets a copy of half of the requests.
    pub(crate) half_copied_to: Option<String>,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            share: 100.0,
            only_under_load: false,
            after: 0.0,
            from: Vec::new(),
            status: 200,
            body: None,
            host: None,
            path: None,
            receives: Vec::new(),
            answers: Vec::new(),
            tries: None,
            half_copied_to: None,
        }
    }
}

impl Case {
    fn url(&self) -> (&str, &str, bool) {
        let (_, url) = self.request.split_once(' ').expect("METHOD URL");
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (host, path) = rest.split_at(rest.find('/').expect("a path"));
        (host, path, scheme == "https")
    }

    /// The port of the URL.
    pub(crate) fn port(&self) -> u16 {
        self.url().0.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
    }

    /// The name without the port.
    pub(crate) fn name(&self) -> &str {
        self.url().0.split(':').next().unwrap_or_default()
    }

    /// The request as it comes to a gateway, or, redirected by a packet filter, to a sidecar.
    pub(crate) fn sent_to(&self, node: &str) -> Request {
        let (host, path, tls) = self.url();
        let method = self.request.split(' ').next().unwrap_or_default();
        let mut request = Request::get(host, path).with_method(method);
        for line in &self.headers {
            let (name, value) = line.split_once(": ").expect("name: value");
            request = request.with_header(name, value);
        }
        if self.backend != Behaviour::default() {
            request = request.with_header(BEHAVIOUR, serde_json::to_string(&self.backend).unwrap());
        }
        let short = self.name().split('.').next();
        let service = SERVICES.iter().find(|(service, _)| Some(*service) == short);
        let address = service.and_then(|(_, address)| format!("{address}:{}", self.port()).parse::<SocketAddr>().ok());
        let redirected = address.filter(|_| node == "sidecar");
        request.server_port = if redirected.is_some() { OUTBOUND } else { self.port() };
        request.original_dst = redirected.map(|address| address.to_string());
        request.tls = tls;
        request.sni = tls.then(|| self.name().to_owned());
        request
    }

    /// What may happen with APISIX.
    pub(crate) fn with_apisix(&self) -> &[Expected] {
        if self.apisix.is_empty() { &self.expect } else { &self.apisix }
    }
}

impl Expected {
    /// In words.
    pub(crate) fn words(&self) -> String {
        let mut text = String::new();
        if self.only_under_load {
            text.push_str("some: ");
        } else if self.share < 100.0 {
            let _ = write!(text, "{} %: ", self.share);
        }
        if self.after > 0.0 {
            let _ = write!(text, "after {} s ", self.after);
        }
        let outcome = match (self.from.as_slice(), self.status) {
            ([], status) => format!("answers {status}"),
            (versions, 200) => versions.join(" or "),
            (versions, status) => format!("{status} of {}", versions.join(" or ")),
        };
        text.push_str(&outcome);
        let details = [("body", &self.body), ("host", &self.host), ("path", &self.path)];
        for (what, value) in details.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?))) {
            let _ = write!(text, ", {what} `{value}`");
        }
        for (what, lines) in [("gets", &self.receives), ("answer has", &self.answers)] {
            let lines: Vec<String> = lines.iter().map(|line| named(line)).collect();
            if !lines.is_empty() {
                let _ = write!(text, ", {what} {}", lines.join(" "));
            }
        }
        let tries = match self.tries {
            Some(1) => ", tried once".to_owned(),
            Some(tries) => format!(", tried {tries} times"),
            None => String::new(),
        };
        text.push_str(&tries);
        if let Some(to) = &self.half_copied_to {
            let _ = write!(text, ", half of them copied to {to}");
        }
        text
    }
}

/// `name: value` as code; "no" of `no name` is no part of it.
fn named(line: &str) -> String {
    line.strip_prefix("no ").map_or_else(|| format!("`{line}`"), |name| format!("no `{name}`"))
}
