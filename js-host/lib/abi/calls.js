// HTTP calls to other servers: taking the order, and turning it into a request.
import { decoded, sameName } from "../bytes.js";
import { HostError, crash } from "../errors.js";
import { Status, Stop } from "../guest.js";
import { decode } from "../header-map.js";

/** @import { Header } from "../../index.js" */
/** @import { Callout } from "../exchange.js" */
/** @import { Guest, State } from "../guest.js" */

/**
 * `proxy_http_call`. One call may be outstanding for each request, and only while the request can still be held up.
 * Trailers are ignored.
 *
 * @type {import("../guest.js").Handler}
 */
export const dispatch = (guest, upstream, upstreamSize, map, mapSize, body, bodySize, _, __, timeout, tokenOut) => {
  if (guest.exchange().responding) {
    throw refused(guest, Status.BadArgument, "http call is only supported during processing HTTP request");
  }
  const host = guest.readText(upstream, upstreamSize);
  if (!isUpstream(host)) throw refused(guest, Status.BadArgument, `http call gets invalid host: ${host}`);
  const headers = mapSize > 0 ? guest.read(map, mapSize) : undefined;
  const bytes = bodySize > 0 ? guest.read(body, bodySize) : new Uint8Array();
  const token = guest.state.nextToken;
  register(guest, { upstream: host, headers, body: bytes, timeout, token });
  guest.state.nextToken = (token + 1) >>> 0;
  guest.writeNumber(tokenOut, token);
};

/**
 * @param {Guest} guest
 * @param {Callout} callout
 */
function register(guest, callout) {
  const exchange = guest.exchange();
  if (exchange.callout !== undefined) {
    throw refused(guest, Status.InternalFailure, "multiple calls are not supported");
  }
  if (callout.timeout < 0) throw refused(guest, Status.InternalFailure, `invalid timeout: ${callout.timeout}`);
  exchange.callout = callout;
}

/**
 * @param {Guest} guest
 * @param {number} status
 * @param {string} why
 */
function refused(guest, status, why) {
  guest.error(why);
  return new Stop(status);
}

/**
 * `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; names are not resolved here.
 *
 * @param {string} text
 */
function isUpstream(text) {
  if (text.startsWith("unix:")) return true;
  const parts = /^(?:\[[^/?\]]+\]|[^/?:[][^/?:]*)(?::(?<port>[0-9]+))?$/.exec(text);
  const port = Number(parts?.groups?.["port"] ?? 1);
  return parts !== null && port > 0 && port < 65536;
}

/**
 * Makes the request of a call, in the way of the host: pseudo headers that are missing keep the value of the worker's
 * previous call.
 *
 * @param {State} state
 * @param {Callout} callout
 * @returns {import("../../index.js").HttpCall}
 */
export function order(state, { upstream, headers, body, timeout }) {
  if (headers === undefined) throw crash("HTTP call without a header map");
  const map = decode(headers);
  const method = inherit(state, map, "method");
  const scheme = inherit(state, map, "scheme");
  const path = inherit(state, map, "path");
  return {
    upstream,
    method: method || "GET",
    scheme: scheme || "http",
    path: path === "" || path.startsWith("/") ? path : `/${path}`,
    headers: map.flatMap(ordinary),
    body,
    timeout: timeout > 0 ? timeout : undefined,
  };
}

/**
 * @param {Header} header
 * @returns {Header[]}
 */
function ordinary([name, value]) {
  if (["", ":method", ":scheme", ":path"].includes(name.toLowerCase())) return [];
  return [[sameName(name, ":authority") ? "host" : name, value]];
}

/**
 * @param {State} state
 * @param {readonly Header[]} map
 * @param {"method" | "scheme" | "path"} name
 */
function inherit(state, map, name) {
  const given = map.findLast(([known]) => sameName(known, `:${name}`))?.[1];
  if (given !== undefined) state.previousCall[name] = decoded(given);
  else if (state.strict) {
    const message = `HTTP call without :${name}: the previous call's value would be used`;
    throw new HostError("missing-pseudo-header", message);
  }
  return state.previousCall[name] ?? "";
}
