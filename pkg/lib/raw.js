// The module that wasm-bindgen made, once it is there, and calls into it.
import { AmeshError } from "./error.js";

/**
 * @typedef {object} RawTranslator
 * @property {() => void} free
 * @property {() => string} open
 * @property {(message: Uint8Array, delta: boolean) => string} ingest
 * @property {(typeUrl: string, names: string[]) => string} expire
 * @property {() => string} pending
 * @property {() => void} commit
 * @property {(reason: string) => void} abandon
 * @property {() => string} snapshot
 * @property {() => string} diagnostics
 * @property {() => string} outstanding
 * @property {() => boolean} ready
 */

/**
 * @typedef {object} Raw
 * @property {(names: string[], contents: Uint8Array[], options: string) => string} translate
 * @property {() => string} codes
 * @property {new (options: string) => RawTranslator} Translator
 */

/** @type {Raw | undefined} */
let attached;
let trapped = false;

/** @param {Raw} raw */
export function attach(raw) {
  attached = raw;
}

export function isAttached() {
  return attached !== undefined;
}

/**
 * Calls into the module; what it throws becomes an AmeshError.
 *
 * @template T
 * @param {(raw: Raw) => T} run
 * @returns {T}
 */
export function call(run) {
  if (attached === undefined) {
    const message = "the module is not loaded yet: await init() first";
    throw new AmeshError({ code: "not-initialised", kind: "usage", message });
  }
  if (trapped) throw internal("the module has failed before; load the page or the process anew");
  try {
    return run(attached);
  } catch (thrown) {
    throw asError(thrown);
  }
}

/**
 * Members that the input names become own properties, whatever their names: JSON.parse sees to that.
 *
 * @param {(raw: Raw) => string} run
 */
export function callForJson(run) {
  return JSON.parse(call(run));
}

/** @param {unknown} thrown */
function asError(thrown) {
  if (thrown instanceof AmeshError) return thrown;
  if (typeof thrown === "string") return new AmeshError(JSON.parse(thrown));
  if (thrown instanceof WebAssembly.RuntimeError) trapped = true;
  return internal(thrown instanceof Error ? thrown.message : String(thrown), thrown);
}

/**
 * @param {string} message
 * @param {unknown} [cause]
 */
function internal(message, cause) {
  return new AmeshError({ code: "internal", kind: "internal", message }, { cause });
}
