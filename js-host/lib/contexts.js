// Numbers of plugin and HTTP contexts, given out and reused in the host's order, and the end of contexts.

/** A plugin context: its open requests, and the numbers that ended ones have left. */
class Plugin {
  open = 0;
  released = false;
  /** @type {number[]} */
  free = [];

  /**
   * @param {number} id
   * @param {Uint8Array} configuration
   */
  constructor(id, configuration) {
    this.id = id;
    this.configuration = configuration;
  }
}
/** @typedef {Plugin} PluginEntry */

export class Contexts {
  #vm;
  #last = 0;
  /** @type {number[]} */
  #free = [];

  /** @param {import("./vm.js").Vm} vm */
  constructor(vm) {
    this.#vm = vm;
  }

  /**
   * A new plugin context; it takes the longest unused number, else a new one.
   *
   * @param {Uint8Array} configuration
   */
  add(configuration) {
    return new Plugin(this.#free.shift() ?? this.#next(), configuration);
  }

  /**
   * The plugin context ends, at once or with its last request.
   *
   * @param {Plugin} plugin
   */
  release(plugin) {
    plugin.released = true;
    if (plugin.open > 0) return;
    this.#free.push(plugin.id);
    this.#vm.end(plugin.id);
  }

  /**
   * The number of a new HTTP context below a plugin context.
   *
   * @param {Plugin} plugin
   */
  open(plugin) {
    plugin.open += 1;
    return plugin.free.shift() ?? this.#next();
  }

  /**
   * An HTTP context ends, and its plugin context too if that was waiting for it.
   *
   * @param {Plugin} plugin
   * @param {number} id
   */
  close(plugin, id) {
    plugin.open -= 1;
    plugin.free.push(id);
    if (this.#vm.isUnusable) return;
    this.#vm.end(id);
    if (plugin.released) this.release(plugin);
  }

  #next() {
    this.#last = (this.#last + 1) >>> 0;
    return this.#last;
  }
}
