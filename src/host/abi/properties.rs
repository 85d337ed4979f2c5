//! Properties, which are nginx variables of one name only, and the log.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::config::LogLevel;
use crate::error::Crash;
use crate::exchange::Exchange;
use crate::guest::{Arguments, Guest, Outcome, Status};

/// Variables that APISIX's nginx configuration lets a module set and that matter to it.
const WRITABLE: &[&str] = &[
    "wasm_process_req_body",
    "wasm_process_resp_body",
    "upstream_scheme",
    "upstream_host",
    "upstream_uri",
    "upstream_upgrade",
    "upstream_connection",
    "args",
    "limit_rate",
];

/// `proxy_get_property`.
pub(crate) fn get(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [path, path_size, address_out, size_out] = arguments.take();
    let path = guest.read_text(path, path_size)?;
    if path == "plugin_root_id" {
        if guest.scope().is_none() {
            return Err(Crash::NoPluginName.into());
        }
        let name = guest.state().plugin_name.clone();
        return guest.give(name.as_bytes(), address_out, size_out);
    }
    let value = variable(guest.exchange()?, &path.to_ascii_lowercase()).ok_or(Status::NotFound)?;
    guest.give(&value, address_out, size_out)
}

/// `proxy_set_property`.
pub(crate) fn set(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [path, path_size, value, value_size] = arguments.take();
    guest.exchange()?;
    let name = guest.read_text(path, path_size)?.to_ascii_lowercase();
    let value = guest.read(value, value_size)?.to_vec();
    let exchange = guest.exchange_mut()?;
    if WRITABLE.contains(&name.as_str()) {
        exchange.assigned.insert(name, value);
        return Ok(());
    }
    let read_only = variable(exchange, &name).is_some();
    guest.state().error(&format!("variable \"{name}\" is not changeable or not found for writing"));
    Err(if read_only { Status::InternalFailure } else { Status::NotFound }.into())
}

/// `proxy_log`.
pub(crate) fn log(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [level, address, size] = arguments.take();
    let message = guest.read_text(address, size)?;
    let level = match level {
        0 | 1 => LogLevel::Debug,
        2 => LogLevel::Info,
        3 => LogLevel::Warn,
        5 => LogLevel::Emerg,
        _ => LogLevel::Error,
    };
    guest.state().log(level, &message);
    Ok(())
}

/// A variable of the request: what the module set, what follows from the request, what the environment knows.
fn variable(exchange: &Exchange, name: &str) -> Option<Vec<u8>> {
    if let Some(value) = exchange.assigned.get(name) {
        return Some(value.clone());
    }
    let request = &exchange.request;
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target.as_str(), None),
    };
    match name {
        "request_uri" => Some(request.target.clone().into()),
        "uri" => Some(percent_decode_str(path).collect()),
        "args" | "query_string" => query.map(Into::into),
        "request_method" => Some(request.method.clone().into()),
        "scheme" => Some(request.scheme.clone().into()),
        "host" => Some(without_port(exchange.host()?).to_ascii_lowercase()),
        "content_length" => header(exchange, "content-length"),
        "content_type" => header(exchange, "content-type"),
        "wasm_process_req_body" | "wasm_process_resp_body" => Some(Vec::new()),
        _ => prefixed(exchange, name, query).or_else(|| exchange.variables.as_ref()?.get(name).map(Into::into)),
    }
}

fn prefixed(exchange: &Exchange, name: &str, query: Option<&str>) -> Option<Vec<u8>> {
    if let Some(header_name) = name.strip_prefix("http_") {
        return header(exchange, &header_name.replace('_', "-"));
    }
    if let Some(argument) = name.strip_prefix("arg_") {
        return pairs(query?, '&').find(|(key, _)| key.eq_ignore_ascii_case(argument)).map(|(_, value)| value.into());
    }
    let cookie = name.strip_prefix("cookie_")?;
    let cookies = String::from_utf8_lossy(&header(exchange, "cookie")?).into_owned();
    let found: BTreeMap<String, &str> =
        pairs(&cookies, ';').map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    found.get(cookie).map(|value| (*value).into())
}

/// All lines of a header, joined as nginx does.
fn header(exchange: &Exchange, name: &str) -> Option<Vec<u8>> {
    let same = |known: &str| known.replace('_', "-").eq_ignore_ascii_case(name);
    let lines: Vec<&[u8]> = exchange
        .request
        .headers
        .iter()
        .filter(|header| same(&header.name))
        .map(|header| header.value.as_slice())
        .collect();
    (!lines.is_empty()).then(|| lines.join(b", ".as_slice()))
}

fn pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    text.split(separator).filter_map(|pair| pair.trim_start().split_once('='))
}

fn without_port(host: &[u8]) -> &[u8] {
    let end = host
        .iter()
        .rposition(|byte| *byte == b':')
        .filter(|colon| host.get(colon.saturating_add(1)..).is_some_and(|port| port.iter().all(u8::is_ascii_digit)));
    end.and_then(|end| host.get(..end)).unwrap_or(host)
}
