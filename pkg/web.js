// For browsers, and for bundlers that follow `new URL(..., import.meta.url)`: the module is fetched by init().
import load, * as raw from "./dist/amesh.js";
import { AmeshError } from "./lib/error.js";
import { attach } from "./lib/raw.js";

export * from "./lib/api.js";

/** @type {Promise<void> | undefined} */
let loading;

/** @type {typeof import("./index.d.ts").init} */
export function init(source) {
  loading ??= start(source).catch((cause) => {
    loading = undefined;
    const message = `the module cannot be loaded: ${cause instanceof Error ? cause.message : cause}`;
    throw new AmeshError({ code: "load-failed", kind: "internal", message }, { cause });
  });
  return loading;
}

/** @param {import("./index.d.ts").WasmSource} [source] */
async function start(source) {
  await load(source === undefined ? undefined : { module_or_path: source });
  attach(raw);
}
