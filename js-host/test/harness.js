// Builds modules from text and runs requests on them.
//
// Text of a module may contain `@"text"` where an address and a size are due, and `@map"name=value|..."` for a
// serialised header map. `$note` logs a number, `$tell` the bytes that a host function returned through the slots
// `(i32.const 8)` (address) and `(i32.const 12)` (size), or its status if that is not 0.
import assert from "node:assert/strict";
import createWabt from "wabt";
import { HOST_FUNCTIONS, HostError, Module } from "../index.js";
import { encode } from "../lib/header-map.js";

/** @import { Config, Header, HttpCaller, HttpRequest } from "../index.js" */

const wabt = await createWabt();

const PRELUDE = `
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get 0))))
  (func $note (param $n i32)
    (i32.store8 (i32.const 0) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
    (i32.store8 (i32.const 1) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (drop (call $proxy_log (i32.const 3) (i32.const 0) (i32.const 2))))
  (func $tell (param $status i32)
    (if (local.get $status)
      (then (call $note (local.get $status)))
      (else (drop (call $proxy_log (i32.const 3) (i32.load (i32.const 8)) (i32.load (i32.const 12)))))))`;

const CONFIGURE = `(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))`;

/** Where a host function puts what it hands out. */
export const OUT = "(i32.const 8) (i32.const 12)";

/** @param {number} value */
export const i32 = (value) => `(i32.const ${value})`;

/**
 * A module from its text, whatever features it uses.
 *
 * @param {string} text
 */
export function assemble(text) {
  const all = Object.fromEntries(
    ["exceptions", "threads", "tail_call", "memory64", "multi_memory", "extended_const", "relaxed_simd"].map((name) => [
      name,
      true,
    ]),
  );
  const module = wabt.parseWat("module.wat", text, all);
  try {
    return module.toBinary({}).buffer.slice();
  } finally {
    module.destroy();
  }
}

/** @param {import("../index.js").HostFunction} entry */
export function imported({ name, parameters }) {
  return `(import "env" "${name}" (func $${name} (param ${parameters.join(" ")}) (result i32)))`;
}

/**
 * A module with all host functions, a memory, an allocator, and this text.
 *
 * @param {string} text
 */
export function pluginWithoutConfigure(text) {
  let [data, address] = ["", 4096];
  const code = text.replace(
    /@(map)?"([^"]*)"/g,
    (_, /** @type {string | undefined} */ isMap, /** @type {string} */ literal) => {
      const bytes = isMap === undefined ? Buffer.from(literal) : map(literal);
      const escaped = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
      data += `(data (i32.const ${address}) "${escaped}")\n`;
      const place = `${i32(address)} ${i32(bytes.length)}`;
      address += bytes.length;
      return place;
    },
  );
  return assemble(`(module ${HOST_FUNCTIONS.map(imported).join("\n")} ${PRELUDE} ${data} ${code})`);
}

/** @param {string} literal */
function map(literal) {
  const pairs = literal.matchAll(/([^=|]*)=([^|]*)/g);
  return encode(Array.from(pairs, ([, name = "", value = ""]) => [name, Buffer.from(value).toString("latin1")]));
}

/**
 * The same with a `proxy_on_configure` that agrees.
 *
 * @param {string} text
 */
export function plugin(text) {
  return pluginWithoutConfigure(`${CONFIGURE} ${text}`);
}

/**
 * A plugin whose request headers callback is this text; it leaves the action on the stack.
 *
 * @param {string} text
 */
export function onRequest(text) {
  return plugin(`(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${text})`);
}

/** @type {Record<string, string>} */
export const VARIABLES = { remote_addr: "127.0.0.1", server_port: "9080", pid: "77" };

/** A running plugin and what it logged; lines that are not of level warn have their level before them. */
export class Bench {
  /** @type {string[]} */
  #log = [];
  /** @type {import("../index.js").Instance} */
  instance;
  /** Undefined where the configuration was refused. @type {import("../index.js").PluginContext | undefined} */
  context;

  /**
   * @param {Uint8Array} bytes
   * @param {Config} [config]
   */
  static async start(bytes, config = {}) {
    /** @type {string[]} */
    const log = [];
    const write = (/** @type {string} */ level, /** @type {string} */ line) => {
      log.push(level === "warn" ? line : `${level}: ${line}`);
    };
    const module = await Module.load(bytes, { log: write, ...config });
    return new Bench(module.instantiate("amesh"), log);
  }

  /**
   * @param {import("../index.js").Instance} instance
   * @param {string[]} log
   */
  constructor(instance, log) {
    this.instance = instance;
    this.#log = log;
    try {
      this.context = instance.configure("{}");
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }

  configured() {
    assert.ok(this.context);
    return this.context;
  }

  /** The lines since the last look. */
  log() {
    return this.#log.splice(0);
  }

  /** The lines of the module itself. */
  said() {
    return this.log().filter((line) => !/^(error|emerg): /.test(line));
  }

  /**
   * @param {HttpRequest} [request]
   * @param {HttpCaller} [http]
   */
  send(request = GET, http = () => undefined) {
    return this.instance.handle(this.configured(), request, { http, variables: VARIABLES });
  }

  async local() {
    const response = await this.send();
    assert.ok(response.kind === "local");
    return response;
  }

  async upstream() {
    const response = await this.send();
    assert.ok(response.kind === "upstream");
    return response;
  }

  /** What ends the request. */
  async fails(/** @type {HttpRequest} */ request = GET, /** @type {HttpCaller} */ http = () => undefined) {
    /** @type {unknown} */
    const error = await this.send(request, http).then(
      () => undefined,
      (reason) => reason,
    );
    assert.ok(error instanceof HostError, String(error));
    return error;
  }
}

/**
 * What a plugin says while it handles one request that ends well.
 *
 * @param {Uint8Array} module
 * @param {HttpRequest} [request]
 * @param {HttpCaller} [http]
 */
export async function said(module, request, http) {
  const bench = await Bench.start(module);
  await bench.send(request, http);
  return bench.said();
}

/** @type {HttpRequest & { headers: readonly Header[] }} */
export const GET = {
  target: "/a%2Fb?x=1",
  headers: [
    ["host", "Example.com:9080"],
    ["X-Mixed", "Case"],
  ],
};

/**
 * The text that sends a local response.
 *
 * @param {number} status
 * @param {string} [headers]
 * @param {string} [body] absent or empty: no body at all
 */
export function answer(status, headers = "", body = "") {
  const place = body === "" ? "(i32.const 0) (i32.const 0)" : `@"${body}"`;
  const values = `${i32(status)} (i32.const 0) (i32.const 0) ${place} @map"${headers}" (i32.const -1)`;
  return `(drop (call $proxy_send_local_response ${values}))`;
}

/**
 * The text that dispatches an HTTP call and notes the status.
 *
 * @param {string} upstream
 * @param {string} headers
 * @param {string} [body]
 * @param {number} [timeout]
 */
export function call(upstream, headers, body = "", timeout = 0) {
  const values = `@"${upstream}" @map"${headers}" @"${body}" (i32.const 0) (i32.const 0) ${i32(timeout)} (i32.const 16)`;
  return `(call $note (call $proxy_http_call ${values}))`;
}

/** The headers of a call, complete. */
export const ALL_FOUR = ":method=PUT|:scheme=https|:path=/admin?x=1|:authority=gate|X-Key=1|x-key=2";
