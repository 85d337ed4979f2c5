//! Puts requests to both proxies and judges what differs.

use std::collections::BTreeSet;
use std::fmt::Write;

use amesh_simulator::Request;
use amesh_simulator::envoy::{Answer, Decision};
use amesh_translator::{Code, Diagnostic};

use crate::chance::draws;
use crate::compare::{Aspect, Difference, compare};
use crate::declared::{Way, declared, denied, not_served};
use crate::met::Met;
use crate::minimise::minimise;
use crate::probe::Probe;
use crate::report::{CounterExample, Report};
use crate::seen::{End, Fate};
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
    let draws = match divisors(subjects, request).as_slice() {
        [] => vec![(0, 0.5)],
        [divisor] => draws(*divisor, |number| choice(&subjects.envoy(request, number))),
        several => return judge_all_draws(subjects, probe, several),
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

/// All that the draw of a request may be divided by. Which routes are tried may depend on the draw itself.
fn divisors(subjects: &Subjects, request: &Request) -> Vec<u64> {
    let mut known = BTreeSet::new();
    loop {
        let mut found: BTreeSet<u64> = subjects.envoy(request, 0).divisors.into_iter().collect();
        for divisor in &known {
            for (number, _) in draws(*divisor, |number| choice(&subjects.envoy(request, number))) {
                found.extend(subjects.envoy(request, number).divisors);
            }
        }
        if found == known {
            return known.into_iter().collect();
        }
        known = found;
    }
}

/// Draws that are looked at one by one.
const DRAWS: usize = 10_000;

fn common_multiple(numbers: &BTreeSet<u64>) -> u64 {
    numbers.iter().fold(1, |multiple, number| {
        let (mut divisor, mut rest) = (multiple, *number);
        while rest > 0 {
            (divisor, rest) = (rest, divisor.checked_rem(rest).unwrap_or(0));
        }
        multiple.checked_div(divisor).unwrap_or(1).saturating_mul(*number)
    })
}

/// Where a draw is divided by several numbers, all that may happen is compared with all that may happen.
fn judge_all_draws(subjects: &Subjects, probe: &Probe, divisors: &[u64]) -> Judgement {
    let draws = common_multiple(&divisors.iter().copied().collect());
    if usize::try_from(draws).map_or(true, |draws| draws > DRAWS) {
        return Judgement::NotModelled("draws of several kinds take part".to_owned());
    }
    let (mut envoy, mut mets) = (Vec::new(), Vec::new());
    for number in 0..draws {
        let decision = subjects.envoy(&probe.request, number);
        #[allow(clippy::cast_precision_loss, reason = "at most 10,000")]
        match subjects.fates_of_envoy(&decision, &probe.request) {
            Ok(fates) => envoy.extend(fates.into_iter().map(|it| Fate { share: it.share / draws as f64, ..it })),
            Err(why) => return Judgement::NotModelled(why),
        }
        let met = Met::of(&decision, subjects);
        if !mets.contains(&met) {
            mets.push(met);
        }
    }
    let apisix = match subjects.all_fates_of_apisix(&probe.request) {
        Ok(apisix) => apisix,
        Err(why) => return Judgement::NotModelled(why),
    };
    let denied = apisix.iter().any(is_denial);
    let ways: Vec<Way<'_>> =
        mets.iter().flat_map(|met| subjects.ways(met, probe)).map(|way| Way { denied, ..way }).collect();
    held_against(&ways, compare(&envoy, &apisix), &subjects.diagnostics)
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
        // Whatever Envoy does: APISIX denies or does not serve, and a diagnostic says that it does so there.
        Err(why) => {
            let code = apisix.iter().all(is_denial).then(|| denied(&way, &subjects.diagnostics)).flatten();
            let code = code.or_else(|| not_served(&way, &subjects.diagnostics));
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
    match (held_against(&[way], differences, &subjects.diagnostics), open) {
        // Where it goes cannot be told, and nothing says that it goes elsewhere.
        (Judgement::Undeclared(differences), Some(why)) if differences.iter().all(|it| it.aspect.is_of_endpoints()) => {
            Judgement::NotModelled(why)
        }
        (judgement, _) => judgement,
    }
}

/// Holds differences against what diagnostics say of any of the ways.
fn held_against(ways: &[Way<'_>], differences: Vec<Difference>, diagnostics: &[Diagnostic]) -> Judgement {
    let found: Vec<_> =
        differences.into_iter().map(|it| (ways.iter().find_map(|way| declared(&it, way, diagnostics)), it)).collect();
    let is_declared =
        |aspects: &[Aspect]| found.iter().any(|(code, it)| code.is_some() && aspects.contains(&it.aspect));
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
