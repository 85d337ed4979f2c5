// Which modules load.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOST_FUNCTIONS, LoadError, Module } from "../index.js";
import { assemble, imported } from "./harness.js";

const MEMORY = '(memory (export "memory") 1)';

/** @param {string} text */
const load = async (text) => (await Module.load(assemble(text))).instantiate("amesh");

/** @param {Promise<unknown>} loading */
async function refused(loading) {
  /** @type {unknown} */
  const error = await loading.then(
    () => undefined,
    (reason) => reason,
  );
  assert.ok(error instanceof LoadError, String(error));
  return error;
}

test("what is provided can be imported", async () => {
  const { memorySize } = await load(`(module ${HOST_FUNCTIONS.map(imported).join("")} ${MEMORY})`);
  assert.equal(memorySize, 65536);
});

test("every bad import is named", async () => {
  const { kind, problems } = await refused(
    load(`(module
      (import "env" "proxy_log" (func (param i32) (result i32)))
      (import "env" "proxy_get_metric" (func (param i32 i32) (result i32)))
      (import "env" "proxy_no_such" (func))
      (import "other" "proxy_log" (func (param i32 i32 i32) (result i32)))
      (import "env" "table" (table 1 2 funcref))
      (import "env" "global" (global i32))
      (import "env" "pages" (memory 1))
      (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32))))`),
  );
  assert.equal(kind, "imports");
  assert.deepEqual(problems, [
    "env.proxy_log is (i32) -> (i32) in the module, but (i32, i32, i32) -> (i32) in the host",
    "env.proxy_get_metric is (i32, i32) -> (i32) in the module, but (i32, i64) -> (i32) in the host",
    "env.proxy_no_such does not exist",
    "other.proxy_log does not exist",
    "env.table does not exist",
    "env.global does not exist",
    "env.pages does not exist",
    "wasi_snapshot_preview1.clock_time_get: WASI is not linked here; build for wasm32-unknown-unknown",
  ]);
});

test("features of the engine load", async () => {
  for (const text of [
    '(global (export "g") (mut i32) (i32.const 0))',
    "(func (param i32) (result i32) (i32.extend8_s (local.get 0)))",
    "(func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))",
    "(func (result i32 i32) (i32.const 1) (i32.const 2))",
    "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
    "(func (param v128) (result v128) (i32x4.neg (local.get 0)))",
    "(table 1 externref)",
    "(func $start) (start $start)",
    '(func (export "_initialize"))',
    '(func (export "_start")) (func (export "_initialize") unreachable)',
  ]) {
    await load(`(module ${MEMORY} ${text})`);
  }
});

test("features that the engine lacks are refused, though Node has them", async () => {
  for (const text of [
    '(memory (export "memory") 1 1 shared)',
    `${MEMORY} (func (drop (i32.atomic.load (i32.const 0))))`,
    `${MEMORY} (func $f return_call $f)`,
    `${MEMORY} (memory 1)`,
    '(memory (export "memory") i64 1)',
    `${MEMORY} (global i32 (i32.add (i32.const 1) (i32.const 1)))`,
    `${MEMORY} (func (param v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)) drop)`,
    `${MEMORY} (tag (param i32))`,
  ]) {
    assert.equal((await refused(load(`(module ${text})`))).kind, "invalid", text);
  }
});

test("damaged and incomplete modules are refused", async () => {
  const whole = assemble(`(module ${MEMORY} (func (export "f") nop))`);
  for (const bytes of [whole.subarray(0, -3), new Uint8Array(), Buffer.from("not wasm")]) {
    assert.equal((await refused(Module.load(bytes))).kind, "invalid");
  }
  assert.equal((await refused(load("(module (memory 1))"))).kind, "no-memory");
  assert.equal((await refused(load('(module (func (export "memory")))'))).kind, "no-memory");
});

test("a trap at the start refuses the module", async () => {
  const initialize = await refused(load(`(module ${MEMORY} (func (export "_initialize") unreachable))`));
  assert.equal(initialize.kind, "start");
  const start = await refused(load(`(module ${MEMORY} (func $f unreachable) (start $f))`));
  assert.equal(start.kind, "instantiation");
});
