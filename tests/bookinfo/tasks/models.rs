//! What both models say. They tell how long an endpoint may take and how often a request is tried; what comes of that
//! with an endpoint that is late or answers badly is carried out here.

use std::collections::BTreeSet;

use amesh_simulator::Request;
use amesh_simulator::apisix::{self, Response};
use amesh_simulator::envoy::{self, Endpoints};
use amesh_tests::echo::{ANSWER_HEADERS, Behaviour};
use amesh_verify::Subjects;
use fastrand::Rng;

use crate::tasks::case::{Case, Expected};
use crate::tasks::seen::{Observed, Seen, version};

/// How many random numbers are drawn where chance decides, and where it should not.
const DRAWS: (usize, usize) = (2000, 20);

fn draws(expected: &[Expected]) -> usize {
    if expected.len() > 1 { DRAWS.0 } else { DRAWS.1 }
}

#[allow(clippy::cast_precision_loss, reason = "a few thousand draws")]
fn observed(draws: usize, mut draw: impl FnMut(&mut Rng) -> Vec<Seen>) -> Observed {
    let mut rng = Rng::with_seed(7);
    let mut seen: Vec<Seen> = Vec::new();
    for mut new in (0..draws).flat_map(|_| draw(&mut rng)) {
        let weight = std::mem::take(&mut new.weight) / draws as f64;
        match seen.iter_mut().find(|known| Seen { weight: 0.0, ..(*known).clone() } == new) {
            Some(known) => known.weight += weight,
            None => seen.push(Seen { weight, ..new }),
        }
    }
    Observed { seen, draws, real: false }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(lines: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    lines.iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect()
}

/// The header lines of an endpoint's answer.
fn of_backend(backend: &Behaviour) -> Vec<(String, Vec<u8>)> {
    let more = backend.headers.iter().filter_map(|line| line.split_once(": "));
    ANSWER_HEADERS.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Envoy's model.
pub(crate) fn of_envoy(case: &Case, subjects: &Subjects, request: &Request) -> Observed {
    observed(draws(&case.expect), |rng| {
        let decision = subjects.envoy(request, rng.u64(..));
        decision.outcomes.iter().map(|outcome| envoy_outcome(outcome, &case.backend)).collect()
    })
}

fn envoy_outcome(outcome: &envoy::Outcome, backend: &Behaviour) -> Seen {
    let seen = Seen { weight: outcome.share, after: outcome.delay, tries: 1, ..Seen::default() };
    match &outcome.answer {
        envoy::Answer::Reply(reply) => {
            Seen { status: reply.status, body: text(&reply.body), answered: lines(&reply.headers), ..seen }
        }
        envoy::Answer::Forward(forward) => envoy_forward(seen, forward, backend),
        other => Seen { body: format!("{other:?}"), ..seen },
    }
}

fn envoy_forward(seen: Seen, forward: &envoy::Forward, backend: &Behaviour) -> Seen {
    let each = forward.retry.as_ref().and_then(|retry| retry.per_try_timeout);
    let limit = [each, forward.timeout].into_iter().flatten().fold(f64::INFINITY, f64::min);
    if backend.seconds >= limit {
        let body = "upstream request timeout".to_owned();
        return Seen { status: 504, after: seen.after + limit, body, ..seen };
    }
    let Endpoints::Known(endpoints) = &forward.endpoints else { panic!("{:?}", forward.endpoints) };
    let answered = forward.response.apply(backend.status, &of_backend(backend)).expect("modelled");
    let again = forward.retry.as_ref().filter(|retry| {
        retry.on.iter().any(|on| on == "retriable-status-codes") && retry.status_codes.contains(&backend.status)
    });
    Seen {
        status: backend.status,
        after: seen.after + backend.seconds,
        from: endpoints.iter().map(|it| version(&it.address)).collect(),
        host: text(&forward.authority),
        path: text(&forward.path),
        received: lines(&forward.headers),
        answered: lines(&answered),
        tries: 1 + again.map_or(0, |retry| retry.retries),
        copies: forward.mirrors.iter().map(|it| (version_of_cluster(&it.cluster), it.share)).collect(),
        ..seen
    }
}

/// `ratings v2` for `outbound|9080|v2|ratings.default.svc.cluster.local`.
fn version_of_cluster(cluster: &str) -> String {
    let parts: Vec<&str> = cluster.split('|').collect();
    format!("{} {}", parts[3].split('.').next().unwrap_or_default(), parts[2])
}

/// APISIX's model.
pub(crate) fn of_apisix(case: &Case, subjects: &Subjects, request: &Request) -> Observed {
    observed(draws(case.with_apisix()), |rng| {
        let request = Request { request_id: Some(format!("{:032x}", rng.u128(..))), ..request.clone() };
        let decision = subjects.apisix(&request);
        decision.outcomes.iter().map(|outcome| apisix_outcome(outcome, &case.backend, &request)).collect()
    })
}

fn apisix_outcome(outcome: &apisix::Outcome, backend: &Behaviour, request: &Request) -> Seen {
    let seen = Seen { weight: outcome.share, after: outcome.delay, tries: 1, ..Seen::default() };
    match &outcome.answer {
        apisix::Answer::Reply(reply) => {
            let body = match &reply.body {
                apisix::Body::Bytes(bytes) => text(bytes),
                apisix::Body::ErrorPage => "nginx's page".to_owned(),
            };
            Seen { status: reply.status, body, answered: lines(&reply.headers), ..seen }
        }
        apisix::Answer::Forward(forward) => apisix_forward(seen, forward, backend, request),
        other => Seen { body: format!("{other:?}"), ..seen },
    }
}

fn apisix_forward(seen: Seen, forward: &apisix::Forward, backend: &Behaviour, request: &Request) -> Seen {
    if backend.seconds >= forward.timeout.read {
        let (tries, took) = timed_out(forward);
        let failed = forward.response.failed(&tries).expect("modelled");
        return Seen { status: failed.status, after: seen.after + took, ..seen };
    }
    let upstream = Response { status: backend.status, headers: of_backend(backend), body: Vec::new() };
    let answer = forward.response.apply(&upstream).expect("modelled");
    let top = forward.nodes.first().expect("nodes");
    let level = forward.nodes.iter().filter(|node| node.priority == top.priority);
    let from: BTreeSet<String> = level.map(|node| version(&node.host)).collect();
    Seen {
        status: answer.status,
        after: seen.after + backend.seconds,
        from,
        host: forward.host_for(top, request).map(|host| text(&host)).unwrap_or_default(),
        path: text(&forward.target),
        received: lines(&[forward.headers.as_slice(), &forward.added].concat()),
        answered: lines(&answer.headers),
        copies: forward.mirror.iter().map(|it| (copied_to(&it.server), it.share)).collect(),
        ..seen
    }
}

/// APISIX sends all copies to one endpoint.
fn copied_to(server: &str) -> String {
    let address = server.split_once("://").map_or(server, |(_, rest)| rest);
    format!("{}, one of its endpoints", version(address))
}

/// nginx's status for each try, and the seconds of all, with endpoints that are all too slow: each is tried once, as long
/// as a try may begin.
fn timed_out(forward: &apisix::Forward) -> (Vec<u16>, f64) {
    let (mut tries, mut took) = (Vec::new(), 0.0);
    for _ in 0..=forward.retries {
        let is_late = forward.retry_timeout > 0.0 && took >= forward.retry_timeout;
        if tries.len() == forward.nodes.len() || is_late {
            tries.push(0);
            break;
        }
        tries.push(504);
        took += forward.timeout.read;
    }
    (tries, took)
}
