// One request as nginx holds it while the module works on it.
import { sameName, toByteString, toBytes } from "./bytes.js";
import { crash } from "./errors.js";

/** @import { Header, HttpReply, HttpRequest, UpstreamRequest, Variables } from "../index.js" */

/**
 * An HTTP call that waits to be sent. Without `headers` the module gave no map at all, which nginx does not survive.
 *
 * @typedef {object} Callout
 * @property {string} upstream
 * @property {Uint8Array | undefined} headers
 * @property {Uint8Array} body
 * @property {number} timeout
 * @property {number} token
 */

/**
 * The reply of the request's last HTTP call: headers in lower case, `:status` last. After its callback (`live` is
 * false) nginx holds pointers to freed memory.
 *
 * @typedef {{ headers: Header[], body: Uint8Array, live: boolean }} Reply
 */

/** Headers of which nginx keeps one: adding replaces. */
const SINGLE_RESPONSE_HEADERS =
  "content-type content-length content-encoding server date location last-modified etag".split(" ");

export class Exchange {
  /** A response is being sent: the module cannot hold up the request any more. */
  responding = false;
  /** The module's `:path`; what it reads back is still the original target. @type {string | undefined} */
  rewrittenPath;
  /** 0 until a response exists. */
  responseStatus = 0;
  /** @type {Header[]} */
  responseHeaders = [];
  /** Variables that the module set: byte strings. @type {Map<string, string>} */
  assigned = new Map();
  /** @type {Callout | undefined} */
  callout;
  /** Undefined before any call, and after one that failed. @type {Reply | undefined} */
  #reply;

  /**
   * @param {HttpRequest} request
   * @param {Variables} variables
   */
  constructor(request, variables) {
    this.method = request.method ?? "GET";
    this.scheme = request.scheme ?? "http";
    this.target = request.target ?? "/";
    /** @type {Header[]} */
    this.headers = [...(request.headers ?? [["host", "localhost"]])];
    this.body = toBytes(request.body);
    this.variable = typeof variables === "function" ? variables : lookup(variables);
    this.#neutraliseForwarded();
  }

  /** The Host header, a byte string. */
  host() {
    return this.headers.find(([name]) => sameName(name, "host"))?.[1];
  }

  /**
   * Begins the callback of an HTTP call: the number of headers and the size of the body that it announces.
   *
   * @param {HttpReply | undefined} reply
   */
  receive(reply) {
    this.#reply = undefined;
    if (reply === undefined) return { headers: 0, body: 0 };
    /** @type {Header[]} */
    const headers = (reply.headers ?? []).map(([name, value]) => [name.toLowerCase(), value]);
    headers.push([":status", String(reply.status)]);
    this.#reply = { headers, body: toBytes(reply.body), live: true };
    return { headers: headers.length, body: this.#reply.body.length };
  }

  /** Ends the callback of an HTTP call. */
  endReply() {
    if (this.#reply !== undefined) this.#reply.live = false;
  }

  /**
   * What the module can read of the last reply.
   *
   * @param {boolean} strict
   */
  reply(strict) {
    if (strict && this.#reply?.live === false) throw crash("reply of an HTTP call read after its callback");
    return this.#reply;
  }

  /**
   * Takes the value of a variable that asks for a body callback; true if it was not empty.
   *
   * @param {string} variable
   */
  takeFlag(variable) {
    const value = this.assigned.get(variable);
    this.assigned.delete(variable);
    return value !== undefined && value !== "";
  }

  /**
   * Sets, adds to or (with an empty value) removes a response header.
   *
   * @param {string} name
   * @param {string} value
   * @param {boolean} replace
   */
  setResponseHeader(name, value, replace) {
    const single = SINGLE_RESPONSE_HEADERS.includes(name.toLowerCase());
    this.responseHeaders = changed(this.responseHeaders, name, value, replace || single);
  }

  /**
   * Sets, adds to or (with an empty value) removes a request header.
   *
   * @param {string} name
   * @param {string} value
   * @param {boolean} replace
   */
  setRequestHeader(name, value, replace) {
    this.headers = changed(this.headers, name, value, replace || sameName(name, "host"));
  }

  /** @returns {UpstreamRequest} */
  toUpstream() {
    const { method, headers, responseHeaders } = this;
    const target = this.rewrittenPath === undefined ? this.target : escapePath(this.rewrittenPath);
    return { kind: "upstream", method, target, headers, responseHeaders };
  }

  /** APISIX replaces these headers before any plugin runs, whatever the client sent. */
  #neutraliseForwarded() {
    const host = this.host() ?? "";
    const port = /:([0-9]+)$/.exec(host)?.[1] ?? this.variable("server_port") ?? "";
    this.setRequestHeader("x-forwarded-proto", this.scheme, true);
    this.setRequestHeader("x-forwarded-host", host, true);
    this.setRequestHeader("x-forwarded-port", port, true);
  }
}

/**
 * @param {readonly Header[]} headers
 * @param {string} name
 * @param {string} value
 * @param {boolean} replace
 * @returns {Header[]}
 */
function changed(headers, name, value, replace) {
  const kept = headers.filter(([known]) => !(replace && sameName(known, name)));
  return value === "" ? kept : [...kept, [name, value]];
}

/** @param {Readonly<Record<string, string>>} variables */
function lookup(variables) {
  return (/** @type {string} */ name) => (Object.hasOwn(variables, name) ? variables[name] : undefined);
}

/**
 * nginx escapes a rewritten path before it sends it, the question mark included.
 *
 * @param {string} path
 */
function escapePath(path) {
  const escaped = (/** @type {string} */ one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return toByteString(toBytes(path)).replace(/[\x00- #%?\x7f-\xff]/g, escaped);
}
