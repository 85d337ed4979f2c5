// The host's functions: the one list that modules are checked against and linked with.
//
// Source: the host API of wasm-nginx-module 0.7.0. Every function is imported from IMPORT_MODULE and returns one i32,
// the status.
import * as buffers from "./abi/buffers.js";
import * as calls from "./abi/calls.js";
import * as headers from "./abi/headers.js";
import * as properties from "./abi/properties.js";
import * as responses from "./abi/responses.js";
import { Status, Stop } from "./guest.js";

/** @import { Guest } from "./guest.js" */

/** Module name of all imports. */
export const IMPORT_MODULE = "env";

/**
 * A function of the public list with what runs it.
 *
 * @typedef {import("../index.js").HostFunction & { readonly handler: import("./guest.js").Handler }} Entry
 */

/** @param {number} count @returns {"i32"[]} */
const i32s = (count) => Array(count).fill("i32");

/** @type {("i32" | "i64")[]} */
const I32_I64 = ["i32", "i64"];

/**
 * @param {string} name
 * @param {number} count
 * @param {Entry["handler"]} handler
 * @returns {Entry}
 */
function run(name, count, handler) {
  return { name, parameters: i32s(count), behaviour: "implemented", handler };
}

/**
 * @param {string} name
 * @param {Entry["parameters"]} parameters
 * @returns {Entry}
 */
function ignore(name, parameters) {
  return { name, parameters, behaviour: "ignored", handler: () => {} };
}

/**
 * @param {string} name
 * @param {number} count
 * @returns {Entry}
 */
function refuse(name, count) {
  const handler = () => {
    throw new Stop(Status.Unimplemented);
  };
  return { name, parameters: i32s(count), behaviour: "unimplemented", handler };
}

/** All that a module may import. `proxy_get_metric` has the host's own signature, not that of the Rust SDK. */
export const HOST_FUNCTIONS = Object.freeze([
  ignore("proxy_set_effective_context", i32s(1)),
  run("proxy_get_property", 4, properties.get),
  run("proxy_set_property", 4, properties.set),
  run("proxy_log", 3, properties.log),
  run("proxy_get_buffer_bytes", 5, buffers.get),
  refuse("proxy_set_buffer_bytes", 5),
  run("proxy_send_local_response", 8, responses.send),
  run("proxy_send_http_response", 8, responses.send),
  refuse("proxy_get_current_time_nanoseconds", 1),
  refuse("proxy_set_tick_period_milliseconds", 1),
  run("proxy_get_configuration", 2, buffers.getConfiguration),
  run("proxy_get_header_map_pairs", 3, headers.getPairs),
  refuse("proxy_set_header_map_pairs", 3),
  run("proxy_get_header_map_value", 5, headers.getValue),
  run("proxy_remove_header_map_value", 3, headers.remove),
  run("proxy_replace_header_map_value", 5, headers.replace),
  run("proxy_add_header_map_value", 5, headers.add),
  refuse("proxy_get_shared_data", 5),
  refuse("proxy_set_shared_data", 5),
  refuse("proxy_register_shared_queue", 3),
  refuse("proxy_resolve_shared_queue", 5),
  refuse("proxy_dequeue_shared_queue", 3),
  refuse("proxy_enqueue_shared_queue", 3),
  ignore("proxy_continue_request", []),
  ignore("proxy_continue_response", []),
  refuse("proxy_clear_route_cache", 0),
  ignore("proxy_continue_stream", i32s(1)),
  ignore("proxy_close_stream", i32s(1)),
  run("proxy_http_call", 10, calls.dispatch),
  refuse("proxy_grpc_call", 12),
  refuse("proxy_grpc_stream", 9),
  refuse("proxy_grpc_send", 4),
  refuse("proxy_grpc_cancel", 1),
  refuse("proxy_grpc_close", 1),
  refuse("proxy_get_status", 3),
  refuse("proxy_done", 0),
  refuse("proxy_call_foreign_function", 6),
  ignore("proxy_define_metric", i32s(4)),
  ignore("proxy_increment_metric", I32_I64),
  ignore("proxy_record_metric", I32_I64),
  ignore("proxy_get_metric", I32_I64),
]);

/**
 * The import object of a module.
 *
 * @param {Guest} guest
 * @returns {WebAssembly.Imports}
 */
export function imports(guest) {
  const functions = HOST_FUNCTIONS.map(({ name, handler }) => [name, statusOf(guest, handler)]);
  return { [IMPORT_MODULE]: Object.fromEntries(functions) };
}

/**
 * @param {Guest} guest
 * @param {Entry["handler"]} handler
 */
function statusOf(guest, handler) {
  return (/** @type {any[]} */ ...values) => {
    try {
      handler(guest, ...values);
      return 0;
    } catch (stop) {
      if (stop instanceof Stop) return stop.status;
      throw stop;
    }
  };
}
