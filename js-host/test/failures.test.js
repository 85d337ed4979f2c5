// Traps, callbacks that fail, and what kills an nginx worker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError, Module } from "../index.js";
import { ALL_FOUR, Bench, GET, OUT, answer, call, onRequest, plugin, pluginWithoutConfigure } from "./harness.js";

/** @import { HttpReply } from "../index.js" */

const ZEROS = "(i32.const 0) (i32.const 0)";
const ASK = '(drop (call $proxy_set_property @"wasm_process_req_body" @"1"))';

test("a trap leaves the instance unusable until the module is instantiated again", async () => {
  const bytes = onRequest("(drop (i32.load (i32.const -8))) (i32.const 0)");
  const bench = await Bench.start(bytes);
  const error = await bench.fails();
  assert.deepEqual([error.kind, error.callback, error.response?.status], ["trapped", "proxy_on_request_headers", 503]);
  assert.match(String(Buffer.from(error.response?.body ?? [])), /^<html>.*503 Service Temporarily Unavailable/s);
  assert.equal(await bench.fails(), error);
  assert.throws(() => bench.instance.configure("{}"), error);
  assert.throws(() => bench.instance.release(bench.configured()), error);
  const reloaded = (await Module.load(bytes)).instantiate("amesh");
  assert.equal(reloaded.configure("{}").id, 1);
});

test("all kinds of traps", async () => {
  for (const text of [
    "unreachable",
    "(i32.div_u (i32.const 1) (i32.const 0))",
    "(call_indirect (result i32) (i32.const 0))",
    "(call $recurse)",
  ]) {
    const bytes = plugin(`(table 1 funcref)
      (func $recurse (result i32) (i32.add (call $recurse) (i32.const 1)))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${text})`);
    assert.equal((await (await Bench.start(bytes)).fails()).kind, "trapped", text);
  }
});

test("a callback of another type counts as a trap", async () => {
  for (const type of ["(param i32) (result i32)", "(param i32 i32 i32)", "(param i32 i32 i32) (result i32 i32)"]) {
    const results = type.split("(result")[1]?.match(/i32/g) ?? [];
    const body = results.map(() => "(i32.const 0)").join("");
    const bench = await Bench.start(plugin(`(func (export "proxy_on_request_headers") ${type} ${body})`));
    assert.equal((await bench.fails()).kind, "trapped", type);
  }
});

test("a negative result fails the request only", async () => {
  const bytes = plugin(`(global $result (mut i32) (i32.const -2))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (global.set $result (i32.add (global.get $result) (i32.const 1))) (global.get $result))`);
  const bench = await Bench.start(bytes);
  const error = await bench.fails();
  assert.deepEqual([error.kind, error.response?.status], ["callback-failed", 503]);
  assert.equal((await bench.send()).kind, "upstream");
});

test("a refused configuration can be tried again", async () => {
  const bytes = pluginWithoutConfigure(`(global $count (mut i32) (i32.const -1))
    (func (export "proxy_on_configure") (param i32 i32) (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))`);
  const { context, instance } = await Bench.start(bytes);
  assert.equal(context, undefined);
  assert.throws(() => instance.configure(""), { kind: "configuration" });
  assert.equal(instance.configure("{}").id, 1);
  const without = await Bench.start(pluginWithoutConfigure(""));
  assert.throws(() => without.instance.configure("{}"), { kind: "configuration" }, "a missing callback counts as 0");
});

test("what the embedder throws in the middle of the module comes through and ends the instance", async () => {
  const bytes = onRequest(`(drop (call $proxy_get_property @"pid" ${OUT})) (i32.const 0)`);
  const bench = await Bench.start(bytes);
  const thrown = new TypeError("mine");
  const variables = () => {
    throw thrown;
  };
  const context = bench.configured();
  await assert.rejects(bench.instance.handle(context, GET, { variables }), thrown);
  assert.equal((await bench.fails()).cause, thrown);
});

/**
 * What would have killed the worker; nothing is served afterwards.
 *
 * @param {Uint8Array} bytes
 * @param {import("../index.js").HttpRequest} [request]
 */
async function crash(bytes, request) {
  const bench = await Bench.start(bytes);
  const error = await bench.fails(request, () => ({ status: 200, body: "ok" }));
  assert.equal(error.response, undefined);
  assert.equal(await bench.fails(), error, "the worker is dead");
  return error.message;
}

