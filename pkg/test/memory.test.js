// Calls leave nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { initSync } from "../dist/amesh.js";
import { AmeshError, Translator, translate } from "../node.js";
import { bootstrap } from "./support.js";

// Loaded already: this only returns the exports.
const { memory } = /** @type {{ memory: WebAssembly.Memory }} */ (initSync(/** @type {any} */ (undefined)));
const input = JSON.stringify(bootstrap());

/**
 * The size of the module's memory after the first tenth of the calls, and after all.
 *
 * @param {number} calls
 * @param {(call: number) => void} run
 */
function sizes(calls, run) {
  let early = 0;
  for (let call = 0; call < calls; call += 1) {
    run(call);
    if (call === calls / 10) early = memory.buffer.byteLength;
  }
  return [early, memory.buffer.byteLength];
}

test("10,000 translations need no more memory than 1,000", () => {
  const [early, late] = sizes(10_000, () => translate(input));
  assert.equal(late, early);
});

test("nor do 10,000 failures", () => {
  const [early, late] = sizes(10_000, (call) => {
    assert.throws(() => translate(call % 2 === 0 ? "{" : "a: ["), AmeshError);
  });
  assert.equal(late, early);
});

test("nor do 10,000 translators", () => {
  const message = new Uint8Array(10_000).fill(7);
  const [early, late] = sizes(10_000, () => {
    const translator = new Translator();
    translator.ingest(message);
    translator.free();
  });
  assert.equal(late, early);
});
