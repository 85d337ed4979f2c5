// For Node: the module is read from this package's folder when it is imported.
import { readFileSync } from "node:fs";
import * as raw from "./dist/amesh.js";
import { attach } from "./lib/raw.js";

export * from "./lib/api.js";

raw.initSync({ module: readFileSync(new URL("./dist/amesh_bg.wasm", import.meta.url)) });
attach(raw);

/** Nothing is left to do here. */
export async function init() {}
