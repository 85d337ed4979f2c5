//! Comparing the model's decisions with what is written in a recording.

use std::collections::BTreeMap;

use amesh_simulator::apisix::{Answer, Body, Decision, Forward, Gateway, Outcome, Reply, Request, RouterKind};
use serde_json::Value as Json;

use super::request;

/// One result a case; a refusal is one case.
pub(crate) fn check(recording: &Json) -> Vec<Result<(), String>> {
    let uri_router = recording["router"] == "radixtree_uri";
    let kind = if uri_router { RouterKind::Uri } else { RouterKind::HostUri };
    let loaded = Gateway::load_for(&recording["config"], kind);
    let cases = recording["cases"].as_array();
    match (loaded, cases) {
        (Err(_), None) => vec![Ok(())],
        (Ok(_), None) => vec![Err(format!("accepted, but: {}", recording["refused"]["error_msg"]))],
        (Err(refusal), Some(_)) => vec![Err(format!("refused: {refusal}"))],
        (Ok(gateway), Some(cases)) => cases.iter().map(|case| check_case(&gateway, case, uri_router)).collect(),
    }
}

fn check_case(gateway: &Gateway, case: &Json, uri_router: bool) -> Result<(), String> {
    let observed = &case["observed"];
    let request = request(&case["request"], uri_router);
    match observed.get("distribution") {
        Some(distribution) => check_distribution(gateway, &request, &case["request"], distribution),
        None => check_single(&gateway.decide(&request), &request, observed),
    }
}

fn check_single(decision: &Decision, request: &Request, observed: &Json) -> Result<(), String> {
    same("route", decision.route.as_deref(), observed["matched"].as_str())?;
    let [outcome] = decision.outcomes.as_slice() else {
        return Err(format!("{} outcomes", decision.outcomes.len()));
    };
    check_delay(outcome, observed)?;
    match &outcome.answer {
        Answer::NotModelled(what) => Err(format!("not modelled: {what}")),
        Answer::Reply(reply) => check_reply(reply, request, observed),
        Answer::Forward(forward) => check_forward(forward, request, observed),
        other => Err(format!("{other:?}")),
    }
}

fn check_delay(outcome: &Outcome, observed: &Json) -> Result<(), String> {
    let milliseconds = outcome.delay * 1000.0;
    let least = observed["elapsed_ms_at_least"].as_f64().unwrap_or(0.0);
    let most = observed["elapsed_ms_at_most"].as_f64().unwrap_or(f64::MAX);
    if milliseconds < least || milliseconds > most {
        return Err(format!("held {milliseconds} ms, not {least} to {most}"));
    }
    Ok(())
}

fn check_reply(reply: &Reply, request: &Request, observed: &Json) -> Result<(), String> {
    same("upstream", Some(&Json::Null), Some(&observed["upstream"]))?;
    same("status", Some(u64::from(reply.status)), observed["status"].as_u64())?;
    for (name, value) in &reply.headers {
        let recorded = observed["headers"].get(name.to_lowercase());
        same("header", Some(value.as_str()), recorded.and_then(Json::as_str))?;
    }
    let (Body::Bytes(body), Some(recorded)) = (&reply.body, observed["body"].as_str()) else {
        return Ok(());
    };
    let expected = if request.method == "HEAD" { "" } else { std::str::from_utf8(body).unwrap_or("?") };
    same("body", Some(expected), Some(recorded))
}

fn check_forward(forward: &Forward, request: &Request, observed: &Json) -> Result<(), String> {
    let shares = forward.shares().ok_or("the node is not known")?;
    let recorded = &observed["upstream"];
    let backend = recorded["backend"].as_str();
    let node = shares.iter().map(|(node, _)| *node).find(|node| backend_of(node.port) == backend);
    let node = node.ok_or_else(|| format!("sent to {shares:?}, but observed {observed}"))?;
    same("status", Some(200), observed["status"].as_u64())?;
    let Some(host) = recorded["host"].as_str() else { return Ok(()) };
    same("host", forward.host_for(node, request).as_deref(), Some(host.as_bytes()))
}

#[allow(clippy::needless_pass_by_value, reason = "called with fresh values")]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, model: Option<T>, recorded: Option<T>) -> Result<(), String> {
    if model == recorded {
        return Ok(());
    }
    Err(format!("{what}: model {model:?}, recorded {recorded:?}"))
}

/// The name of the echo backend behind a port.
fn backend_of(port: u16) -> Option<&'static str> {
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
        for (key, share) in keys(&decision)? {
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
fn keys(decision: &Decision) -> Result<Vec<(String, f64)>, String> {
    let route = decision.route.as_ref().map(|id| format!(" route={id}")).unwrap_or_default();
    let mut keys = Vec::new();
    for Outcome { share, answer, .. } in &decision.outcomes {
        match answer {
            Answer::Reply(reply) => keys.push((format!("{} -{route}", reply.status), *share)),
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
