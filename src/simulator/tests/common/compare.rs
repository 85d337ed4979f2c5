//! Comparing one decision with what was observed.

use std::collections::BTreeMap;

use amesh_simulator::apisix::{Body, Forward, Reply, Request, Response, error_page};
use serde_json::Value as Json;

use super::check::{backend_of, same};

/// Request headers that recordings leave out unless told otherwise.
const NOISE: [&str; 12] = [
    "host",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "forwarded",
    "user-agent",
    "content-length",
    "connection",
    "x-echo",
    "transfer-encoding",
];
/// Response headers that recordings leave out unless told otherwise.
const RESPONSE_NOISE: [&str; 8] = [
    "date",
    "connection",
    "transfer-encoding",
    "content-length",
    "keep-alive",
    "server",
    "x-route",
    "x-ratelimit-reset",
];
/// Response headers that the model leaves out.
const FRAMING: [&str; 5] = ["date", "connection", "transfer-encoding", "content-length", "keep-alive"];

type Headers = BTreeMap<String, Vec<String>>;

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// What the upstream got.
pub(crate) fn upstream(forward: &Forward, host: Option<&[u8]>, request: &Json, observed: &Json) -> Result<(), String> {
    let recorded = &observed["upstream"];
    if let Some(method) = recorded["method"].as_str() {
        same("method", Some(forward.method.as_str()), Some(method))?;
        same("target", Some(latin1(&forward.target).as_str()), recorded["target"].as_str())?;
    }
    if let Some(sent) = recorded["host"].as_str() {
        same("host", host, Some(sent.as_bytes()))?;
    }
    let Some(lines) = recorded["headers"].as_array() else { return Ok(()) };
    let host_line = ("Host".to_owned(), host.unwrap_or_default().to_vec());
    let all = forward.headers.iter().chain(&forward.added).chain(std::iter::once(&host_line));
    let mut sent: Vec<(String, String)> = all
        .filter(|(name, _)| is_seen(&request["see"], &NOISE, name))
        .map(|(name, value)| (name.clone(), latin1(value)))
        .collect();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let lines = lines.iter().map(|line| (text(&line[0]), text(&line[1])));
    let mut lines: Vec<(String, String)> = lines.filter(|(name, _)| name != "Content-Length").collect();
    sent.sort_by_key(|(name, _)| name.to_lowercase());
    lines.sort_by_key(|(name, _)| name.to_lowercase());
    same("headers", Some(&sent), Some(&lines))
}

fn is_seen(see: &Json, noise: &[&str], name: &str) -> bool {
    match see {
        Json::Array(names) => names.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(name))),
        Json::String(_) => true,
        _ => !noise.iter().any(|noise| noise.eq_ignore_ascii_case(name)),
    }
}

/// How long it took.
pub(crate) fn delay(seconds: f64, observed: &Json) -> Result<(), String> {
    let milliseconds = seconds * 1000.0;
    let least = observed["elapsed_ms_at_least"].as_f64().unwrap_or(0.0);
    let most = observed["elapsed_ms_at_most"].as_f64().unwrap_or(f64::MAX);
    if milliseconds < least || milliseconds > most {
        return Err(format!("took {milliseconds} ms, not {least} to {most}"));
    }
    Ok(())
}

/// What the backends got whose log was recorded: targets by port.
pub(crate) fn mirrored(copies: &[(u16, &[u8])], request: &Json, observed: &Json) -> Result<(), String> {
    let Some(backends) = request["mirror"].as_array() else { return Ok(()) };
    for backend in backends.iter().filter_map(Json::as_str) {
        let Some(recorded) = observed["mirrored"][backend].as_array() else { continue };
        let sent = copies.iter().filter(|(port, _)| backend_of(*port) == Some(backend));
        let targets: Vec<String> = sent.map(|(_, target)| latin1(target)).collect();
        let recorded: Vec<String> =
            recorded.iter().filter_map(|copy| copy["target"].as_str().map(Into::into)).collect();
        same("mirrored", Some(targets), Some(recorded))?;
    }
    Ok(())
}

/// The answer of the gateway.
pub(crate) fn reply(reply: &Reply, request: &Request, recorded: &Json, observed: &Json) -> Result<(), String> {
    same("upstream", Some(&Json::Null), Some(&observed["upstream"]))?;
    let body = match &reply.body {
        Body::Bytes(body) => body.clone(),
        Body::ErrorPage => error_page(reply.status).into_bytes(),
    };
    let body = if request.method == "HEAD" { Vec::new() } else { body };
    response(&Response { status: reply.status, headers: reply.headers.clone(), body }, recorded, observed)
}

/// Which route it was: a global rule of most recordings writes it into the response.
pub(crate) fn route(headers: &[(String, Vec<u8>)], observed: &Json) -> Result<(), String> {
    let route = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-route"));
    let route = route.map(|(_, route)| latin1(route));
    same("route", Some(route.as_deref()), Some(observed["matched"].as_str()))
}

/// What the client got.
pub(crate) fn response(response: &Response, request: &Json, observed: &Json) -> Result<(), String> {
    same("status", Some(u64::from(response.status)), observed["status"].as_u64())?;
    let from_backend = response.headers.iter().any(|(name, _)| name == "X-Backend");
    let echoed = from_backend && response.body == b"{}";
    let hidden = |name: &str| (from_backend && name == "x-backend") || (echoed && name == "content-type");
    let mut sent = Headers::new();
    for (name, value) in &response.headers {
        let name = name.to_lowercase();
        let see = &request["see_response"];
        if is_seen(see, &RESPONSE_NOISE, &name) && (see.is_string() || see.is_array() || !hidden(&name)) {
            sent.entry(name).or_default().push(latin1(value));
        }
    }
    let recorded = observed["headers"].as_object().into_iter().flatten();
    let mut recorded: Headers = recorded.map(|(name, values)| (name.clone(), texts(values))).collect();
    recorded.retain(|name, _| !FRAMING.contains(&name.as_str()));
    // nginx's own answers name another server.
    if recorded.get("server").is_none_or(|names| names == &["openresty"]) && request["see_response"].is_string() {
        sent.remove("server");
        recorded.remove("server");
    }
    same("headers", Some(&sent), Some(&recorded))?;
    if let Some(body) = observed["body"].as_str() {
        same("body", Some(latin1(&response.body).as_str()), Some(body))?;
    }
    match observed["body_len"].as_u64() {
        Some(length) => same("length", u64::try_from(response.body.len()).ok(), Some(length)),
        None => Ok(()),
    }
}

fn texts(values: &Json) -> Vec<String> {
    match values {
        Json::Array(values) => values.iter().filter_map(|value| value.as_str().map(Into::into)).collect(),
        value => value.as_str().map(Into::into).into_iter().collect(),
    }
}
