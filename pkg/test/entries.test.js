// The entries for browsers and bundlers, each in a process of its own.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { run } from "./support.js";

const entry = (/** @type {string} */ name) => JSON.stringify(new URL(`../${name}.js`, import.meta.url).href);

/**
 * @param {string} script
 * @param {string[]} flags
 */
function evaluate(script, ...flags) {
  const { code, stdout, stderr } = run(process.execPath, [...flags, "--input-type=module", "--eval", script], {});
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

test("in a browser the module is loaded by init()", () => {
  const bytes = JSON.stringify(new URL("../dist/amesh_bg.wasm", import.meta.url).pathname);
  const script = `
    import { readFileSync } from "node:fs";
    import { init, translate } from ${entry("web")};
    const code = async (run) => { try { return await run() } catch (error) { return error.code } };
    const said = [await code(() => translate("[]")), await code(() => init(new Uint8Array([1])))];
    await Promise.all([init(readFileSync(${bytes})), init()]);
    said.push(translate('{"static_resources": {}}').summary.routes);
    console.log(JSON.stringify(said));`;
  assert.equal(evaluate(script), '["not-initialised","load-failed",0]');
});

test("a bundler loads the module itself", () => {
  const script = `
    import { init, translate } from ${entry("bundler")};
    await init();
    console.log(translate('{"static_resources": {}}').summary.routes);`;
  assert.equal(evaluate(script, "--experimental-wasm-modules", "--no-warnings"), "0");
});

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const withoutRequire = major === 20 && minor < 19 ? "SKIPPED: this Node cannot require ES modules" : false;

/** @param {string} get */
function viaName(get) {
  const script = `${get}; console.log(typeof api.translate, typeof api.init)`;
  const type = get.startsWith("import") ? "module" : "commonjs";
  const cwd = new URL("..", import.meta.url).pathname;
  return run(process.execPath, ["--no-warnings", `--input-type=${type}`, "--eval", script], { cwd });
}

test("the package's name leads to the entry for Node", () => {
  const { stdout, stderr } = viaName('import * as api from "amesh-wasm"');
  assert.equal(stdout, "function function\n", stderr);
});

test("require works too", { skip: withoutRequire }, () => {
  const { stdout, stderr } = viaName('const api = require("amesh-wasm")');
  assert.equal(stdout, "function function\n", stderr);
});

test("the wasm file keeps to its budget", () => {
  const size = gzipSync(readFileSync(new URL("../dist/amesh_bg.wasm", import.meta.url)), { level: 9 }).length;
  assert.ok(size <= 700 * 1024, `${size} bytes after gzip`);
});

test("nothing in the package reaches for the network or evaluates text", () => {
  const files = ["dist/amesh.js", "dist/amesh_bg.js", "web.js", "node.js", "bundler.js"];
  for (const file of files) {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    assert.doesNotMatch(text, /\beval\(|new Function\(|XMLHttpRequest|WebSocket|https?:\/\/(?!github)/, file);
  }
});
