// translate(): files in, the configuration and what there is to say about it out.
import { AmeshError, badArgument } from "./error.js";
import { callForJson } from "./raw.js";

/** @typedef {import("../index.d.ts").InputFile} InputFile */
/** @typedef {import("../index.d.ts").TranslateOptions} TranslateOptions */

const MIB = 1 << 20;
const DEFAULT_MAX_BYTES = 200 * MIB;

/** @type {typeof import("../index.d.ts").translate} */
export function translate(input, options = {}) {
  const json = optionsText(options);
  const files = asFiles(input);
  const contents = files.map((file) => bytesOf(file, options.maxBytes ?? DEFAULT_MAX_BYTES));
  const names = files.map((file) => file.name);
  return callForJson((raw) => raw.translate(names, contents, json));
}

/**
 * @param {object} options
 * @returns {string}
 */
export function optionsText(options) {
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    throw badArgument("options must be an object", "options");
  }
  try {
    return JSON.stringify(options);
  } catch (cause) {
    const message = `options must be plain values: ${cause instanceof Error ? cause.message : cause}`;
    throw new AmeshError({ code: "invalid-option", kind: "usage", message }, { cause });
  }
}

/**
 * @param {Parameters<typeof import("../index.d.ts").translate>[0]} input
 * @returns {readonly InputFile[]}
 */
function asFiles(input) {
  if (typeof input === "string" || input instanceof Uint8Array) return [{ name: "", contents: input }];
  if (Array.isArray(input)) return input.map(checked);
  return [checked(/** @type {InputFile} */ (input))];
}

/** @param {InputFile} file */
function checked(file) {
  if (typeof file?.name !== "string") {
    throw badArgument("input must be text, a Uint8Array, { name, contents }, or an array of these objects", "input");
  }
  return file;
}

const encoder = new TextEncoder();

/**
 * @param {InputFile} file
 * @param {number} maxBytes
 */
function bytesOf({ name, contents }, maxBytes) {
  const bytes = typeof contents === "string" ? encoder.encode(contents) : contents;
  if (!(bytes instanceof Uint8Array)) throw badArgument("contents must be text or a Uint8Array", name);
  if (bytes.length > maxBytes) {
    const message = `is larger than ${maxBytes / MIB} MiB, the limit (maxBytes)`;
    throw new AmeshError({ code: "input-too-large", kind: "input", message, path: name || undefined });
  }
  return bytes;
}
