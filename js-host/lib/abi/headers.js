// Header maps of the request, the response and the reply of an HTTP call.
import { decoded, fromByteString, sameName } from "../bytes.js";
import { crash } from "../errors.js";
import { Status, Stop } from "../guest.js";
import { encode } from "../header-map.js";

/** @import { Header } from "../../index.js" */
/** @import { Exchange } from "../exchange.js" */
/** @import { Guest, Handler } from "../guest.js" */

const REQUEST = 0;
const RESPONSE = 2;
const CALL_RESPONSE = 6;

/** `proxy_get_header_map_pairs`. @type {Handler} */
export const getPairs = (guest, kind, addressOut, sizeOut) => {
  const map = encode(mapOf(guest, kind));
  try {
    guest.give(map, addressOut, sizeOut);
  } catch (stop) {
    // Whatever fails, the status is the same.
    throw stop instanceof Stop ? new Stop(Status.InvalidMemoryAccess) : stop;
  }
};

/** `proxy_get_header_map_value`: the first of that name, in any case. @type {Handler} */
export const getValue = (guest, kind, key, keySize, addressOut, sizeOut) => {
  guest.exchange();
  const value = valueOf(guest, kind, guest.readText(key, keySize));
  if (value === undefined) throw new Stop(Status.NotFound);
  guest.give(fromByteString(value), addressOut, sizeOut);
};

/** `proxy_remove_header_map_value`. @type {Handler} */
export const remove = (guest, kind, key, keySize) => {
  guest.exchange();
  set(guest, kind, guest.readText(key, keySize), "", true);
};

/** `proxy_replace_header_map_value`. @type {Handler} */
export const replace = (guest, kind, key, keySize, value, valueSize) => {
  guest.exchange();
  set(guest, kind, guest.readText(key, keySize), guest.readByteString(value, valueSize), true);
};

/** `proxy_add_header_map_value`. @type {Handler} */
export const add = (guest, kind, key, keySize, value, valueSize) => {
  guest.exchange();
  set(guest, kind, guest.readText(key, keySize), guest.readByteString(value, valueSize), false);
};

/**
 * @param {Guest} guest
 * @param {number} kind
 */
function mapOf(guest, kind) {
  const exchange = guest.exchange();
  if (kind === REQUEST) return requestMap(exchange);
  if (kind === RESPONSE) return responseMap(exchange);
  if (kind !== CALL_RESPONSE) throw new Stop(Status.Unimplemented);
  const reply = guest.reply();
  if (reply === undefined) throw new Stop(Status.NotFound);
  return reply.headers;
}

/**
 * The request's headers in lower case, then the pseudo headers.
 *
 * @param {Exchange} exchange
 * @returns {Header[]}
 */
function requestMap(exchange) {
  const pseudos = [":scheme", ":path", ":method", ":authority"];
  return [...exchange.headers.map(lowerCase), ...pseudos.map((name) => pair(name, pseudo(exchange, name) ?? ""))];
}

/**
 * The response's headers; `connection` is always among them, `:status` once there is one.
 *
 * @param {Exchange} exchange
 * @returns {Header[]}
 */
function responseMap(exchange) {
  const status = exchange.responseStatus === 0 ? [] : [pair(":status", String(exchange.responseStatus))];
  return [...exchange.responseHeaders.map(lowerCase), pair("connection", "keep-alive"), ...status];
}

/** @param {Header} header */
function lowerCase([name, value]) {
  return pair(name.toLowerCase(), value);
}

/**
 * @param {string} name
 * @param {string} value
 * @returns {Header}
 */
function pair(name, value) {
  return [name, value];
}

/**
 * @param {Guest} guest
 * @param {number} kind
 * @param {string} key
 */
function valueOf(guest, kind, key) {
  const exchange = guest.exchange();
  const first = (/** @type {readonly Header[]} */ headers) => headers.find(([name]) => sameName(name, key))?.[1];
  if (kind === REQUEST) return pseudo(exchange, key) ?? first(exchange.headers);
  if (kind === CALL_RESPONSE) return first(guest.reply()?.headers ?? []);
  if (kind !== RESPONSE) throw new Stop(Status.Unimplemented);
  return sameName(key, ":status") ? String(exchange.responseStatus) : first(exchange.responseHeaders);
}

/**
 * @param {Exchange} exchange
 * @param {string} name
 */
function pseudo(exchange, name) {
  switch (name.toLowerCase()) {
    case ":scheme":
      return exchange.scheme;
    case ":path":
      return exchange.target;
    case ":method":
      return exchange.method;
    case ":authority": {
      const host = exchange.host();
      if (host === undefined) throw crash("request headers of a request without Host");
      return host;
    }
    default:
      return undefined;
  }
}

/**
 * @param {Guest} guest
 * @param {number} kind
 * @param {string} key
 * @param {string} value
 * @param {boolean} replace
 */
function set(guest, kind, key, value, replace) {
  if (kind !== REQUEST && kind !== RESPONSE) throw new Stop(Status.Unimplemented);
  try {
    (kind === REQUEST ? setRequest : setResponse)(guest.exchange(), key, value, replace);
  } catch (stop) {
    guest.error(`failed to set header ${key}`);
    throw stop;
  }
}

/**
 * Sets a request header. The host lets `:path` and `:method` be set, takes `:authority` for the method, and a `:scheme`
 * for an ordinary header.
 *
 * @param {Exchange} exchange
 * @param {string} key
 * @param {string} value
 * @param {boolean} replace
 */
function setRequest(exchange, key, value, replace) {
  if (key.startsWith(":") && value === "") throw new Stop(Status.BadArgument);
  switch (key.toLowerCase()) {
    case ":path":
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) throw new Stop(Status.BadArgument);
      exchange.rewrittenPath = decoded(value);
      return;
    case ":method":
    case ":authority":
      if (!/^[A-Za-z]+$/.test(value)) throw new Stop(Status.BadArgument);
      exchange.method = value;
      return;
    default:
      exchange.setRequestHeader(key, value, replace);
  }
}

/**
 * Adds, replaces or removes a response header; `:status` sets the status.
 *
 * @param {Exchange} exchange
 * @param {string} key
 * @param {string} value
 * @param {boolean} replace
 */
export function setResponse(exchange, key, value, replace) {
  if (!sameName(key, ":status")) {
    exchange.setResponseHeader(key, value, replace);
    return;
  }
  if (!/^\+?[0-9]+$/.test(value) || Number(value) > 65535) throw new Stop(Status.BadArgument);
  exchange.responseStatus = Number(value);
}
