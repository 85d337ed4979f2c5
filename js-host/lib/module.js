// Loading: what the engine accepts, and the import section against the host's table.
import wabt from "wabt";
import { LoadError } from "./errors.js";
import { importsOf } from "./imports.js";
import { Instance } from "./instance.js";
import { HOST_FUNCTIONS, IMPORT_MODULE } from "./table.js";

/** @import { Config } from "../index.js" */

/** The features of wasmtime 0.38. Node accepts more, so that it cannot judge. */
const FEATURES = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  exceptions: false,
  threads: false,
  function_references: false,
  tail_call: false,
  gc: false,
  memory64: false,
  multi_memory: false,
  extended_const: false,
  relaxed_simd: false,
};

export class Module {
  #wasm;
  #config;

  /**
   * @param {WebAssembly.Module} wasm
   * @param {Config} config
   */
  constructor(wasm, config) {
    this.#wasm = wasm;
    this.#config = config;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Config} [config]
   */
  static async load(bytes, config = {}) {
    const wasm = await validate(bytes);
    const problems = importsOf(bytes).flatMap((found) => problem(found) ?? []);
    if (problems.length > 0) {
      const message = `imports that APISIX's host does not define: ${problems.join("; ")}`;
      throw new LoadError("imports", message, { problems });
    }
    if (!WebAssembly.Module.exports(wasm).some(({ name, kind }) => name === "memory" && kind === "memory")) {
      throw new LoadError("no-memory", 'the module does not export its memory as "memory"');
    }
    return new Module(wasm, config);
  }

  /** @param {string} pluginName */
  instantiate(pluginName) {
    return new Instance(this.#wasm, pluginName, this.#config);
  }
}

/** @param {Uint8Array} bytes */
async function validate(bytes) {
  try {
    const read = (await wabt()).readWasm(bytes, { readDebugNames: false, ...FEATURES });
    try {
      read.validate();
    } finally {
      read.destroy();
    }
    // A copy, since shared memory would not do.
    return await WebAssembly.compile(Uint8Array.from(bytes));
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new LoadError("invalid", `not a module that APISIX's host accepts: ${cause.message}`, { cause });
  }
}

/**
 * What is wrong with an import, if anything.
 *
 * @param {import("./imports.js").Import} found
 */
function problem({ module, name, type }) {
  const full = `${module}.${name}`;
  if (module.startsWith("wasi_")) return `${full}: WASI is not linked here; build for wasm32-unknown-unknown`;
  const known = module === IMPORT_MODULE ? HOST_FUNCTIONS.find((entry) => entry.name === name) : undefined;
  if (known === undefined || type === undefined) return `${full} does not exist`;
  const [ours, theirs] = [describe(known.parameters, ["i32"]), describe(type.parameters, type.results)];
  return ours === theirs ? undefined : `${full} is ${theirs} in the module, but ${ours} in the host`;
}

/**
 * @param {readonly string[]} parameters
 * @param {readonly string[]} results
 */
function describe(parameters, results) {
  return `(${parameters.join(", ")}) -> (${results.join(", ")})`;
}
