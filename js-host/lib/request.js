// The life of one request, in the steps between which nginx serves others.
import { order } from "./abi/calls.js";
import { HostError, crash } from "./errors.js";
import { ERROR_PAGE_TYPE, errorPage } from "./error-page.js";

/** @import { HttpCall, HttpReply, HttpResponse, LocalResponse } from "../index.js" */
/** @import { Callout } from "./exchange.js" */

/** @typedef {{ response: HttpResponse } | { token: number, call: HttpCall }} Outcome */

/** What follows from a callback: an HTTP call, a local response with a status, or nothing. */
/** @typedef {Callout | number | "continue"} Next */

/** Most reply headers that fit the host's buffer beside `:status`. */
const MAX_REPLY_HEADERS = 127;

const NOTHING = new Uint8Array();

export class Request {
  #vm;
  #contexts;
  #plugin;
  #exchange;
  #id;
  /** The headers callback and all its calls are over. */
  #inBody = false;

  /**
   * @param {import("./vm.js").Vm} vm
   * @param {import("./contexts.js").Contexts} contexts
   * @param {import("./contexts.js").PluginEntry} plugin
   * @param {import("./exchange.js").Exchange} exchange
   */
  constructor(vm, contexts, plugin, exchange) {
    this.#vm = vm;
    this.#contexts = contexts;
    this.#plugin = plugin;
    this.#exchange = exchange;
    this.#id = contexts.open(plugin);
  }

  /** @returns {Outcome} */
  begin() {
    this.#run("proxy_on_context_create", [this.#id, this.#plugin.id]);
    return this.#advance("proxy_on_request_headers", this.#headerValues(), { returns: true });
  }

  /**
   * @param {number} token
   * @param {HttpReply | undefined} reply
   * @returns {Outcome}
   */
  resume(token, reply) {
    const count = reply?.headers?.length ?? 0;
    if (this.#vm.state.strict && count > MAX_REPLY_HEADERS) {
      throw this.#vm.fail(crash(`HTTP call reply with ${count} headers: overflows at 128`));
    }
    const { headers, body } = this.#exchange.receive(reply);
    // The plugin context's number, not the request's.
    return this.#advance("proxy_on_http_call_response", [this.#plugin.id, token, headers, body, 0]);
  }

  /** The request is over: its context is done and deleted. */
  close() {
    this.#contexts.close(this.#plugin, this.#id);
  }

