// The plugin makes the same bytes as the native build and the npm package, over all fixtures: each is served by a
// control plane, fetched message by message, and given to amesh.wasm in this host.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { Stream, serve } from "./ads.js";
import { Applied, ROOT, Worker, bookinfo, withoutWasm } from "./plugin.js";

const NATIVE = process.env["AMESH_BIN"] ?? "";
const PACKAGE = new URL("../../pkg/node.js", import.meta.url);
const hasPackage = existsSync(new URL("../../pkg/dist/amesh_bg.wasm", import.meta.url));
const skip = withoutWasm || (existsSync(NATIVE) ? false : "SKIPPED: AMESH_BIN names no program");

/** How long a control plane may take to answer, in milliseconds. */
const PATIENCE = 500;

/**
 * What the native command writes.
 *
 * @param {string[]} files
 * @param {string} cwd
 */
function native(files, cwd) {
  const { stdout, error } = spawnSync(NATIVE, ["translate", "--to", "json", ...files], {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return stdout;
}

test("the messages of Bookinfo, as Istio sent them", { skip }, async () => {
  for (const node of ["gateway", "sidecar"]) {
    const [worker, applied] = [await Worker.start(), new Applied()];
    await worker.open();
    for (const state of ["before", "after"]) {
      for (const name of ["cds", "eds", "lds", "rds"]) applied.apply(await worker.stream(bookinfo(node, state, name)));
      const files = ["cds.pb", "eds.pb", "lds.pb", "rds.pb"];
      const expected = native(files, `${ROOT}/examples/bookinfo/xds/${node}/${state}`);
      assert.ok(expected.length > 1000);
      assert.equal(applied.document(), expected, `${node} ${state}`);
    }
  }
});

/** A fetcher's view of one session: what is wanted and what has come, by type. */
class Fetch {
  #wanted = new Map();
  #come = new Map();
  #applied = new Applied();
  #worker;
  #stream;

  /**
   * @param {Worker} worker
   * @param {Stream} stream
   */
  constructor(worker, stream) {
    this.#worker = worker;
    this.#stream = stream;
  }

  /** Takes what there is; the document that results. */
  async run() {
    this.#subscribe((await this.#worker.open()).subscribe, new Map());
    const seen = new Map();
    for (let answer; ;) {
      const response = await this.#stream.response(PATIENCE);
      if (response === undefined) {
        const missing = this.#missing();
        if (missing === undefined) return this.#applied.document();
        answer = await this.#worker.expire(missing.type, missing.names);
      } else {
        answer = await this.#worker.stream(response.bytes);
        const { type_url: type, version, nonce } = answer;
        seen.set(type, { version, nonce });
        for (const name of response.names) this.#add(this.#come, type, name);
        this.#stream.request(type, this.#wanted.get(type) ?? [], { version, nonce });
      }
      this.#applied.apply(answer);
      this.#subscribe(answer.subscribe, seen);
      if (answer.ready && seen.size > 1) return this.#applied.document();
    }
  }

  /**
   * @param {import("./plugin.js").Subscription[]} changes
   * @param {Map<string, { version: string, nonce: string }>} seen
   */
  #subscribe(changes, seen) {
    for (const { type_url: type, added, removed } of changes) {
      for (const name of added) this.#add(this.#wanted, type, name);
      for (const name of removed) this.#wanted.get(type)?.delete(name);
      this.#stream.request(type, this.#wanted.get(type) ?? [], seen.get(type));
    }
  }

  /** Of one type, the names that were asked for and never came. */
  #missing() {
    for (const [type, wanted] of this.#wanted) {
      const names = [...wanted].filter((name) => !this.#come.get(type)?.has(name));
      for (const name of names) this.#add(this.#come, type, name);
      if (names.length > 0) return { type, names };
    }
    return undefined;
  }

  /**
   * @param {Map<string, Set<string>>} map
   * @param {string} type
   * @param {string} name
   */
  #add(map, type, name) {
    map.set(type, (map.get(type) ?? new Set()).add(name));
  }
}

/** The fixtures: files that make one input, and what a proxy needs besides to ask for all of it. */
function fixtures() {
  const folders = ["src/translator/tests/cases", "src/cli/tests/cases"].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`).map((name) => `${ROOT}/${folder}/${name}`),
  );
  return folders.map((cwd) => {
    const files = readdirSync(cwd)
      .filter((name) => name.startsWith("input."))
      .sort();
    const text = files.map((file) => readFileSync(`${cwd}/${file}`, "utf8")).join("");
    return { cwd, files, listeners: /[lL]istener(?!s: \[\])/.test(text) ? undefined : listenersFor(text) };
  });
}

/**
 * Listeners for the route configurations of a fixture that has none of its own.
 *
 * @param {string} text
 */
function listenersFor(text) {
  // Those of a list in YAML, and each that says its type.
  const [list = ""] = /^routes:\n(?:[^a-z].*\n)*/m.exec(text) ?? [];
  const matches = [
    ...list.matchAll(/^(?:- |  )name: "?([^"\s]+)/gm),
    ...text.matchAll(/RouteConfiguration"?,?\s+"?name"?: "?([^"\s,]+)/g),
  ];
  const names = new Set(matches.map(([, name]) => name));
  const type = (/** @type {string} */ name) => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${name}` });
  const filter = (/** @type {string | undefined} */ name) => ({
    ...type("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "s",
    rds: { route_config_name: name, config_source: { ads: {} } },
    http_filters: [{ name: "router", typed_config: type("http.router.v3.Router") }],
  });
  const listeners = [...names].map((name, index) => ({
    name: `added-${index}`,
    address: { socket_address: { address: "0.0.0.0", port_value: 8000 + index } },
    filter_chains: [{ filters: [{ name: "http", typed_config: filter(name) }] }],
  }));
  return JSON.stringify({ listeners });
}

test("every fixture, through a control plane", { skip }, async () => {
  const all = fixtures();
  assert.ok(all.length >= 40);
  const folder = mkdtempSync(`${tmpdir()}/amesh-`);
  let routes = 0;
  try {
    for (const { cwd, files, listeners } of all) {
      if (listeners !== undefined) writeFileSync(`${folder}/listeners.json`, listeners);
      const given = listeners === undefined ? files : [...files, `${folder}/listeners.json`];
      const expected = native(given, cwd);
      assert.equal(await fetched(given, cwd), expected, cwd);
      routes += expected.split('"uris"').length - 1;
    }
    assert.ok(routes > 300, `they make ${routes} routes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * What the plugin makes of files that a control plane serves.
 *
 * @param {string[]} files
 * @param {string} cwd
 */
async function fetched(files, cwd) {
  const server = await serve(NATIVE, files, cwd);
  const stream = new Stream(server.url);
  try {
    return await new Fetch(await Worker.start(), stream).run();
  } finally {
    stream.close();
    await server.stop();
  }
}

const withoutPackage = hasPackage ? false : "SKIPPED: pkg/dist is not built; run `make js`";

test("and the npm package", { skip: skip || withoutPackage }, async () => {
  const { translate } = await import(PACKAGE.href);
  for (const { cwd, files } of fixtures()) {
    const input = files.map((name) => ({ name, contents: readFileSync(`${cwd}/${name}`) }));
    assert.equal(translate(input, { to: "json" }).document, native(files, cwd), cwd);
  }
});
