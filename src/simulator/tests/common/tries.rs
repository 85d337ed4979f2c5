//! Sending a request to nodes until one answers, as nginx does with `proxy_next_upstream` at its default:
//! connections that fail and answers that do not come lead to the next node, the latter only for methods
//! that may be repeated.

use amesh_simulator::apisix::{Forward, Node, Request, Response};

use super::check::backend_of;
use super::echo::{echo, echo_to};

/// What came of it.
pub(crate) struct Tried {
    /// The nodes that got the request.
    pub(crate) ports: Vec<u16>,
    pub(crate) seconds: f64,
    pub(crate) answered: Option<Node>,
    /// Else nginx's statuses of all tries, and whether it ran out of nodes or of time.
    pub(crate) response: Result<Response, Vec<u16>>,
}

/// Asks the authorisation service, if there is one: port and target of the question, and the answer.
pub(crate) fn ask(forward: &Forward) -> (Vec<(u16, &[u8])>, Option<Response>) {
    let Some(asked) = &forward.authorization else { return (Vec::new(), None) };
    let uri = asked.uri.trim_start_matches("http://");
    let (server, _) = uri.split_once('/').expect("a path");
    let port: u16 = server.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let question = (port, uri.as_bytes().get(server.len()..).unwrap_or_default());
    let answer = backend_of(port).map(|name| echo_to(name, &asked.method, &asked.headers).response);
    (vec![question], answer)
}

/// `backend`: the one that was observed, which is taken where several are as good.
pub(crate) fn send(forward: &Forward, request: &Request, backend: Option<&str>) -> Result<Tried, String> {
    let mut left: Vec<Node> = forward.nodes.clone();
    if left.len() > 1 {
        left.retain(|node| node.weight > 0.0);
    }
    left.sort_by_key(|node| (std::cmp::Reverse(node.priority), backend_of(node.port) != backend));
    if let Some(shares) = forward.shares() {
        let first = shares.iter().any(|(node, _)| left.first().is_some_and(|other| other == *node));
        if !first {
            return Err(format!("the first node is one of {shares:?}"));
        }
    }
    let single = forward.nodes.len() == 1;
    let mut tried = Tried { ports: Vec::new(), seconds: 0.0, answered: None, response: Err(Vec::new()) };
    let mut statuses = Vec::new();
    for attempt in 0..=forward.retries {
        let late = forward.retry_timeout > 0.0 && tried.seconds > forward.retry_timeout;
        let node = if single { left.first().cloned() } else { (!left.is_empty()).then(|| left.remove(0)) };
        let Some(node) = node.filter(|_| attempt == 0 || !late) else {
            statuses.push(0);
            break;
        };
        let Some(name) = backend_of(node.port) else {
            statuses.push(502);
            continue;
        };
        let echo = echo(name, forward);
        tried.ports.push(node.port);
        tried.seconds += echo.delay.min(forward.timeout.read);
        let late = echo.delay > forward.timeout.read;
        match echo.breaks {
            Some("amidst") => return Err("the backend breaks off in the body".into()),
            None if !late => {
                tried.answered = Some(node);
                tried.response = Ok(echo.response);
                return Ok(tried);
            }
            _ => statuses.push(if late { 504 } else { 502 }),
        }
        if matches!(request.method.as_str(), "POST" | "PATCH" | "LOCK") {
            break;
        }
    }
    tried.response = Err(statuses);
    Ok(tried)
}
