// A running module as its user sees it: plugin contexts and requests.
import { toBytes } from "./bytes.js";
import { Contexts } from "./contexts.js";
import { HostError } from "./errors.js";
import { Exchange } from "./exchange.js";
import { Request } from "./request.js";
import { Vm } from "./vm.js";

/** @import { HttpCaller, HttpReply, HttpRequest, Pending, PluginContext, Step, Variables } from "../index.js" */

const NOTHING = new Uint8Array();

export class Instance {
  #vm;
  #contexts;
  /** @type {Map<PluginContext, import("./contexts.js").PluginEntry>} */
  #plugins = new Map();
  /** @type {Map<Pending, Request>} */
  #waiting = new Map();

  /**
   * @param {WebAssembly.Module} wasm
   * @param {string} pluginName
   * @param {import("../index.js").Config} config
   */
  constructor(wasm, pluginName, config) {
    this.#vm = new Vm(wasm, pluginName, config);
    this.#contexts = new Contexts(this.#vm);
  }

  get memorySize() {
    return this.#vm.memorySize;
  }

  /** @param {string} text */
  configure(text) {
    this.#vm.check();
    if (text === "") throw refused("bad conf");
    const plugin = this.#contexts.add(toBytes(text));
    const { id, configuration } = plugin;
    this.#vm.call("proxy_on_context_create", [id, 0], { scope: { configuration: NOTHING, body: NOTHING } });
    const options = { scope: { configuration, body: NOTHING }, returns: true };
    if (this.#vm.call("proxy_on_configure", [id, configuration.length], options) <= 0) {
      this.#contexts.release(plugin);
      this.#vm.check();
      throw refused("failed to run proxy_on_configure");
    }
    const context = Object.freeze({ id });
    this.#plugins.set(context, plugin);
    return context;
  }

  /** @param {PluginContext} context */
  release(context) {
    const plugin = this.#plugin(context);
    this.#plugins.delete(context);
    this.#contexts.release(plugin);
    this.#vm.check();
  }

  /**
   * @param {PluginContext} context
   * @param {HttpRequest} request
   * @param {{ http?: HttpCaller, variables?: Variables }} [environment]
   */
  async handle(context, request, { http = () => undefined, variables = {} } = {}) {
    let step = this.begin(context, request, variables);
    while (step.response === undefined) step = this.resume(step.pending, await this.#reply(step, http));
    return step.response;
  }

  /**
   * @param {Step & { response?: undefined }} step
   * @param {HttpCaller} http
   */
  async #reply({ pending, call }, http) {
    try {
      return await http(call);
    } catch (error) {
      this.cancel(pending);
      throw error;
    }
  }

  /**
   * @param {PluginContext} context
   * @param {HttpRequest} request
   * @param {Variables} [variables]
   */
  begin(context, request, variables = {}) {
    const plugin = this.#plugin(context);
    const started = new Request(this.#vm, this.#contexts, plugin, new Exchange(request, variables));
    return this.#step(started, started.begin());
  }

  /**
   * @param {Pending} pending
   * @param {HttpReply} [reply]
   */
  resume(pending, reply) {
    const request = this.#take(pending);
    return this.#step(request, request.resume(pending.token, reply));
  }

  /** @param {Pending} pending */
  cancel(pending) {
    this.#take(pending).close();
  }

  /**
   * @param {Request} request
   * @param {ReturnType<Request["begin"]>} outcome
   * @returns {Step}
   */
  #step(request, outcome) {
    if ("response" in outcome) return outcome;
    const pending = Object.freeze({ token: outcome.token });
    this.#waiting.set(pending, request);
    return { pending, call: outcome.call };
  }

  /** @param {PluginContext} context */
  #plugin(context) {
    this.#vm.check();
    const plugin = this.#plugins.get(context);
    if (plugin === undefined) throw unknown(`no plugin context ${context.id}`);
    return plugin;
  }

  /** @param {Pending} pending */
  #take(pending) {
    this.#vm.check();
    const request = this.#waiting.get(pending);
    if (request === undefined) throw unknown(`no request that waits for call ${pending.token}`);
    this.#waiting.delete(pending);
    return request;
  }
}

/** @param {string} why */
function refused(why) {
  return new HostError("configuration", `the configuration was refused: ${why}`);
}

/** @param {string} what */
function unknown(what) {
  return new HostError("unknown-context", what);
}
