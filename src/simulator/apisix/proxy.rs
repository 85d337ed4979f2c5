//! From the plugins to the upstream: which one, and what it gets.

use super::decision::Answer;
use super::document::{Document, Route};
use super::exchange::{End, Exchange, failed};
use super::forward::{Forward, UpstreamRef};
use super::headers::{escape, is_unsafe_in_path};
use super::plugins::split::SplitTarget;
use super::response::ResponseFilters;
use super::stop::Stop;
use super::upstream::Choice;
use super::vars::Vars;

/// The upstream that traffic-split, else the route, names.
pub(super) fn choose(document: &Document, route: &Route, exchange: &Exchange) -> Result<Choice, End> {
    let host = exchange.host.clone();
    let id = match &exchange.target {
        Some(SplitTarget::Inline(upstream)) => return upstream.choice(UpstreamRef::TrafficSplit, host, route.timeout),
        Some(SplitTarget::Id(id)) => Some(id),
        Some(SplitTarget::Route) | None => route.upstream_id.as_ref(),
    };
    match (id, &route.upstream) {
        (Some(id), _) => match document.upstreams.get(id) {
            Some(upstream) => upstream.choice(UpstreamRef::Id(id.clone()), host, route.timeout),
            None => Err(failed(502, format!("the upstream {id} does not exist"))),
        },
        (None, Some(upstream)) => upstream.choice(UpstreamRef::Inline, host, route.timeout),
        (None, None) => Err(failed(503, "missing upstream configuration in Route or Service")),
    }
}

/// What the chosen upstream gets.
pub(super) fn forward(choice: Choice, route: &Route, response: ResponseFilters) -> Result<Answer, End> {
    let vars = &response.exchange.vars;
    let target = target(&choice.scheme, &response.exchange)?;
    let stop = |stop| End::Stopped(stop);
    let grpc = choice.scheme.starts_with("grpc");
    Ok(Answer::Forward(Box::new(Forward {
        method: vars.method.clone(),
        target,
        headers: vars
            .headers
            .0
            .iter()
            .filter(|(name, _)| !(is_replaced(name) || (grpc && is_grpc(name))))
            .cloned()
            .collect(),
        added: if grpc { added_to_grpc(vars) } else { added(vars, route.websocket).map_err(stop)? },
        websocket: route.websocket,
        mirror: response.exchange.mirror.clone(),
        authorization: response.exchange.authorization.clone(),
        upstream: choice.upstream,
        scheme: choice.scheme,
        host: choice.host,
        balancer: choice.balancer,
        nodes: choice.nodes,
        timeout: choice.timeout,
        retries: choice.retries,
        retry_timeout: choice.retry_timeout,
        response,
    })))
}

/// nginx appends what plugins left in `$upstream_uri` to the name of the upstream, and reads the whole as
/// a URL. Without it the target goes out as it came in, unless something changed it.
fn target(scheme: &str, exchange: &Exchange) -> Result<Vec<u8>, End> {
    let vars = &exchange.vars;
    let uri = &vars.upstream_uri;
    if scheme.starts_with("grpc") && exchange.mirror.is_some() {
        return Err(End::Stopped(Stop::not_modelled("a mirror of gRPC requests")));
    }
    match uri.first() {
        Some(b'/') if !scheme.starts_with("grpc") => Ok(uri.clone()),
        Some(b'?') if !scheme.starts_with("grpc") => Ok([b"/", uri.as_slice()].concat()),
        Some(b'/' | b'?') | None if exchange.rewritten => {
            let mut target = escape(&vars.path, is_unsafe_in_path);
            if !vars.args.is_empty() {
                target.push(b'?');
                target.extend_from_slice(&vars.args);
            }
            Ok(target)
        }
        Some(b'/' | b'?') | None => {
            let slash: &[u8] = if vars.received.target.raw.starts_with(b"?") { b"/" } else { b"" };
            Ok([slash, &vars.received.target.raw].concat())
        }
        Some(_) => Err(failed(502, "a target that makes another host name")),
    }
}

/// Lines of one hop, those that frame the body, and those in [`Forward::added`].
fn is_replaced(name: &str) -> bool {
    const REPLACED: [&str; 13] = [
        "Host",
        "Connection",
        "Keep-Alive",
        "TE",
        "Upgrade",
        "Expect",
        "Transfer-Encoding",
        "Content-Length",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
    ];
    REPLACED.iter().any(|replaced| replaced.eq_ignore_ascii_case(name))
}

fn is_grpc(name: &str) -> bool {
    name.eq_ignore_ascii_case("Content-Type")
}

/// gRPC upstreams get the forwarding headers as they are in the request.
fn added_to_grpc(vars: &Vars) -> Vec<(String, Vec<u8>)> {
    let text = |name: &str, value: &str| (name.to_owned(), value.into());
    let mut added = vec![text("Content-Type", "application/grpc"), text("TE", "trailers")];
    for name in ["X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"] {
        added.extend(vars.headers.all(name).map(|value| (name.to_owned(), value.to_vec())));
    }
    added
}

fn added(vars: &Vars, websocket: bool) -> Result<Vec<(String, Vec<u8>)>, Stop> {
    let mut added = Vec::new();
    for name in ["Upgrade", "Connection"].into_iter().filter(|_| websocket) {
        let value = vars.text(&format!("http_{}", name.to_ascii_lowercase()))?;
        added.push((name.to_owned(), value));
    }
    let client = vars.remote_addr().into_bytes();
    let chain = vars.headers.joined("x_forwarded_for");
    let chain = chain.map_or(client.clone(), |chain| [&chain, b", ".as_slice(), &client].concat());
    added.push(("X-Real-IP".into(), client));
    added.push(("X-Forwarded-For".into(), chain));
    for name in ["X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"] {
        added.push((name.into(), vars.headers.joined(&super::headers::variable(name)).unwrap_or_default()));
    }
    added.retain(|(_, value)| !value.is_empty());
    Ok(added)
}
