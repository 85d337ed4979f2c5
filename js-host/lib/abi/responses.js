// Local responses.
import { decode } from "../header-map.js";
import { setResponse } from "./headers.js";

/**
 * `proxy_send_local_response` and `proxy_send_http_response`. The code is kept for the end of the callback; headers go
 * into the response at once, and stay there even if the response is then not used. Details and gRPC status are ignored.
 *
 * @type {import("../guest.js").Handler}
 */
export const send = (guest, code, _details, _detailsSize, body, bodySize, map, mapSize) => {
  const exchange = guest.exchange();
  guest.state.local = { code, body: new Uint8Array() };
  const headers = mapSize > 0 ? decode(guest.read(map, mapSize)) : [];
  for (const [name, value] of headers) setResponse(exchange, name, value, false);
  if (bodySize > 0) guest.state.local.body = guest.read(body, bodySize);
};
