//! HTTP calls to other servers: taking the order, and turning it into a request.

use std::time::Duration;

use bytes::Bytes;

use crate::error::{Crash, HostError};
use crate::exchange::{Callout, Phase};
use crate::guest::{Arguments, Guest, Outcome, Status};
use crate::header_map;
use crate::http::HttpCall;
use crate::state::State;

/// `proxy_http_call`. One call may be outstanding for each request, and only while the request can still be held up.
pub(crate) fn dispatch(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [upstream, upstream_size, map, map_size, body, body_size, _trailers, _trailers_size, timeout, token_out] =
        arguments.take();
    if guest.exchange()?.phase == Phase::Response {
        guest.state().error("http call is only supported during processing HTTP request");
        return Err(Status::BadArgument.into());
    }
    let upstream = guest.read_text(upstream, upstream_size)?;
    if !is_upstream(&upstream) {
        guest.state().error(&format!("http call gets invalid host: {upstream}"));
        return Err(Status::BadArgument.into());
    }
    let headers = (map_size > 0).then(|| guest.read(map, map_size).map(<[u8]>::to_vec)).transpose()?;
    let body = if body_size > 0 { Bytes::copy_from_slice(guest.read(body, body_size)?) } else { Bytes::new() };
    let token = guest.state().next_token;
    register(guest, timeout, Callout { upstream, headers, body, timeout_ms: 0, token })?;
    guest.state_mut().next_token = token.wrapping_add(1);
    guest.write_number(token_out, token)
}

fn register(guest: &mut Guest<'_>, timeout: i32, callout: Callout) -> Outcome {
    if guest.exchange()?.callout.is_some() {
        guest.state().error("multiple calls are not supported");
        return Err(Status::InternalFailure.into());
    }
    let Ok(timeout_ms) = u32::try_from(timeout) else {
        guest.state().error(&format!("invalid timeout: {timeout}"));
        return Err(Status::InternalFailure.into());
    };
    guest.exchange_mut()?.callout = Some(Callout { timeout_ms, ..callout });
    Ok(())
}

/// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; names are not resolved here.
fn is_upstream(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':').or((!port.is_empty()).then_some(""))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0));
    text.starts_with("unix:") || (!host.is_empty() && port_is_good && !host.contains(['/', '?']))
}

/// Makes the request of a call, in the way of the host: pseudo headers that are missing keep the value of the worker's
/// previous call.
pub(crate) fn request(state: &mut State, callout: Callout) -> Result<HttpCall, HostError> {
    let map = header_map::decode(&callout.headers.ok_or(Crash::NoHeaderMap)?)?;
    let mut headers = Vec::new();
    let (mut method, mut scheme, mut path) = (None, None, None);
    for mut header in map {
        match header.name.to_ascii_lowercase().as_str() {
            "" => {}
            ":method" => method = Some(header.text().into_owned()),
            ":scheme" => scheme = Some(header.text().into_owned()),
            ":path" => path = Some(header.text().into_owned()),
            ":authority" => {
                "host".clone_into(&mut header.name);
                headers.push(header);
            }
            _ => headers.push(header),
        }
    }
    let strict = state.config.strict;
    let previous = &mut state.previous_call;
    let method = inherit(&mut previous.method, method, ":method", strict)?;
    let scheme = inherit(&mut previous.scheme, scheme, ":scheme", strict)?;
    let path = inherit(&mut previous.path, path, ":path", strict)?;
    Ok(HttpCall {
        upstream: callout.upstream,
        method: if method.is_empty() { "GET".into() } else { method },
        scheme: if scheme.is_empty() { "http".into() } else { scheme },
        path: if path.is_empty() || path.starts_with('/') { path } else { format!("/{path}") },
        headers,
        body: callout.body,
        timeout: (callout.timeout_ms > 0).then(|| Duration::from_millis(callout.timeout_ms.into())),
    })
}

fn inherit(
    previous: &mut Option<String>,
    given: Option<String>,
    name: &'static str,
    strict: bool,
) -> Result<String, HostError> {
    if given.is_none() && strict {
        return Err(HostError::MissingPseudoHeader(name));
    }
    if given.is_some() {
        *previous = given;
    }
    Ok(previous.clone().unwrap_or_default())
}
