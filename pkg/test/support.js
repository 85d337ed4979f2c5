// What several tests need.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = fileURLToPath(new URL("../bin/amesh-wasm.js", import.meta.url));

/**
 * A mesh of one listener, one route and one cluster, as a bootstrap.
 *
 * @param {{ path?: string, metadata?: object }} [parts]
 */
export function bootstrap({ path = "/", metadata = {} } = {}) {
  const socket = (/** @type {string} */ address, /** @type {number} */ port) => ({
    socket_address: { address, port_value: port },
  });
  const type = (/** @type {string} */ name) => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${name}` });
  const manager = {
    ...type("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "s",
    route_config: {
      name: "r",
      virtual_hosts: [
        { name: "v", domains: ["*"], routes: [{ match: { prefix: path }, route: { cluster: "c" }, metadata }] },
      ],
    },
    http_filters: [{ name: "router", typed_config: type("http.router.v3.Router") }],
  };
  const listener = {
    name: "l",
    address: socket("0.0.0.0", 80),
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socket("10.0.0.1", 8080) } }] }];
  const cluster = { name: "c", type: "STATIC", load_assignment: { cluster_name: "c", endpoints } };
  return { static_resources: { listeners: [listener], clusters: [cluster] } };
}

/**
 * Runs this package's command.
 *
 * @param {string[]} words
 * @param {{ cwd?: string, input?: string | Uint8Array }} [options]
 */
export function command(words, options = {}) {
  return run(process.execPath, [COMMAND, ...words], options);
}

/** The `amesh` command of the same commit, where it has been built. */
export const NATIVE = process.env["AMESH_BIN"];
export const withoutNative = NATIVE !== undefined && existsSync(NATIVE) ? false : "SKIPPED: AMESH_BIN names no program";

/**
 * Runs the `amesh` command.
 *
 * @param {string[]} words
 * @param {{ cwd?: string, input?: string | Uint8Array }} [options]
 */
export function native(words, options = {}) {
  return run(NATIVE ?? "amesh", words, options);
}

/**
 * @param {string} program
 * @param {string[]} words
 * @param {{ cwd?: string, input?: string | Uint8Array }} options
 */
export function run(program, words, options) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}