test("Pause with nothing pending is fatal", async () => {
  assert.match(
    await crash(onRequest("(i32.const 1)")),
    /headers returned Pause without an HTTP call and without a local/,
  );
  const inBody = plugin(`
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${ASK} (i32.const 0))
    (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) (i32.const 1))`);
  assert.match(await crash(inBody), /body returned Pause without/);
});

test("Pause with a status below 100 is fatal, Continue with one ignores it", async () => {
  assert.match(await crash(onRequest(`${answer(99)} (i32.const 1)`)), /Pause .* status 99, below 100/);
  assert.equal((await (await Bench.start(onRequest(`${answer(99)} (i32.const 0)`))).send()).kind, "upstream");
});

test("other fatal cases", async () => {
  const headers = (/** @type {string} */ text) => onRequest(`(drop ${text}) (i32.const 1)`);
  const dispatch = (/** @type {string} */ map) =>
    headers(`(call $proxy_http_call @"h:1" ${map} ${ZEROS} ${ZEROS} (i32.const 5) (i32.const 16))`);
  const lies = '@"aaaa"';
  const send = `(call $proxy_send_local_response (i32.const 200) ${ZEROS} ${ZEROS} ${lies} (i32.const -1))`;
  /** @type {[RegExp, Uint8Array][]} */
  const cases = [
    [/returned action 2: endless loop/, onRequest("(i32.const 2)")],
    [/HTTP call without a header map/, dispatch(ZEROS)],
    [/lengths lead out of it/, dispatch(lies)],
    [/lengths lead out of it/, headers(send)],
    [/access at -4, 8 bytes/, headers("(call $proxy_log (i32.const 3) (i32.const -4) (i32.const 8))")],
  ];
  for (const [message, bytes] of cases) assert.match(await crash(bytes), message);
  const overrun = plugin(`
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${ASK} (i32.const 0))
    (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
      (call $proxy_get_buffer_bytes (i32.const 0) (i32.const 1) (i32.const 2147483647) ${OUT}))`);
  assert.match(await crash(overrun, { ...GET, body: "hello" }), /from 1 for 2147483647 bytes: the sum overflows/);
  const pairs = headers(`(call $proxy_get_header_map_pairs (i32.const 0) ${OUT})`);
  assert.match(await crash(pairs, { headers: [] }), /without Host/);
});

test("the plugin's name outside of a context is fatal for the next request", async () => {
  const bytes = plugin(`(func (export "proxy_on_done") (param i32) (result i32)
    (call $proxy_get_property @"plugin_root_id" ${OUT}))`);
  const bench = await Bench.start(bytes);
  assert.equal((await bench.send()).kind, "upstream", "this request was answered before");
  assert.equal((await bench.fails()).kind, "would-crash-worker");
});

const CALL_THEN_BODY = (/** @type {number} */ kind) =>
  plugin(`
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${ASK} ${call("h:1", ALL_FOUR)} (i32.const 1))
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
    (call $tell (call $proxy_get_buffer_bytes (i32.const ${kind}) (i32.const 0) (i32.const 9) ${OUT})) (i32.const 0))`);

test("a reply read after its callback is fatal in strict mode", async () => {
  assert.match(await crash(CALL_THEN_BODY(4)), /read after its callback/);
  const lenient = await Bench.start(CALL_THEN_BODY(4), { strict: false });
  await lenient.send(GET, () => ({ status: 200, body: "old" }));
  assert.deepEqual(lenient.said(), ["00", "old"]);
});

test("so is a reply with more headers than fit", async () => {
  /** @type {(count: number) => HttpReply} */
  const reply = (count) => ({ status: 200, headers: Array(count).fill(["a", "b"]) });
  await (await Bench.start(CALL_THEN_BODY(0))).send(GET, () => reply(127));
  const error = await (await Bench.start(CALL_THEN_BODY(0))).fails(GET, () => reply(128));
  assert.match(error.message, /reply with 128 headers/);
  await (await Bench.start(CALL_THEN_BODY(0), { strict: false })).send(GET, () => reply(200));
});

test("a pending call is made even after a trap", async () => {
  const bench = await Bench.start(onRequest(`${call("h:1", ALL_FOUR)} unreachable`));
  let calls = 0;
  const error = await bench.fails(GET, () => {
    calls += 1;
    return undefined;
  });
  assert.deepEqual([error.kind, calls], ["trapped", 1]);
  assert.ok(error instanceof HostError);
});
