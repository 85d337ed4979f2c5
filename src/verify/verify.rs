//! Puts requests to both proxies and judges what differs.

use std::collections::BTreeSet;
use std::fmt::Write;

use amesh_simulator::Request;
use amesh_simulator::envoy::{Answer, Decision};
use amesh_translator::{Code, Diagnostic};

use crate::chance::draws;
use crate::compare::{Aspect, Difference, compare};
use crate::declared::{Way, declared, denied};
use crate::met::Met;
use crate::minimise::minimise;
use crate::probe::Probe;
use crate::seen::End;
use crate::report::{CounterExample, Report};
use crate::subjects::{Subjects, is_denial};

/// How much to compare.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// At most so many requests; with more, those are taken that lie evenly among them.
    pub requests: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { requests: 100_000 }
    }
}

/// What came of one request.
enum Judgement {
    Identical,
    Declared(Code),
    Undeclared(Vec<Difference>),
    NotModelled(String),
}

/// Compares the proxies over `probes`.
#[must_use]
pub fn verify(subjects: &Subjects, probes: &[Probe], budget: Budget) -> Report {
    let mut report = Report::default();
    let step = probes.len().div_ceil(budget.requests.max(1)).max(1);
    for probe in probes.iter().step_by(step) {
        report.requests = report.requests.saturating_add(1);
        match judge(subjects, probe) {
            Judgement::Identical => report.identical = report.identical.saturating_add(1),
            Judgement::Declared(code) => count(report.declared.entry(code).or_default()),
            Judgement::NotModelled(why) => count(report.not_modelled.entry(why).or_default()),
            Judgement::Undeclared(differences) => report.keep(|| example(subjects, &probe.request, differences)),
        }
    }
    report
}

fn count(number: &mut usize) {
    *number = number.saturating_add(1);
}

fn judge(subjects: &Subjects, probe: &Probe) -> Judgement {
    let request = &probe.request;
    let decision = subjects.envoy(request, 0);
    let divisors: BTreeSet<u64> = decision.divisors.iter().copied().collect();
    let draws = match divisors.iter().copied().collect::<Vec<_>>().as_slice() {
        [] => vec![(0, 0.5)],
        [divisor] => draws(*divisor, |number| choice(&subjects.envoy(request, number))),
        _ => return Judgement::NotModelled("draws of several kinds take part".to_owned()),
    };
    let mut first = Judgement::Identical;
    for (number, fraction) in draws {
        match judge_draw(subjects, probe, number, fraction) {
            Judgement::Identical => {}
            Judgement::Declared(code) => first = Judgement::Declared(code),
            worse => return worse,
        }
    }
    first
}

/// What a draw decides.
fn choice(decision: &Decision) -> (Option<usize>, Option<String>) {
    let cluster = decision.outcomes.iter().find_map(|outcome| match &outcome.answer {
        Answer::Forward(forward) => Some(forward.cluster.clone()),
        _ => None,
    });
    (decision.route.as_ref().map(|route| route.index), cluster)
}

fn judge_draw(subjects: &Subjects, probe: &Probe, number: u64, fraction: f64) -> Judgement {
    let decision = subjects.envoy(&probe.request, number);
    let apisix = match subjects.fates_of_apisix(&probe.request, fraction) {
        Ok(apisix) => apisix,
        Err(why) => return Judgement::NotModelled(why),
    };
    let met = Met::of(&decision, subjects);
    let way = Way { denied: apisix.iter().any(is_denial), ..subjects.way(&met, probe, fraction) };
    let envoy = match subjects.fates_of_envoy(&decision, &probe.request) {
        Ok(envoy) => envoy,
        // Whatever Envoy does: APISIX denies, and a diagnostic says that it does so there.
        Err(why) => {
            let code = apisix.iter().all(is_denial).then(|| denied(&way, &subjects.diagnostics)).flatten();
            return code.map_or(Judgement::NotModelled(why), Judgement::Declared);
        }
    };
    let differences = compare(&envoy, &apisix);
    if differences.is_empty() {
        return Judgement::Identical;
    }
    let open = envoy.iter().find_map(|fate| match &fate.end {
        End::Forward(to) => to.open.clone(),
        _ => None,
    });
    match (held_against(&way, differences, &subjects.diagnostics), open) {
        // Where it goes cannot be told, and nothing says that it goes elsewhere.
        (Judgement::Undeclared(differences), Some(why)) if differences.iter().all(|it| it.aspect.is_of_endpoints()) => {
            Judgement::NotModelled(why)
        }
        (judgement, _) => judgement,
    }
}

/// Holds differences against what diagnostics say.
fn held_against(way: &Way<'_>, differences: Vec<Difference>, diagnostics: &[Diagnostic]) -> Judgement {
    let found: Vec<_> = differences.into_iter().map(|it| (declared(&it, way, diagnostics), it)).collect();
    let is_declared = |aspects: &[Aspect]| found.iter().any(|(code, it)| code.is_some() && aspects.contains(&it.aspect));
    let other_outcome = is_declared(&[Aspect::Outcome]);
    let other_answer = other_outcome || is_declared(&[Aspect::Status]);
    let mut code = None;
    let mut undeclared = Vec::new();
    for (declared, difference) in found {
        match declared {
            Some(found) => code = code.or(Some(found)),
            // What happens in place of something else happens more often.
            None if other_outcome && difference.aspect == Aspect::Share => {}
            // Another answer has other headers and another text.
            None if other_answer && difference.aspect.is_of_a_reply() => {}
            None => undeclared.push(difference),
        }
    }
    match (undeclared.is_empty(), code) {
        (false, _) => Judgement::Undeclared(undeclared),
        (true, Some(code)) => Judgement::Declared(code),
        (true, None) => Judgement::Identical,
    }
}

fn example(subjects: &Subjects, request: &Request, differences: Vec<Difference>) -> CounterExample {
    let aspects = |differences: &[Difference]| differences.iter().map(|it| it.aspect.clone()).collect::<BTreeSet<_>>();
    let wanted = aspects(&differences);
    let again = |request: &Request| match judge(subjects, &Probe::new(request.clone())) {
        Judgement::Undeclared(found) => Some(found).filter(|found| aspects(found) == wanted),
        _ => None,
    };
    let small = minimise(request, |smaller| again(smaller).is_some());
    let decision = subjects.envoy(&small, 0);
    let host = decision.virtual_host.unwrap_or_else(|| "no virtual host".to_owned());
    let route = decision.route.map_or_else(|| "no route".to_owned(), |it| format!("route {} {}", it.index, it.name));
    CounterExample {
        request: shown(&small),
        at: format!("port {}", small.server_port),
        route: format!("{host}, {}", route.trim_end()),
        differences: again(&small).unwrap_or(differences),
    }
}

/// `GET /x HTTP/1.1 | Host: a`, as curl would send it.
fn shown(request: &Request) -> String {
    let target = String::from_utf8_lossy(&request.target);
    let mut text = format!("{} {target}", request.method);
    for (name, value) in &request.headers {
        let _ = write!(text, " | {name}: {}", String::from_utf8_lossy(value));
    }
    text
}
