//! The four opinions about each request, side by side.

use std::collections::BTreeSet;

use amesh_simulator::apisix::{Answer, Body, Decision, Gateway, Request};
use amesh_tests::envoy::Envoy;
use amesh_tests::http::{self, send};
use amesh_tests::message::{CLUSTER, LISTENER, encode, response};
use amesh_tests::session::Native;
use amesh_translator::{Diagnostic, Limits, Options};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::backends::Backends;
use crate::generate::{Config, Extras};
use crate::reference::{self, End};
use crate::requests::{self, Probe};

/// How many request ids stand for all of them. The smallest share of a cluster is one of 13.
const IDS: u32 = 64;

/// How the listeners were translated.
const WAYS: [&str; 3] = ["the listener alone", "the listener alone, routes tried one by one", "all listeners together"];

/// One configuration and the requests to it.
pub(crate) struct Case {
    seed: u64,
    pub(crate) config: Config,
    probes: Vec<Probe>,
}

impl Case {
    pub(crate) fn new(seed: u64, requests: usize, extras: Extras) -> Self {
        let mut rng = Rng::with_seed(seed);
        let config = Config::random(seed, &mut rng, extras);
        let probes = (0..requests).map(|_| requests::random(&mut rng, &config)).collect();
        Self { seed, config, probes }
    }
}

/// What came of a batch.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) compared: usize,
    /// Of these, requests that no route matches.
    pub(crate) unmatched: usize,
    /// Differences that a diagnostic declares.
    pub(crate) declared: usize,
    pub(crate) problems: Vec<String>,
}

/// APISIX with the translation of some listeners.
struct Translation {
    document: Value,
    gateway: Gateway,
    diagnostics: Vec<Diagnostic>,
}

impl Translation {
    fn of(cases: &[&Case], backends: &Backends, limits: Limits) -> Self {
        let encoded = |url: &str, mut resource: Value| {
            resource["@type"] = json!(url);
            encode(&resource)
        };
        let clusters = backends.clusters().into_iter().map(|it| encoded(CLUSTER, it)).collect::<Vec<_>>();
        let listeners = cases.iter().map(|case| encoded(LISTENER, case.config.listener.clone())).collect::<Vec<_>>();
        let messages = [response(CLUSTER, "1", clusters), response(LISTENER, "1", listeners)];
        let native = Native::with(Options { limits, ..Options::default() }, &messages);
        assert_eq!(native.errors, [], "{:?}", cases.iter().map(|case| case.seed).collect::<Vec<_>>());
        let document = native.document();
        let gateway = Gateway::load(&document).expect("APISIX takes the translation");
        Self { document, gateway, diagnostics: native.translator.diagnostics() }
    }

    /// Where a request ends. A choice by chance is taken apart by request ids spread over their whole range.
    fn decide(&self, request: &Request) -> Result<End, String> {
        let decision = self.gateway.decide(request);
        if request.request_id.is_some() || !matches!(decision.answer(), Some(Answer::NotModelled(_))) {
            return end(&decision);
        }
        let mut endpoints = BTreeSet::new();
        for prefix in 0..IDS {
            let request_id = Some(format!("{:08x}{:024x}", prefix * (u32::MAX / IDS), 0));
            match self.decide(&Request { request_id, ..request.clone() })? {
                End::Endpoints(some) => endpoints.extend(some),
                reply @ End::Reply(..) => return Err(format!("{reply:?} by chance")),
            }
        }
        Ok(End::Endpoints(endpoints))
    }
}

fn end(decision: &Decision) -> Result<End, String> {
    let mut endpoints = BTreeSet::new();
    for outcome in &decision.outcomes {
        match &outcome.answer {
            Answer::Forward(forward) => {
                endpoints.extend(forward.nodes.iter().map(|node| format!("{}:{}", node.host, node.port)));
            }
            Answer::Reply(reply) if decision.outcomes.len() == 1 => {
                let Body::Bytes(body) = &reply.body else { return Err(format!("{reply:?}")) };
                return Ok(End::Reply(reply.status, String::from_utf8_lossy(body).into_owned()));
            }
            other => return Err(format!("{other:?}")),
        }
    }
    Ok(End::Endpoints(endpoints))
}

/// Compares everything about some configurations, which `envoy` holds.
pub(crate) fn batch(cases: &[Case], backends: &Backends, envoy: Option<&Envoy>, tally: &mut Tally) {
    let whole = Limits::default();
    let together = Translation::of(&cases.iter().collect::<Vec<_>>(), backends, whole);
    for case in cases {
        let alone = Translation::of(&[case], backends, whole);
        let in_turn = Translation::of(&[case], backends, Limits { extra_router_entries: 0, ..whole });
        if let [_] = cases {
            println!("{:#}\n{:#}", case.config.routes, alone.document);
        }
        let name = format!("listener-{}", case.seed);
        let address = envoy.map(|it| it.address_of(&name).expect("Envoy has the listener"));
        for probe in &case.probes {
            let answer = address.map(|address| send(address, &probe.request).expect("Envoy answers"));
            match probe.declared_by {
                None => tally.usual(case, &probe.request, answer.as_ref(), [&alone, &in_turn, &together], backends),
                Some(code) => tally.strange(case, &probe.request, answer.as_ref(), &alone, code),
            }
        }
    }
}

fn agrees(answer: &http::Answer, end: &End) -> bool {
    match end {
        End::Reply(status, body) => answer.status == *status && answer.body == *body,
        End::Endpoints(endpoints) => answer.status == 200 && endpoints.contains(&answer.body),
    }
}

impl Tally {
    /// A request that everybody has to read alike.
    fn usual(
        &mut self,
        case: &Case,
        request: &Request,
        answer: Option<&http::Answer>,
        translations: [&Translation; 3],
        backends: &Backends,
    ) {
        self.compared += 1;
        let expected = reference::decide(&case.config, request, backends);
        self.unmatched += usize::from(expected == End::Reply(404, String::new()));
        if let Some(answer) = answer.filter(|answer| !agrees(answer, &expected)) {
            self.problem(case, request, "Envoy against the plain reading", answer, &expected);
        }
        for (what, translation) in WAYS.into_iter().zip(translations) {
            let decided = translation.decide(request);
            if decided.as_ref() != Ok(&expected) {
                self.problem(case, request, what, &decided, &expected);
            }
        }
    }

    /// A request that may be read in another way where a diagnostic says so.
    fn strange(
        &mut self,
        case: &Case,
        request: &Request,
        answer: Option<&http::Answer>,
        translation: &Translation,
        code: &str,
    ) {
        let Some(answer) = answer else { return };
        self.compared += 1;
        let decided = translation.decide(request);
        if decided.as_ref().is_ok_and(|end| agrees(answer, end)) {
            return;
        }
        if translation.diagnostics.iter().any(|diagnostic| diagnostic.code.text() == code) {
            self.declared += 1;
        } else {
            self.problem(case, request, &format!("the listener alone, without {code}"), &decided, answer);
        }
    }

    fn problem(
        &mut self,
        case: &Case,
        request: &Request,
        what: &str,
        got: &dyn std::fmt::Debug,
        expected: &dyn std::fmt::Debug,
    ) {
        let target = String::from_utf8_lossy(&request.target);
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
        let request = format!("{} {target} {headers:?}", request.method);
        let text = format!(
            "seed {}: {what}: {request}, port {} {:?}\n  got {got:?}\n  not {expected:?}",
            case.seed, case.config.port, case.config.ports
        );
        self.problems.push(text);
    }
}
