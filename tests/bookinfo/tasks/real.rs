//! What a real Envoy does, with the endpoints of [`crate::endpoints`] behind it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use amesh_simulator::Request;
use amesh_tests::echo::receivers_of;
use amesh_tests::http::{Answer, send};

use crate::endpoints::received;
use crate::tasks::case::Case;
use crate::tasks::seen::{Observed, Seen, version};

/// How many requests are sent where chance decides, and where it should not.
const DRAWS: (usize, usize) = (400, 5);
/// How many at a time, where that does not matter.
const CLIENTS: usize = 8;

/// Repeats a request.
#[allow(clippy::cast_precision_loss, reason = "a few hundred draws")]
pub(crate) fn observe(case: &Case, address: SocketAddr, request: &Request) -> Observed {
    let by_chance = case.expect.iter().any(|it| it.share < 100.0 || it.half_copied_to.is_some());
    let draws = if case.together > 0 {
        case.together
    } else if by_chance {
        DRAWS.0
    } else {
        DRAWS.1
    };
    let clients = case.together.max(CLIENTS);
    let mark = mark();
    let request = request.clone().with_header("x-mark", mark.as_bytes());
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while next.fetch_add(1, Ordering::Relaxed) < draws {
            let one = once(address, &request, draws);
            seen.lock().unwrap().push(one);
        }
    };
    std::thread::scope(|scope| (0..clients.min(draws)).for_each(|_| drop(scope.spawn(work))));
    let mut seen = seen.into_inner().unwrap();
    let copies =
        if case.expect.iter().any(|it| it.half_copied_to.is_some()) { copies(case, &mark) } else { Vec::new() };
    for (seen, to) in seen.iter_mut().zip(copies) {
        seen.copies = vec![(to, 1.0)];
    }
    Observed { seen, draws: if case.together > 0 { 0 } else { draws }, real: true }
}

/// The versions that got one of these requests and should not answer it.
fn copies(case: &Case, mark: &str) -> Vec<String> {
    let answers = |version: &String| case.expect.iter().any(|it| it.from.contains(version));
    receivers_of(mark).iter().map(|name| version(name)).filter(|version| !answers(version)).collect()
}

/// A text that no other requests have.
fn mark() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("mark-{}-", NUMBER.fetch_add(1, Ordering::Relaxed))
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred draws")]
fn once(address: SocketAddr, request: &Request, draws: usize) -> Seen {
    let started = Instant::now();
    let answer = send(address, request).unwrap_or_else(|error| panic!("{request:?}: {error}"));
    let after = started.elapsed().as_secs_f64();
    Seen { weight: 1.0 / draws as f64, after, ..of_answer(&answer) }
}

/// An answer that begins with `{"name"` is an endpoint's.
fn of_answer(answer: &Answer) -> Seen {
    let seen = Seen { status: answer.status, answered: answer.headers.clone(), tries: 1, ..Seen::default() };
    let Some(body) = received(answer) else { return Seen { body: answer.body.clone(), ..seen } };
    let pair = |pair: &serde_json::Value| [0, 1].map(|at| pair[at].as_str().unwrap().to_owned()).into();
    let headers: Vec<(String, String)> = body["headers"].as_array().unwrap().iter().map(pair).collect();
    let header = |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    Seen {
        from: [version(body["name"].as_str().unwrap())].into(),
        host: header("host").unwrap_or_default(),
        path: body["target"].as_str().unwrap().to_owned(),
        tries: header("x-envoy-attempt-count").and_then(|count| count.parse().ok()).unwrap_or(1),
        received: headers,
        ..seen
    }
}
