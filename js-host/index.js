// Runs proxy-wasm modules as the wasm plugin host of Apache APISIX does; index.d.ts documents it, README.md tells how to
// use it.
export { HostError, LoadError } from "./lib/errors.js";
export { Instance } from "./lib/instance.js";
export { Module } from "./lib/module.js";
export { HOST_FUNCTIONS, IMPORT_MODULE } from "./lib/table.js";
