//! What becomes of a request, in words that the model and Envoy share.

use amesh_simulator::envoy::{Answer, Endpoint, Endpoints, Line};
use amesh_simulator::{Request, apisix};
use amesh_tests::echo::ANSWER_HEADERS;
use amesh_tests::http;
use serde_json::Value;

use crate::backends::Backends;

/// An outcome. Headers are sorted by name, lines of one name stay in order; those that Envoy writes for itself are left
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    status: u16,
    headers: Vec<(String, String)>,
    /// Of an answer by Envoy itself.
    body: String,
    /// What the upstream received.
    forwarded: Option<Forwarded>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Forwarded {
    backend: String,
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, String)>,
}

const OWN: [&str; 7] =
    ["connection", "content-length", "date", "server", "transfer-encoding", "x-forwarded-proto", "x-request-id"];

/// Answers of the backends are longer than what is too short to be compressed.
const LENGTH: (&str, &str) = ("content-length", "100");

fn is_compressed(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, _)| name == "content-encoding")
}

fn kept(lines: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let is_own = |name: &str| name.starts_with("x-envoy-") || OWN.contains(&name) || name == "host";
    let plain = |(name, value): (String, String)| (name.to_ascii_lowercase(), value.trim().to_owned());
    let mut lines: Vec<_> = lines.map(plain).filter(|(name, _)| !is_own(name)).collect();
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    lines
}

fn texts(lines: &[Line]) -> Vec<(String, String)> {
    kept(lines.iter().map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned())))
}

fn line(name: &str, value: &str) -> Line {
    (name.into(), value.into())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Opinion {
    /// Of the model, one for each backend; the error is what it does not know.
    pub(crate) fn of_model(answer: &Answer, request: &Request, backends: &Backends) -> Result<Vec<Self>, String> {
        match answer {
            Answer::Reply(reply) => {
                let headers = texts(&reply.headers);
                let body = if is_compressed(&headers) { String::new() } else { text(&reply.body) };
                Ok(vec![Self { status: reply.status, headers, body, forwarded: None }])
            }
            Answer::Forward(forward) => {
                let upstream = ANSWER_HEADERS.iter().chain(&[LENGTH]);
                let upstream: Vec<Line> = upstream.map(|(name, value)| line(name, value)).collect();
                let endpoints = match &forward.endpoints {
                    Endpoints::Known(all) => all.as_slice(),
                    Endpoints::Open(why) => return Err(why.clone()),
                };
                let headers = texts(&forward.response.apply(200, &upstream)?);
                // An answer to HEAD, or one that is compressed, does not tell what was received.
                let tells = request.method != "HEAD" && !is_compressed(&headers);
                let opinion = |endpoint: &Endpoint| {
                    let forwarded = Forwarded {
                        backend: backends.name_of(endpoint.port).unwrap_or_default().to_owned(),
                        method: forward.method.clone(),
                        path: text(&forward.path),
                        host: text(endpoint.authority.as_ref().unwrap_or(&forward.authority)),
                        headers: texts(&forward.headers),
                    };
                    let forwarded = tells.then_some(forwarded);
                    Self { status: 200, headers: headers.clone(), body: String::new(), forwarded }
                };
                Ok(endpoints.iter().map(opinion).collect())
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Of the model of APISIX; the error is what it does not know. `name_of` tells the cluster behind a port.
    pub(crate) fn of_apisix(
        answer: &apisix::Answer,
        request: &Request,
        name_of: impl Fn(u16) -> Option<&'static str>,
    ) -> Result<Vec<Self>, String> {
        match answer {
            apisix::Answer::Reply(reply) => {
                let body = match &reply.body {
                    apisix::Body::Bytes(bytes) => text(bytes),
                    apisix::Body::ErrorPage => apisix::error_page(reply.status),
                };
                let body = if request.method == "HEAD" { String::new() } else { body };
                Ok(vec![Self { status: reply.status, headers: texts(&reply.headers), body, forwarded: None }])
            }
            apisix::Answer::Forward(forward) if forward.nodes.is_empty() => Err("no node".into()),
            apisix::Answer::Forward(forward) => {
                let headers: Vec<Line> = ANSWER_HEADERS.iter().map(|(name, value)| line(name, value)).collect();
                let upstream = apisix::Response { status: 200, headers, body: Vec::new() };
                let response = forward.response.apply(&upstream)?;
                let opinion = |node: &apisix::Node| {
                    let forwarded = Forwarded {
                        backend: name_of(node.port).unwrap_or("unknown").to_owned(),
                        method: forward.method.clone(),
                        path: text(&forward.target),
                        host: text(&forward.host_for(node, request).unwrap_or_default()),
                        headers: texts(&[forward.headers.as_slice(), &forward.added].concat()),
                    };
                    let forwarded = (request.method != "HEAD").then_some(forwarded);
                    Self { status: response.status, headers: texts(&response.headers), body: String::new(), forwarded }
                };
                Ok(forward.nodes.iter().map(opinion).collect())
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Of a running proxy.
    pub(crate) fn of_answer(answer: &http::Answer) -> Self {
        let forwarded = serde_json::from_str::<Value>(&answer.body).ok().filter(|body| body["name"].is_string());
        let field = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let forwarded = forwarded.map(|body| {
            let pair = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
            let headers: Vec<_> = body["headers"].as_array().unwrap().iter().map(pair).collect();
            let host = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, host)| host.clone());
            Forwarded {
                backend: field(&body, "name"),
                method: field(&body, "method"),
                path: field(&body, "target"),
                host: host.unwrap_or_default(),
                headers: kept(headers.into_iter()),
            }
        });
        let headers = kept(answer.headers.iter().cloned());
        let is_told = forwarded.is_none() && !is_compressed(&headers);
        let body = if is_told { answer.body.clone() } else { String::new() };
        Self { status: answer.status, headers, body, forwarded }
    }
}
