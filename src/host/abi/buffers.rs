//! Reading bodies and the plugin configuration. Nothing can be written.

use bytes::Bytes;

use crate::error::Crash;
use crate::guest::{Arguments, Guest, Outcome, Status};

const REQUEST_BODY: i32 = 0;
const RESPONSE_BODY: i32 = 1;
const CALL_RESPONSE_BODY: i32 = 4;
const PLUGIN_CONFIGURATION: i32 = 7;

/// `proxy_get_buffer_bytes`.
pub(crate) fn get(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [kind, start, size, address_out, size_out] = arguments.take();
    let buffer = match kind {
        PLUGIN_CONFIGURATION => guest.scope().map(|scope| scope.configuration.clone()),
        REQUEST_BODY | RESPONSE_BODY => guest.scope().map(|scope| scope.body.clone()),
        CALL_RESPONSE_BODY => call_response_body(guest)?,
        _ => return Err(Status::Unimplemented.into()),
    };
    let buffer = buffer.filter(|bytes| !bytes.is_empty()).ok_or(Status::NotFound)?;
    if kind == PLUGIN_CONFIGURATION {
        // Always as a whole: start and size are not looked at.
        return guest.give(&buffer, address_out, size_out);
    }
    guest.give(slice(&buffer, start, size)?, address_out, size_out)
}

/// `proxy_get_configuration`.
pub(crate) fn get_configuration(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [address_out, size_out] = arguments.take();
    let scope = guest.scope().ok_or(Status::NotFound)?;
    let configuration = scope.configuration.clone();
    guest.give(&configuration, address_out, size_out)
}

fn call_response_body(guest: &Guest<'_>) -> Outcome<Option<Bytes>> {
    let reply = guest.exchange()?.reply(guest.state().config.strict)?;
    Ok(reply.map(|reply| reply.body.clone()))
}

/// The part asked for, cut at the end of the buffer.
fn slice(buffer: &[u8], start: i32, size: i32) -> Outcome<&[u8]> {
    let first = usize::try_from(start).map_err(|_| Status::BadArgument)?;
    if size <= 0 || first >= buffer.len() {
        return Err(Status::BadArgument.into());
    }
    let Some(end) = start.checked_add(size) else {
        return Err(Crash::BufferOverrun { start, size }.into());
    };
    let end = usize::try_from(end).unwrap_or(usize::MAX).min(buffer.len());
    Ok(buffer.get(first..end).unwrap_or_default())
}
