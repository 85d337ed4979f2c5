//! Header maps of the request, the response and the reply of an HTTP call.

use crate::error::Crash;
use crate::exchange::Exchange;
use crate::guest::{Arguments, Guest, Outcome, Status};
use crate::header_map;
use crate::http::Header;

const REQUEST: i32 = 0;
const RESPONSE: i32 = 2;
const CALL_RESPONSE: i32 = 6;

/// `proxy_get_header_map_pairs`.
pub(crate) fn get_pairs(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [kind, address_out, size_out] = arguments.take();
    let headers = map(guest, kind)?;
    guest.give_map(&header_map::encode(&headers), address_out, size_out)
}

/// `proxy_get_header_map_value`: the first of that name, in any case.
pub(crate) fn get_value(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [kind, key, key_size, address_out, size_out] = arguments.take();
    guest.exchange()?;
    let key = guest.read_text(key, key_size)?;
    let value = value(guest, kind, &key)?.ok_or(Status::NotFound)?;
    guest.give(&value, address_out, size_out)
}

/// `proxy_remove_header_map_value`.
pub(crate) fn remove(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [kind, key, key_size] = arguments.take();
    guest.exchange()?;
    let key = guest.read_text(key, key_size)?;
    set(guest, kind, &key, b"", true)
}

/// `proxy_replace_header_map_value`.
pub(crate) fn replace(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    write(guest, arguments, true)
}

/// `proxy_add_header_map_value`.
pub(crate) fn add(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    write(guest, arguments, false)
}

fn write(guest: &mut Guest<'_>, arguments: &Arguments<'_>, replace: bool) -> Outcome {
    let [kind, key, key_size, value, value_size] = arguments.take();
    guest.exchange()?;
    let key = guest.read_text(key, key_size)?;
    let value = guest.read(value, value_size)?.to_vec();
    set(guest, kind, &key, &value, replace)
}

fn map(guest: &Guest<'_>, kind: i32) -> Outcome<Vec<Header>> {
    let exchange = guest.exchange()?;
    match kind {
        REQUEST => request_map(exchange),
        RESPONSE => Ok(response_map(exchange)),
        CALL_RESPONSE => Ok(call_response(guest)?.ok_or(Status::NotFound)?.to_vec()),
        _ => Err(Status::Unimplemented.into()),
    }
}

fn value(guest: &Guest<'_>, kind: i32, key: &str) -> Outcome<Option<Vec<u8>>> {
    let exchange = guest.exchange()?;
    let first = |headers: &[Header]| headers.iter().find(|header| header.is(key)).map(|header| header.value.clone());
    match kind {
        REQUEST => match pseudo(exchange, key)? {
            Some(value) => Ok(Some(value)),
            None => Ok(first(&exchange.request.headers)),
        },
        RESPONSE if key.eq_ignore_ascii_case(":status") => Ok(Some(exchange.response_status.to_string().into())),
        RESPONSE => Ok(first(&exchange.response_headers)),
        CALL_RESPONSE => Ok(call_response(guest)?.and_then(first)),
        _ => Err(Status::Unimplemented.into()),
    }
}

fn set(guest: &mut Guest<'_>, kind: i32, key: &str, value: &[u8], replace: bool) -> Outcome {
    let exchange = guest.exchange_mut()?;
    let done = match kind {
        REQUEST => set_request(exchange, key, value, replace),
        RESPONSE => set_response(exchange, key, value, replace),
        _ => return Err(Status::Unimplemented.into()),
    };
    if done.is_err() {
        guest.state().error(&format!("failed to set header {key}"));
    }
    done
}

/// The request's headers in lower case, then the pseudo headers.
fn request_map(exchange: &Exchange) -> Outcome<Vec<Header>> {
    let mut headers: Vec<Header> = exchange.request.headers.iter().map(lower_case).collect();
    for name in [":scheme", ":path", ":method", ":authority"] {
        headers.push(Header::new(name, pseudo(exchange, name)?.unwrap_or_default()));
    }
    Ok(headers)
}

fn pseudo(exchange: &Exchange, name: &str) -> Outcome<Option<Vec<u8>>> {
    let request = &exchange.request;
    let value = match name.to_ascii_lowercase().as_str() {
        ":scheme" => request.scheme.as_bytes(),
        ":path" => request.target.as_bytes(),
        ":method" => request.method.as_bytes(),
        ":authority" => exchange.host().ok_or(Crash::NoHostHeader)?,
        _ => return Ok(None),
    };
    Ok(Some(value.to_vec()))
}

/// The response's headers; `connection` is always among them, `:status` once there is one.
fn response_map(exchange: &Exchange) -> Vec<Header> {
    let mut headers: Vec<Header> = exchange.response_headers.iter().map(lower_case).collect();
    headers.push(Header::new("connection", "keep-alive"));
    if exchange.response_status != 0 {
        headers.push(Header::new(":status", exchange.response_status.to_string()));
    }
    headers
}

/// Headers of the reply of the request's last call, None if it failed or there was none.
fn call_response<'a>(guest: &'a Guest<'_>) -> Outcome<Option<&'a [Header]>> {
    let reply = guest.exchange()?.reply(guest.state().config.strict)?;
    Ok(reply.map(|reply| reply.headers.as_slice()))
}

fn lower_case(header: &Header) -> Header {
    Header::new(header.name.to_ascii_lowercase(), header.value.clone())
}

/// Sets a request header. The host lets `:path` and `:method` be set, takes `:authority` for the method, and a
/// `:scheme` for an ordinary header.
fn set_request(exchange: &mut Exchange, key: &str, value: &[u8], replace: bool) -> Outcome {
    if key.starts_with(':') && value.is_empty() {
        return Err(Status::BadArgument.into());
    }
    let text = String::from_utf8_lossy(value).into_owned();
    match key.to_ascii_lowercase().as_str() {
        ":path" if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') => {
            return Err(Status::BadArgument.into());
        }
        ":path" => exchange.rewritten_path = Some(text),
        ":method" | ":authority" if !value.iter().all(u8::is_ascii_alphabetic) => {
            return Err(Status::BadArgument.into());
        }
        ":method" | ":authority" => exchange.request.method = text,
        _ => exchange.set_request_header(key, value, replace),
    }
    Ok(())
}

/// Adds, replaces or removes a response header; `:status` sets the status.
pub(crate) fn set_response(exchange: &mut Exchange, key: &str, value: &[u8], replace: bool) -> Outcome {
    if key.eq_ignore_ascii_case(":status") {
        let status = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        exchange.response_status = status.ok_or(Status::BadArgument)?;
    } else {
        exchange.set_response_header(key, value, replace);
    }
    Ok(())
}
