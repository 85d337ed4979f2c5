//! What the echo backends of the recordings do with a request.

use amesh_simulator::apisix::{Forward, Response};

/// What a backend does.
pub(crate) struct Echo {
    pub(crate) response: Response,
    /// Seconds before it answers.
    pub(crate) delay: f64,
    /// It ends the connection: instead of an answer, or amidst the body.
    pub(crate) breaks: Option<&'static str>,
}

/// The request as this backend gets it; the header `X-Echo` tells it what to do.
pub(crate) fn echo(backend: &str, forward: &Forward) -> Echo {
    echo_to(backend, &forward.method, &forward.headers)
}

/// The same for any request.
pub(crate) fn echo_to(backend: &str, method: &str, headers: &[(String, Vec<u8>)]) -> Echo {
    let mut response = Response {
        status: 200,
        headers: vec![("X-Backend".into(), backend.into()), ("Content-Type".into(), "application/json".into())],
        body: b"{}".to_vec(),
    };
    let (mut delay, mut breaks) = (0.0, None);
    let lines = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-echo"));
    let lines: Vec<String> = lines.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
    for item in lines.iter().flat_map(|line| line.split('|')) {
        let Some((who, action)) = item.split_once(';') else { continue };
        if who.trim() != "*" && who.trim() != backend {
            continue;
        }
        match action.trim().split_once('=').unwrap_or((action.trim(), "")) {
            ("status", status) => response.status = status.parse().expect("a status"),
            ("delay", seconds) => delay = seconds.parse().expect("seconds"),
            ("header", line) => {
                let (name, value) = line.split_once(':').expect("a header");
                response.headers.push((name.into(), value.trim().into()));
            }
            ("body", body) => response.body = body.into(),
            ("size", size) => response.body = vec![b'0'; size.parse().expect("a size")],
            ("type", kind) => response.headers[1].1 = kind.into(),
            ("reset" | "close", _) => breaks = Some("instead"),
            ("partial", _) => breaks = Some("amidst"),
            _ => {}
        }
    }
    if method == "HEAD" || matches!(response.status, 204 | 304) {
        response.body.clear();
    }
    Echo { response, delay, breaks }
}