  #headerValues() {
    return this.#vm.isFirstAbi ? [this.#id, 0] : [this.#id, 0, 1];
  }

  /**
   * @param {string} callback
   * @param {number[]} values
   * @param {{ body?: Uint8Array, returns?: boolean }} [options]
   */
  #run(callback, values, { body = NOTHING, returns = false } = {}) {
    const scope = { configuration: this.#plugin.configuration, body, exchange: this.#exchange };
    return this.#vm.call(callback, values, { scope, returns });
  }

  /**
   * Runs a callback, and the body callback after it if that is due, until the request has ended or must wait.
   *
   * @param {string} callback
   * @param {number[]} values
   * @param {{ body?: Uint8Array, returns?: boolean }} [options]
   * @returns {Outcome}
   */
  #advance(callback, values, options) {
    const next = this.#closing(() => this.#decide(callback, values, options));
    if (typeof next === "number") return { response: this.#respond(next) };
    if (next !== "continue") return this.#suspend(next);
    if (!this.#inBody && this.#exchange.takeFlag("wasm_process_req_body")) {
      this.#inBody = true;
      const { body } = this.#exchange;
      return this.#advance("proxy_on_request_body", [this.#id, body.length, 1], { body, returns: true });
    }
    this.close();
    return { response: this.#exchange.toUpstream() };
  }

  /**
   * The result; an error ends the request.
   *
   * @template T
   * @param {() => T} run
   */
  #closing(run) {
    try {
      return run();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Runs a callback and reads its outcome in the host's order: a pending call wins over everything, even over a trap.
   *
   * @param {string} callback
   * @param {number[]} values
   * @param {{ body?: Uint8Array, returns?: boolean }} [options]
   * @returns {Next}
   */
  #decide(callback, values, options) {
    let action = 0;
    let trap;
    try {
      action = this.#run(callback, values, options);
    } catch (error) {
      if (!(error instanceof HostError) || error.kind === "would-crash-worker") throw error;
      trap = error;
    }
    this.#exchange.endReply();
    const status = this.#takeCode();
    const { callout } = this.#exchange;
    this.#exchange.callout = undefined;
    if (callout !== undefined) return callout;
    if (trap !== undefined) throw trap;
    return this.#follow(callback, action, status);
  }

  /**
   * @param {string} callback
   * @param {number} action what the callback returned
   * @param {number} status of the local response that it asked for, or 0
   * @returns {number | "continue"}
   */
  #follow(callback, action, status) {
    if (action < 0) throw new HostError("callback-failed", `${callback} failed with ${action}`, { callback });
    if (status >= 100) return status;
    if (action === 0) return "continue";
    if (action >= 100) return action;
    if (action > 1) throw this.#vm.fail(crash(`${callback} returned action ${action}: endless loop`));
    const why =
      status === 0
        ? "without an HTTP call and without a local response"
        : `with a local response of status ${status}, below 100`;
    throw this.#vm.fail(crash(`${callback} returned Pause ${why}`));
  }

  /**
   * @param {Callout} callout
   * @returns {Outcome}
   */
  #suspend(callout) {
    try {
      return { token: callout.token, call: order(this.#vm.state, callout) };
    } catch (error) {
      if (error instanceof HostError && error.kind === "would-crash-worker") throw this.#vm.fail(error);
      this.close();
      throw error;
    }
  }

  /** The code of the local response that a callback asked for. */
  #takeCode() {
    const { local } = this.#vm.state;
    const { code } = local;
    local.code = 0;
    return code;
  }

  /**
   * The end of a request that the module answers: status, headers and body as nginx sends them.
   *
   * @param {number} status
   * @returns {LocalResponse}
   */
  #respond(status) {
    const exchange = this.#exchange;
    const { body, source } = sent(status, this.#vm.state.local.body);
    exchange.responding = true;
    exchange.responseStatus = status;
    const isTyped = exchange.responseHeaders.some(([name]) => name.toLowerCase() === "content-type");
    if (source === "error-page") exchange.setResponseHeader("content-type", ERROR_PAGE_TYPE, true);
    else if (!isTyped) exchange.setResponseHeader("content-type", "text/plain; charset=utf-8", true);
    this.#closing(() => this.#runResponseCallbacks(body));
    this.close();
    const headers = exchange.responseHeaders.filter(([name]) => name.toLowerCase() !== "server");
    return { kind: "local", status: exchange.responseStatus, headers, body, source };
  }

  /**
   * `proxy_on_response_headers`, and if the module asked for it there, `proxy_on_response_body` for the body and once
   * more for its end. What they return, and local responses made there, are ignored.
   *
   * @param {Uint8Array} body
   */
  #runResponseCallbacks(body) {
    this.#run("proxy_on_response_headers", this.#headerValues(), { returns: true });
    this.#takeCode();
    if (!this.#exchange.takeFlag("wasm_process_resp_body")) return;
    const id = this.#id;
    if (body.length > 0) this.#run("proxy_on_response_body", [id, body.length, 0], { body, returns: true });
    this.#run("proxy_on_response_body", [id, 0, 1], { returns: true });
    this.#takeCode();
  }
}

/**
 * What nginx sends for a status and the body that the module gave.
 *
 * @param {number} status
 * @param {Uint8Array} given
 * @returns {Pick<LocalResponse, "body" | "source">}
 */
function sent(status, given) {
  if (status === 204 || status === 304) return { body: NOTHING, source: "module" };
  const page = given.length === 0 ? errorPage(status) : undefined;
  return page === undefined ? { body: given, source: "module" } : { body: page, source: "error-page" };
}
