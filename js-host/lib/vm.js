// A module's memory and code at work: calls of its exports, and the failure that ends it.
import { HostError, LoadError } from "./errors.js";
import { Guest, State } from "./guest.js";
import { imports } from "./table.js";

/** @import { Scope } from "./guest.js" */

/** Exports that tell which header callbacks the module has. */
const FIRST_ABI = "proxy_abi_version_0_1_0";
const LATER_ABIS = ["proxy_abi_version_0_2_0", "proxy_abi_version_0_2_1"];

export class Vm {
  #guest;
  /** @type {HostError | undefined} */
  #failure;

  /**
   * @param {WebAssembly.Module} wasm
   * @param {string} pluginName
   * @param {import("../index.js").Config} config
   */
  constructor(wasm, pluginName, config) {
    this.#guest = new Guest(new State(pluginName, config));
    try {
      this.#guest.exports = new WebAssembly.Instance(wasm, imports(this.#guest)).exports;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new LoadError("instantiation", `the module cannot be instantiated: ${message}`, { cause });
    }
    const has = (/** @type {string} */ name) => Object.hasOwn(this.#guest.exports, name);
    /** Whether header callbacks have two arguments. */
    this.isFirstAbi = has(FIRST_ABI) && !LATER_ABIS.some(has);
    try {
      this.call(has("_start") ? "_start" : "_initialize", []);
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      throw new LoadError("start", `the module does not start: ${cause.message}`, { cause });
    }
  }

  get state() {
    return this.#guest.state;
  }

  get memorySize() {
    const memory = this.#guest.exports["memory"];
    return memory instanceof WebAssembly.Memory ? memory.buffer.byteLength : 0;
  }

  get isUnusable() {
    return this.#failure !== undefined;
  }

  /** Throws the failure that made this unusable, if any. */
  check() {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Makes this unusable.
   *
   * @param {HostError} failure
   */
  fail(failure) {
    this.#guest.error(failure.message);
    this.#failure ??= failure;
    return this.#failure;
  }

  /**
   * `proxy_on_done` and `proxy_on_delete` of a context. What they answer, and whether they trap, is only logged.
   *
   * @param {number} id
   */
  end(id) {
    if (!this.#succeeds(() => this.call("proxy_on_done", [id], { returns: true }) > 0)) {
      this.#guest.error(`failed to mark context ${id} as done`);
    }
    if (!this.#succeeds(() => this.call("proxy_on_delete", [id]) === 0)) {
      this.#guest.error(`failed to delete context ${id}`);
    }
  }

  /** @param {() => boolean} run */
  #succeeds(run) {
    try {
      return run();
    } catch (error) {
      if (error instanceof HostError) return false;
      throw error;
    }
  }

  /**
   * Calls an export with i32 arguments, where it can reach this scope. One that is missing counts as having returned 0.
   *
   * @param {string} name
   * @param {number[]} values
   * @param {{ scope?: Scope, returns?: boolean }} [options] returns: the callback has a result
   * @returns {number}
   */
  call(name, values, { scope, returns = false } = {}) {
    this.check();
    const run = this.#guest.exports[name];
    if (typeof run !== "function") return 0;
    // The number of an exported function's parameters is all that JavaScript tells of its type.
    if (run.length !== values.length) throw this.#trap(name, "its type is not that of this callback");
    this.state.scope = scope;
    const result = this.#run(name, () => run(...values));
    if (typeof result !== (returns ? "number" : "undefined")) throw this.#trap(name, "returns an unexpected type");
    return result ?? 0;
  }

  /**
   * @param {string} name
   * @param {() => any} run
   */
  #run(name, run) {
    try {
      return run();
    } catch (error) {
      if (error instanceof HostError) throw this.fail(error);
      const failure = this.#trap(name, error instanceof Error ? error.message : String(error), error);
      // A trap is a RuntimeError, an overflowing stack a RangeError. Anything else was thrown by the caller's own code,
      // called from the middle of the module, which cannot go on either.
      throw error instanceof WebAssembly.RuntimeError || error instanceof RangeError ? failure : error;
    } finally {
      this.state.scope = undefined;
    }
  }

  /**
   * @param {string} callback
   * @param {string} message
   * @param {unknown} [cause]
   */
  #trap(callback, message, cause) {
    return this.fail(new HostError("trapped", `${callback} trapped: ${message}`, { callback, cause }));
  }
}
