//! `amesh simulate`: one request, both proxies, and why.

use crate::args::SimulateArgs;
use crate::exit::{self, Exit, Failure};
use crate::subjects::{self, Guarded};
use amesh_simulator::Request;
use amesh_simulator::{apisix, envoy};
use amesh_verify::request_id;
use std::fmt::Write as _;

/// Prints both decisions.
pub(crate) fn run(args: &SimulateArgs) -> Result<Exit, Failure> {
    let request = request(args)?;
    let (_, subjects, guarded) = subjects::read(&args.input, &args.options)?;
    let mut text = String::new();
    of_envoy(&subjects.envoy(&request, draw(args.chance)), &mut text);
    text.push('\n');
    let request_id = Some(request_id(args.chance, args.chance, args.chance));
    of_apisix(&subjects.apisix(&Request { request_id, ..request }), &guarded, &mut text);
    exit::print(&text)?;
    Ok(Exit::Clean)
}

fn request(args: &SimulateArgs) -> Result<Request, Failure> {
    let usage = |what: &str| Failure::Usage(format!("--url {}: {what}", args.url));
    let (scheme, rest) = args.url.split_once("://").ok_or_else(|| usage("begins with http:// or https://"))?;
    let tls = match scheme {
        "http" => false,
        "https" => true,
        _ => return Err(usage("begins with http:// or https://")),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let named = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let mut request = Request::get(host, if path.is_empty() { "/" } else { path }).with_method(&args.method);
    request.tls = tls;
    request.sni = tls.then(|| host.split(':').next().unwrap_or_default().to_owned());
    request.server_port = args.port.or(named).unwrap_or(if tls { 443 } else { 80 });
    request.original_dst = args.original_dst.map(|address| address.to_string());
    for line in &args.header {
        let (name, value) =
            line.split_once(':').ok_or_else(|| Failure::Usage(format!("--header {line}: has no colon")))?;
        request = request.with_header(name.trim(), value.trim());
    }
    Ok(request)
}

/// A random number that leaves this part of any usual divisor.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the product lies between 0 and 100")]
fn draw(chance: f64) -> u64 {
    (chance.clamp(0.0, 0.999) * 100.0) as u64
}

fn of_envoy(decision: &envoy::Decision, text: &mut String) {
    text.push_str("Envoy\n");
    for step in &decision.steps {
        let _ = match step {
            envoy::Step::VirtualHost { name, domain, .. } => {
                writeln!(text, "  virtual host {name:?}, for its domain {domain:?}")
            }
            envoy::Step::NoVirtualHost(host) => writeln!(text, "  no virtual host for {host:?}"),
            envoy::Step::Route { route, failed: Some(why) } => {
                writeln!(text, "  route {} {:?} does not match: {why}", route.index, route.name)
            }
            envoy::Step::Route { route, failed: None } => {
                writeln!(text, "  route {} {:?} matches", route.index, route.name)
            }
            envoy::Step::Filter { name, did } => writeln!(text, "  filter {name}: {did}"),
        };
    }
    for outcome in &decision.outcomes {
        let _ = write!(text, "  => {}", often(outcome.share, outcome.delay));
        let _ = match &outcome.answer {
            envoy::Answer::Reply(reply) => {
                writeln!(text, "answers {} {:?} ({})", reply.status, String::from_utf8_lossy(&reply.body), reply.why)
            }
            envoy::Answer::Forward(forward) => {
                let (host, path) =
                    (String::from_utf8_lossy(&forward.authority), String::from_utf8_lossy(&forward.path));
                writeln!(text, "{} {path} with host {host} to cluster {:?}", forward.method, forward.cluster)
            }
            envoy::Answer::Closed(why) => writeln!(text, "closes the connection: {why}"),
            other => writeln!(text, "not known to the model: {other:?}"),
        };
    }
}

fn of_apisix(decision: &apisix::Decision, guarded: &Guarded, text: &mut String) {
    text.push_str("APISIX\n");
    for step in &decision.steps {
        let _ = match step {
            apisix::Step::Host(Some(host)) => writeln!(text, "  routes of the host {host:?}"),
            apisix::Step::Host(None) => writeln!(text, "  routes without a host"),
            apisix::Step::Candidate { route, uri, failed: Some(apisix::Condition::Vars(_)) }
                if guarded.contains(&**route) =>
            {
                writeln!(text, "  route {route} at {uri:?} does not match: a condition with a secret")
            }
            apisix::Step::Candidate { route, uri, failed: Some(why) } => {
                writeln!(text, "  route {route} at {uri:?} does not match: {why:?}")
            }
            apisix::Step::Candidate { route, uri, failed: None } => {
                writeln!(text, "  route {route} at {uri:?} matches")
            }
        };
    }
    for outcome in &decision.outcomes {
        let _ = write!(text, "  => {}", often(outcome.share, outcome.delay));
        let _ = match &outcome.answer {
            apisix::Answer::Reply(reply) => {
                let body = match &reply.body {
                    apisix::Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    apisix::Body::ErrorPage => "nginx's page".to_owned(),
                };
                writeln!(text, "answers {} {body:?} ({:?})", reply.status, reply.cause)
            }
            apisix::Answer::Forward(forward) => {
                let nodes: Vec<String> =
                    forward.nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect();
                let path = String::from_utf8_lossy(&forward.target);
                writeln!(text, "{} {path} to {}", forward.method, nodes.join(" "))
            }
            other => writeln!(text, "not known to the model: {other:?}"),
        };
    }
}

/// How often something happens and after what time; nothing where it always happens at once.
fn often(share: f64, delay: f64) -> String {
    let mut text = if share < 1.0 { format!("{:.2} %: ", share * 100.0) } else { String::new() };
    if delay > 0.0 {
        let _ = write!(text, "after {delay} s ");
    }
    text
}
