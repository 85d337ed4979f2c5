// The functions are those of the Rust host, which is held against a running APISIX.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HOST_FUNCTIONS, IMPORT_MODULE } from "../index.js";

/** The table of src/host/table.rs: `run("name", 4, ..)`, `refuse("name", 5)`, `ignore("name", i32s(1) or I32_I64)`. */
function rust() {
  const source = readFileSync(new URL("../../src/host/table.rs", import.meta.url), "utf8");
  const table = source.slice(source.indexOf("pub const HOST_FUNCTIONS"));
  const entry = /^ {4}(run|refuse|ignore)\("(\w+)", (?:(?:i32s\()?(\d+)\)?|(I32_I64))/gm;
  const behaviours = { run: "implemented", refuse: "unimplemented", ignore: "ignored" };
  return [...table.matchAll(entry)].map(([, made, name, count]) => ({
    name,
    parameters: count === undefined ? ["i32", "i64"] : Array(Number(count)).fill("i32"),
    behaviour: behaviours[/** @type {keyof behaviours} */ (made)],
  }));
}

test("the same functions, types and behaviours as the Rust host", () => {
  const shown = HOST_FUNCTIONS.map(({ name, parameters, behaviour }) => ({ name, parameters, behaviour }));
  assert.equal(IMPORT_MODULE, "env");
  assert.equal(rust().length, 41, "the table of the Rust host is read as a whole");
  assert.deepEqual(shown, rust());
});

test("there is no clock, no timer, no shared data, and bodies cannot be written", () => {
  const missing = HOST_FUNCTIONS.filter(({ behaviour }) => behaviour === "unimplemented").map(({ name }) => name);
  for (const name of [
    "get_current_time_nanoseconds",
    "set_tick_period_milliseconds",
    "get_shared_data",
    "set_buffer_bytes",
    "set_header_map_pairs",
    "call_foreign_function",
    "done",
  ]) {
    assert.ok(missing.includes(`proxy_${name}`), name);
  }
});
