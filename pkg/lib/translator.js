// Translator: fed message by message, as from a control plane.
import { AmeshError, badArgument } from "./error.js";
import { optionsText } from "./files.js";
import { call } from "./raw.js";

/** @typedef {import("./raw.js").RawTranslator} RawTranslator */

/** See index.d.ts. */
export class Translator {
  /** @type {RawTranslator | undefined} */
  #raw;

  /** @param {import("../index.d.ts").TranslatorOptions} [options] */
  constructor(options = {}) {
    const json = optionsText(options);
    this.#raw = call((raw) => new raw.Translator(json));
  }

  /** @returns {import("../index.d.ts").Subscription[]} */
  open() {
    return this.#json((raw) => raw.open());
  }

  /**
   * @param {Uint8Array} message
   * @param {import("../index.d.ts").Envelope} [envelope]
   * @returns {import("../index.d.ts").Verdict}
   */
  ingest(message, envelope = {}) {
    if (!(message instanceof Uint8Array)) throw badArgument("message must be a Uint8Array", "message");
    const { variant = "sotw" } = envelope;
    if (variant !== "sotw" && variant !== "delta") throw badArgument('must be "sotw" or "delta"', "variant");
    return this.#json((raw) => raw.ingest(message, variant === "delta"));
  }

  /**
   * @param {string} typeUrl
   * @param {readonly string[]} [names]
   * @returns {import("../index.d.ts").Verdict}
   */
  expire(typeUrl, names = []) {
    return this.#json((raw) => raw.expire(String(typeUrl), Array.from(names, String)));
  }

  /** @returns {import("../index.d.ts").ChangeSet} */
  pending() {
    return this.#json((raw) => raw.pending());
  }

  commit() {
    this.#call((raw) => raw.commit());
  }

  /** @param {string} reason */
  abandon(reason) {
    this.#call((raw) => raw.abandon(String(reason)));
  }

  /** @returns {import("../index.d.ts").ApisixConfig} */
  snapshot() {
    return this.#json((raw) => raw.snapshot());
  }

  /** @returns {import("../index.d.ts").Diagnostic[]} */
  diagnostics() {
    return this.#json((raw) => raw.diagnostics());
  }

  /** @returns {import("../index.d.ts").Wanted[]} */
  outstanding() {
    return this.#json((raw) => raw.outstanding());
  }

  get ready() {
    return this.#call((raw) => raw.ready());
  }

  free() {
    this.#raw?.free();
    this.#raw = undefined;
  }

  /** @param {(raw: RawTranslator) => string} run */
  #json(run) {
    return JSON.parse(this.#call(run));
  }

  /**
   * @template T
   * @param {(raw: RawTranslator) => T} run
   */
  #call(run) {
    const raw = this.#raw;
    if (raw === undefined) {
      throw new AmeshError({ code: "freed", kind: "usage", message: "this translator has been freed" });
    }
    return call(() => run(raw));
  }
}

// In engines without it, nobody can write `using` either.
const dispose = /** @type {{ dispose?: symbol }} */ (Symbol).dispose;
if (dispose !== undefined) {
  Object.defineProperty(Translator.prototype, dispose, { value: Translator.prototype.free });
}
