// A host function's view of the module: memory, allocation, the current request, result status.
import { toByteString, toText } from "./bytes.js";
import { crash } from "./errors.js";

/** The statuses, apart from OK (0), that the host uses. */
export const Status = Object.freeze({
  NotFound: 1,
  BadArgument: 2,
  InvalidMemoryAccess: 6,
  InternalFailure: 10,
  Unimplemented: 12,
});

/** Ends a host function with a status. */
export class Stop {
  /** @param {number} status */
  constructor(status) {
    this.status = status;
  }
}

/**
 * A host function; the values are the module's arguments, i32.
 *
 * @typedef {(guest: Guest, ...values: number[]) => void} Handler
 */

/**
 * What one callback may reach: the configuration of the plugin context; the body that is being processed, empty outside
 * of body callbacks; the request, except while a plugin context is created and configured.
 *
 * @typedef {{ configuration: Uint8Array, body: Uint8Array, exchange?: import("./exchange.js").Exchange }} Scope
 */

const LEVELS = ["debug", "info", "warn", "error", "emerg"];

/** nginx's and the module's globals of a worker. */
export class State {
  /** Undefined while `_start`, `_initialize`, `proxy_on_done` and `proxy_on_delete` run. @type {Scope | undefined} */
  scope;
  /** The last local response asked for; only the code is reset. */
  local = { code: 0, body: new Uint8Array() };
  /** Token of the next HTTP call; counts up from 0 for the life of the worker. */
  nextToken = 0;
  /** Pseudo headers of the previous call. @type {{ method?: string, scheme?: string, path?: string }} */
  previousCall = {};

  /**
   * @param {string} pluginName
   * @param {import("../index.js").Config} config
   */
  constructor(pluginName, { log = () => {}, logLevel = "warn", strict = true }) {
    this.pluginName = pluginName;
    this.strict = strict;
    this.sink = log;
    this.least = LEVELS.indexOf(logLevel);
  }

  /**
   * @param {import("../index.js").LogLevel} level
   * @param {string} line
   */
  log(level, line) {
    if (LEVELS.indexOf(level) >= this.least) this.sink(level, line);
  }
}

export class Guest {
  /** Empty while the start section runs. @type {WebAssembly.Exports} */
  exports = {};

  /** @param {State} state */
  constructor(state) {
    this.state = state;
  }

  /** @param {string} message */
  error(message) {
    this.state.log("error", message);
  }

  /** The current request, or the status that the host gives where there is none. */
  exchange() {
    const exchange = this.state.scope?.exchange;
    if (exchange === undefined) throw new Stop(Status.BadArgument);
    return exchange;
  }

  /** The reply of the request's last HTTP call; undefined if it failed or there was none. */
  reply() {
    return this.exchange().reply(this.state.strict);
  }

  /**
   * A view of memory. The address is checked as the host does: with signed 32-bit sums, so that nothing at or above
   * 2 GiB is reachable.
   *
   * @param {number} address
   * @param {number} size
   */
  #view(address, size) {
    const memory = this.exports["memory"];
    if (!(memory instanceof WebAssembly.Memory)) throw new Stop(Status.InvalidMemoryAccess);
    const end = (address + size) | 0;
    if (end < 0 || end > memory.buffer.byteLength) throw new Stop(Status.InvalidMemoryAccess);
    if (address < 0 || size < 0) {
      throw crash(`memory access at ${address}, ${size} bytes: before the start of the memory`);
    }
    return new Uint8Array(memory.buffer, address, size);
  }

  /**
   * A copy of memory.
   *
   * @param {number} address
   * @param {number} size
   */
  read(address, size) {
    return this.#view(address, size).slice();
  }

  /**
   * @param {number} address
   * @param {number} size
   */
  readText(address, size) {
    return toText(this.#view(address, size));
  }

  /**
   * @param {number} address
   * @param {number} size
   */
  readByteString(address, size) {
    return toByteString(this.#view(address, size));
  }

  /**
   * @param {number} address
   * @param {number} number
   */
  writeNumber(address, number) {
    const { buffer, byteOffset } = this.#view(address, 4);
    new DataView(buffer, byteOffset).setUint32(0, number, true);
  }

  /**
   * Hands bytes to the module: the size is written first, and for no bytes nothing else is.
   *
   * @param {Uint8Array} bytes
   * @param {number} addressOut
   * @param {number} sizeOut
   */
  give(bytes, addressOut, sizeOut) {
    this.writeNumber(sizeOut, bytes.length);
    if (bytes.length === 0) return;
    const address = this.#allocate(bytes.length);
    this.#view(address, bytes.length).set(bytes);
    this.writeNumber(addressOut, address);
  }

  /**
   * Asks the module for memory, by `proxy_on_memory_allocate`, failing that by `malloc`.
   *
   * @param {number} size
   */
  #allocate(size) {
    for (const name of ["proxy_on_memory_allocate", "malloc"]) {
      const allocator = this.exports[name];
      const address = typeof allocator === "function" ? Number(allocator(size)) | 0 : 0;
      if (address !== 0) return address;
    }
    this.error("failed to malloc");
    throw new Stop(Status.InternalFailure);
  }
}
