// For bundlers that import wasm as a module (webpack with asyncWebAssembly): the bundler loads it.
import * as wasm from "./dist/amesh_bg.wasm";
import * as raw from "./dist/amesh_bg.js";
import { attach } from "./lib/raw.js";

export * from "./lib/api.js";

raw.__wbg_set_wasm(wasm);
wasm.__wbindgen_start();
attach(raw);

/** Nothing is left to do here. */
export async function init() {}
