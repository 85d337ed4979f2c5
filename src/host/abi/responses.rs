//! Local responses.

use bytes::Bytes;

use crate::abi::headers;
use crate::guest::{Arguments, Guest, Outcome, Status};
use crate::header_map;

/// `proxy_send_local_response` and `proxy_send_http_response`. The code is kept for the end of the callback; headers go
/// into the response at once, and stay there even if the response is then not used.
pub(crate) fn send(guest: &mut Guest<'_>, arguments: &Arguments<'_>) -> Outcome {
    let [code, _details, _details_size, body, body_size, map, map_size, _grpc_status] = arguments.take();
    guest.exchange()?;
    guest.state_mut().local.code = code;
    guest.state_mut().local.body = Bytes::new();
    if map_size > 0 {
        let map = header_map::decode(guest.read(map, map_size)?)?;
        for header in map {
            headers::set_response(guest.exchange_mut()?, &header.name, &header.value, false)
                .map_err(|_| Status::BadArgument)?;
        }
    }
    if body_size > 0 {
        guest.state_mut().local.body = Bytes::copy_from_slice(guest.read(body, body_size)?);
    }
    Ok(())
}
