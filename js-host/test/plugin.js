// The built amesh.wasm on a route of an APISIX worker, and the ingest protocol that it speaks there.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Module } from "../index.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const WASM = process.env["AMESH_WASM"] ?? `${ROOT}/dist/amesh.wasm`;
export const withoutWasm = existsSync(WASM) ? false : "SKIPPED: no amesh.wasm; build it with `make plugin`";

/** @import { Header } from "../index.js" */
/** @typedef {{ kind: "routes" | "upstreams", id: string, value: object }} Upsert */
/** @typedef {{ type_url: string, added: string[], removed: string[] }} Subscription */

/**
 * The answer to a message.
 *
 * @typedef {object} Answer
 * @property {"ack" | "nack"} verdict
 * @property {string} type_url
 * @property {string} version
 * @property {string} nonce
 * @property {string} [error_detail]
 * @property {Subscription[]} subscribe
 * @property {boolean} ready
 * @property {{ mode: string, state: string, retry_after_ms?: number, message?: string }} apply
 * @property {{ upserts: Upsert[], deletes: Pick<Upsert, "kind" | "id">[] }} [changes]
 */

/** 2026-01-01, in milliseconds. */
const START = Date.UTC(2026, 0, 1);

/** @type {Promise<Module> | undefined} */
let module;

/** One worker with one route that carries the plugin. */
export class Worker {
  #sequence = 0;
  /** Lines of the log from warn on. @type {string[]} */
  static log = [];
  /** Answers the plugin's HTTP calls. @type {import("../index.js").HttpCaller} */
  http = () => undefined;
  /** nginx's clock, in milliseconds. */
  now = START;
  remote = "127.0.0.1";

  /** @param {object} [conf] the plugin's configuration */
  static async start(conf = {}) {
    const log = (/** @type {string} */ level, /** @type {string} */ line) => Worker.log.push(`${level}: ${line}`);
    module ??= Module.load(readFileSync(WASM), { log });
    return new Worker((await module).instantiate("amesh"), conf);
  }

  /**
   * @param {import("../index.js").Instance} instance
   * @param {object} conf
   */
  constructor(instance, conf) {
    this.instance = instance;
    this.context = instance.configure(JSON.stringify(conf));
  }

  /**
   * APISIX makes a new plugin context, as at nearly every change of its routes.
   *
   * @param {object} conf
   */
  reconfigure(conf) {
    this.instance.release(this.context);
    this.context = this.instance.configure(JSON.stringify(conf));
  }

  get variables() {
    const digits = String(this.now);
    return { remote_addr: this.remote, msec: `${digits.slice(0, -3)}.${digits.slice(-3)}` };
  }

  /**
   * @param {string} line method and path
   * @param {Record<string, string>} [headers]
   * @param {string | Uint8Array} [body]
   */
  async ask(line, headers = {}, body = "") {
    const [method = "", target = ""] = line.split(" ");
    /** @type {Header[]} */
    const lines = [["host", "localhost"], ...Object.entries(headers)];
    const request = { method, target, headers: lines, body };
    const response = await this.instance.handle(this.context, request, { http: this.http, variables: this.variables });
    assert.ok(response.kind === "local", "the plugin always answers");
    const text = Buffer.from(response.body).toString();
    const type = response.headers.find(([name]) => name === "content-type")?.[1];
    return { status: response.status, type, text, json: type === "application/json" ? read(text) : undefined };
  }

  /**
   * Opens a session.
   *
   * @returns {Promise<{ session: string, apply: object, subscribe: Subscription[] }>}
   */
  async open() {
    this.#sequence = 0;
    return (await this.ask("POST /amesh/v1/session", { "x-amesh-session": "s" })).json;
  }

  /**
   * Sends the session's next message; the answer.
   *
   * @param {Uint8Array} message
   * @returns {Promise<Answer>}
   */
  async stream(message) {
    this.#sequence += 1;
    const headers = { "x-amesh-session": "s", "x-amesh-sequence": String(this.#sequence) };
    const { status, json, text } = await this.ask("POST /amesh/v1/stream", headers, message);
    assert.equal(status, 200, text);
    return json;
  }

  /**
   * The wait for these resources is over.
   *
   * @param {string} type_url
   * @param {string[]} names
   * @returns {Promise<Answer>}
   */
  async expire(type_url, names) {
    const body = JSON.stringify({ type_url, names });
    return (await this.ask("POST /amesh/v1/expire", { "x-amesh-session": "s" }, body)).json;
  }
}

/**
 * A message of Bookinfo as Istio sent it.
 *
 * @param {string} node
 * @param {string} state
 * @param {string} name
 */
export function bookinfo(node, state, name) {
  return readFileSync(`${ROOT}/examples/bookinfo/xds/${node}/${state}/${name}.pb`);
}

/**
 * JSON with its numbers as they are written (10.0) where a change set has them.
 *
 * @param {string} text
 */
function read(text) {
  const plain = JSON.parse(text);
  if (plain.changes === undefined) return plain;
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : `"\\u0001${token}"`,
  );
  return { ...plain, changes: JSON.parse(marked).changes };
}

/** Change sets one after the other make a configuration. */
export class Applied {
  /** @type {Record<Upsert["kind"], Map<string, object>>} */
  #resources = { upstreams: new Map(), routes: new Map() };

  /** @param {Answer} answer */
  apply({ changes }) {
    for (const { kind, id, value } of changes?.upserts ?? []) this.#resources[kind].set(id, value);
    for (const { kind, id } of changes?.deletes ?? []) assert.ok(this.#resources[kind].delete(id), id);
  }

  /** The text that `amesh translate --to json` writes of the same. */
  document() {
    const { upstreams, routes } = this.#resources;
    const sorted = (/** @type {Map<string, object>} */ of) =>
      [...of].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    const text = JSON.stringify({ upstreams: sorted(upstreams), routes: sorted(routes) }, null, 2);
    return `${text.replace(/"\\u0001([^"]*)"/g, "$1")}\n`;
  }
}
