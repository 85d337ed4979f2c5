//! Comparing the model's decisions with what is written in a recording.

use std::collections::BTreeMap;

use amesh_simulator::apisix::{Answer, Decision, Gateway, Outcome, Request, RouterKind, Settings};
use serde_json::Value as Json;

use super::compare;
use super::{request, tries};

/// One result a case; a refusal is one case.
pub(crate) fn check(recording: &Json) -> Vec<Result<(), String>> {
    let uri_router = recording["router"] == "radixtree_uri";
    let kind = if uri_router { RouterKind::Uri } else { RouterKind::HostUri };
    let loaded = Gateway::load_with(&recording["config"], Settings { router: kind, tls_port: Some(15443) });
    let cases = recording["cases"].as_array();
    match (loaded, cases) {
        (Err(_), None) => vec![Ok(())],
        (Ok(_), None) => vec![Err(format!("accepted, but: {}", recording["refused"]["error_msg"]))],
        (Err(refusal), Some(_)) => vec![Err(format!("refused: {refusal}"))],
        (Ok(gateway), Some(cases)) => {
            let rules = recording["config"]["global_rules"].as_array();
            let tells_route = rules.is_some_and(|rules| rules.iter().any(|rule| rule["id"] == "g-matched"));
            cases.iter().map(|case| check_case(&gateway, tells_route, case, uri_router)).collect()
        }
    }
}

fn check_case(gateway: &Gateway, tells_route: bool, case: &Json, uri_router: bool) -> Result<(), String> {
    let observed = &case["observed"];
    let request = request(&case["request"], uri_router);
    if !observed["status"].is_number() && !observed["distribution"].is_object() {
        return Err("no answer".into());
    }
    match observed.get("distribution") {
        Some(distribution) => check_distribution(gateway, &request, &case["request"], distribution),
        None => check_single(&gateway.decide(&request), tells_route, &request, &case["request"], observed),
    }
}

fn check_single(
    decision: &Decision,
    tells_route: bool,
    request: &Request,
    recorded: &Json,
    observed: &Json,
) -> Result<(), String> {
    if !tells_route && observed["matched"].is_string() {
        same("route", decision.route.as_deref(), observed["matched"].as_str())?;
    }
    let [outcome] = decision.outcomes.as_slice() else {
        return Err(format!("{} outcomes", decision.outcomes.len()));
    };
    let forward = match &outcome.answer {
        Answer::NotModelled(what) => return Err(format!("not modelled: {what}")),
        Answer::Reply(reply) => {
            compare::delay(outcome.delay, observed)?;
            compare::mirrored(&[], recorded, observed)?;
            if tells_route {
                compare::route(&reply.headers, observed)?;
            }
            return compare::reply(reply, request, recorded, observed);
        }
        Answer::Forward(forward) => forward,
        other => return Err(format!("{other:?}")),
    };
    let (asked, answer) = tries::ask(forward);
    let forward = match forward.refused(answer.as_ref())? {
        Some(reply) => {
            compare::mirrored(&asked, recorded, observed)?;
            return compare::reply(&reply, request, recorded, observed);
        }
        None => forward.as_ref().clone().authorized(answer.as_ref()),
    };
    let forward = &forward;
    let backend = observed["upstream"]["backend"].as_str();
    let tried = tries::send(forward, request, backend)?;
    compare::delay(outcome.delay + tried.seconds, observed)?;
    let mut copies: Vec<(u16, &[u8])> = tried.ports.iter().map(|port| (*port, forward.target.as_slice())).collect();
    copies.extend(asked);
    let mirror = forward.mirror.as_ref();
    let mirror_port = mirror.and_then(|mirror| mirror.server.rsplit(':').next()?.parse().ok());
    copies.extend(mirror_port.zip(mirror.map(|mirror| mirror.target.as_slice())));
    compare::mirrored(&copies, recorded, observed)?;
    if let Some(node) = tried.answered {
        same("backend", backend_of(node.port), backend)?;
        compare::upstream(forward, forward.host_for(&node, request).as_deref(), recorded, observed)?;
    }
    let response = match &tried.response {
        Ok(response) => forward.response.apply(response)?,
        Err(statuses) => forward.response.failed(statuses)?,
    };
    if tells_route {
        compare::route(&response.headers, observed)?;
    }
    compare::response(&response, recorded, observed)
}

#[allow(clippy::needless_pass_by_value, reason = "called with fresh values")]
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    model: Option<T>,
    recorded: Option<T>,
) -> Result<(), String> {
    if model == recorded {
        return Ok(());
    }
    Err(format!("{what}: model {model:?}, recorded {recorded:?}"))
}

/// The name of the echo backend behind a port.
pub(crate) fn backend_of(port: u16) -> Option<&'static str> {
    const NAMES: [&str; 8] = ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"];
    NAMES.get(usize::from(port).checked_sub(15901)?).copied()
}

/// Repeated requests: how often which backend answered with which status.
fn check_distribution(
    gateway: &Gateway,
    request: &Request,
    recorded: &Json,
    distribution: &Json,
) -> Result<(), String> {
    let repeat = recorded["repeat"].as_u64().expect("a count");
    let tolerance = recorded["random"].as_f64().unwrap_or(1.0);
    let mut expected: BTreeMap<String, f64> = BTreeMap::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..repeat {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let request_id = Some(format!("{random:016x}{:016x}", random.rotate_left(29)));
        let decision = gateway.decide(&Request { request_id, ..request.clone() });
        for (key, share) in keys(&decision, request)? {
            *expected.entry(key).or_default() += share;
        }
    }
    let observed = distribution.as_object().expect("an object");
    for key in expected.keys().chain(observed.keys()) {
        let model = expected.get(key).copied().unwrap_or_default();
        let count = observed.get(key).and_then(Json::as_f64).unwrap_or_default();
        if (model - count).abs() > tolerance {
            return Err(format!("{key}: model {model}, recorded {count}"));
        }
    }
    Ok(())
}

/// The outcomes as the recordings write them, with their shares.
fn keys(decision: &Decision, request: &Request) -> Result<Vec<(String, f64)>, String> {
    let route = decision.route.as_ref().map(|id| format!(" route={id}")).unwrap_or_default();
    let mut keys = Vec::new();
    for Outcome { share, answer, .. } in &decision.outcomes {
        match answer {
            Answer::Reply(reply) => keys.push((format!("{} -{route}", reply.status), *share)),
            // Some node does not listen: the tries tell.
            Answer::Forward(forward) if forward.nodes.iter().any(|node| backend_of(node.port).is_none()) => {
                let answered = tries::send(forward, request, None)?.answered;
                let backend = answered.and_then(|node| backend_of(node.port)).ok_or("no answer")?;
                keys.push((format!("200 {backend}{route}"), *share));
            }
            Answer::Forward(forward) => {
                for (node, part) in forward.shares().ok_or("the node is not known")? {
                    let backend = backend_of(node.port).ok_or("not a backend")?;
                    keys.push((format!("200 {backend}{route}"), share * part));
                }
            }
            other => return Err(format!("{other:?}")),
        }
    }
    Ok(keys)
}
