// Host functions that do nothing, those that need a request, and where they write.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOST_FUNCTIONS } from "../index.js";
import {
  Bench,
  OUT,
  answer,
  assemble,
  call,
  imported,
  onRequest,
  plugin,
  pluginWithoutConfigure,
  said,
} from "./harness.js";

test("unimplemented functions say so and ignored ones succeed", async () => {
  const rest = HOST_FUNCTIONS.filter(({ behaviour }) => behaviour !== "implemented");
  const calls = rest.map(
    ({ name, parameters }) => `(call $note (call $${name} ${parameters.map((type) => `(${type}.const 0)`).join("")}))`,
  );
  const expected = rest.map(({ behaviour }) => (behaviour === "ignored" ? "00" : "12"));
  assert.deepEqual(await said(onRequest(`${calls.join("")} (i32.const 0)`)), expected);
});

test("request functions fail without a request", async () => {
  const calls = [
    `(call $proxy_get_property @"pid" ${OUT})`,
    '(call $proxy_set_property @"wasm_process_req_body" @"1")',
    `(call $proxy_get_header_map_pairs (i32.const 0) ${OUT})`,
    `(call $proxy_get_header_map_value (i32.const 0) @"host" ${OUT})`,
    '(call $proxy_replace_header_map_value (i32.const 0) @"host" @"x")',
    answer(200).replace("(drop ", "").slice(0, -1),
    call("h:1", "").replace("(call $note ", "").slice(0, -1),
    `(call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 1) ${OUT})`,
  ];
  const text = calls.map((one) => `(call $note ${one})`).join("");
  const configure = `(func (export "proxy_on_configure") (param i32 i32) (result i32) ${text} (i32.const 1))`;
  assert.deepEqual(
    (await Bench.start(pluginWithoutConfigure(configure))).said(),
    calls.map(() => "02"),
  );
  const done = plugin(`(func (export "proxy_on_done") (param i32) (result i32) ${text} (i32.const 1))`);
  assert.deepEqual(
    await said(done),
    calls.map(() => "02"),
  );
});

test("addresses outside of the memory are reported", async () => {
  const bytes = onRequest(`(call $note (call $proxy_log (i32.const 3) (i32.const 131072) (i32.const 1)))
    (call $note (call $proxy_log (i32.const 3) (i32.const -2147483648) (i32.const 4)))
    (call $note (call $proxy_get_property @"pid" (i32.const 8) (i32.const 131070))) (i32.const 0)`);
  assert.deepEqual(await said(bytes), ["06", "06", "06"]);
});

test("malloc stands in for the allocator", async () => {
  const needed = HOST_FUNCTIONS.filter(({ name }) => name === "proxy_get_configuration")
    .map(imported)
    .join("");
  const start = (/** @type {string} */ allocator) =>
    Bench.start(
      assemble(`(module ${needed} (memory (export "memory") 1) ${allocator}
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.eqz (call $proxy_get_configuration ${OUT}))))`),
    );
  const malloc = '(func (export "malloc") (param i32) (result i32) (i32.const 64))';
  const zero = '(func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))';
  assert.ok((await start(malloc)).context);
  assert.ok((await start(zero + malloc)).context);
  const without = await start("");
  assert.equal(without.context, undefined);
  assert.ok(without.log().includes("error: failed to malloc"));
});
