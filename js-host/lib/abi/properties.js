// Properties, which are nginx variables of one name only, and the log.
import { fromByteString, sameName, toByteString, toBytes } from "../bytes.js";
import { crash } from "../errors.js";
import { Status, Stop } from "../guest.js";

/** @import { Exchange } from "../exchange.js" */
/** @import { Handler } from "../guest.js" */

/** Variables that APISIX's nginx configuration lets a module set and that matter to it. */
const WRITABLE = [
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

/** `proxy_get_property`. @type {Handler} */
export const get = (guest, path, pathSize, addressOut, sizeOut) => {
  const name = guest.readText(path, pathSize);
  if (name === "plugin_root_id") {
    if (guest.state.scope === undefined) throw crash("property plugin_root_id outside of a context");
    guest.give(toBytes(guest.state.pluginName), addressOut, sizeOut);
    return;
  }
  const value = variable(guest.exchange(), name.toLowerCase());
  if (value === undefined) throw new Stop(Status.NotFound);
  guest.give(fromByteString(value), addressOut, sizeOut);
};

/** `proxy_set_property`. @type {Handler} */
export const set = (guest, path, pathSize, value, valueSize) => {
  const exchange = guest.exchange();
  const name = guest.readText(path, pathSize).toLowerCase();
  const bytes = guest.readByteString(value, valueSize);
  if (WRITABLE.includes(name)) {
    exchange.assigned.set(name, bytes);
    return;
  }
  guest.error(`variable "${name}" is not changeable or not found for writing`);
  throw new Stop(variable(exchange, name) === undefined ? Status.NotFound : Status.InternalFailure);
};

/** @type {readonly import("../../index.js").LogLevel[]} */
const LEVELS = ["debug", "debug", "info", "warn", "error", "emerg"];

/** `proxy_log`. @type {Handler} */
export const log = (guest, level, address, size) => {
  guest.state.log(LEVELS[level] ?? "error", guest.readText(address, size));
};

/**
 * A variable of the request, a byte string: what the module set, what follows from the request, what the environment
 * knows.
 *
 * @param {Exchange} exchange
 * @param {string} name
 * @returns {string | undefined}
 */
function variable(exchange, name) {
  const assigned = exchange.assigned.get(name);
  if (assigned !== undefined) return assigned;
  const question = exchange.target.indexOf("?");
  const query = question < 0 ? undefined : exchange.target.slice(question + 1);
  switch (name) {
    case "request_uri":
      return exchange.target;
    case "uri":
      return percentDecoded(question < 0 ? exchange.target : exchange.target.slice(0, question));
    case "args":
    case "query_string":
      return query;
    case "request_method":
      return exchange.method;
    case "scheme":
      return exchange.scheme;
    case "host":
      return exchange
        .host()
        ?.replace(/:[0-9]*$/, "")
        .toLowerCase();
    case "content_length":
    case "content_type":
      return header(exchange, name.replace("_", "-"));
    case "wasm_process_req_body":
    case "wasm_process_resp_body":
      return "";
    default:
      return prefixed(exchange, name, query) ?? given(exchange, name);
  }
}

/**
 * @param {Exchange} exchange
 * @param {string} name
 */
function given(exchange, name) {
  const value = exchange.variable(name);
  return value === undefined ? undefined : toByteString(toBytes(value));
}

/**
 * @param {Exchange} exchange
 * @param {string} name
 * @param {string | undefined} query
 */
function prefixed(exchange, name, query) {
  if (name.startsWith("http_")) return header(exchange, name.slice(5).replaceAll("_", "-"));
  if (name.startsWith("arg_")) return pairs(query ?? "", "&").find(([key]) => sameName(key, name.slice(4)))?.[1];
  if (!name.startsWith("cookie_")) return undefined;
  return pairs(header(exchange, "cookie") ?? "", ";").findLast(([key]) => sameName(key, name.slice(7)))?.[1];
}

/**
 * All lines of a header, joined as nginx does.
 *
 * @param {Exchange} exchange
 * @param {string} name
 */
function header(exchange, name) {
  const lines = exchange.headers.filter(([known]) => sameName(known.replaceAll("_", "-"), name));
  return lines.length === 0 ? undefined : lines.map(([, value]) => value).join(", ");
}

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string][]}
 */
function pairs(text, separator) {
  return text.split(separator).flatMap((pair) => {
    const trimmed = pair.trimStart();
    const equals = trimmed.indexOf("=");
    return equals < 0 ? [] : [[trimmed.slice(0, equals), trimmed.slice(equals + 1)]];
  });
}

/** @param {string} text */
function percentDecoded(text) {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, /** @type {string} */ hex) => String.fromCharCode(parseInt(hex, 16)));
}
