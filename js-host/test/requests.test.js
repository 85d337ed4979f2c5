// What a module sees of a request, and what becomes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, GET, OUT, VARIABLES, answer, i32, onRequest, plugin, pluginWithoutConfigure, said } from "./harness.js";

/** @import { Header } from "../index.js" */

const ASK = '(drop (call $proxy_set_property @"wasm_process_req_body" @"1"))';

/** @type {(kind: number, start: number, size: number) => string} */
const readBuffer = (kind, start, size) =>
  `(call $tell (call $proxy_get_buffer_bytes ${i32(kind)} ${i32(start)} ${i32(size)} ${OUT}))`;
/** @type {(kind: number, name: string) => string} */
const readHeader = (kind, name) => `(call $tell (call $proxy_get_header_map_value ${i32(kind)} @"${name}" ${OUT}))`;
/** @type {(kind: number, name: string, value: string) => string} */
const replaceHeader = (kind, name, value) =>
  `(call $note (call $proxy_replace_header_map_value ${i32(kind)} @"${name}" @"${value}"))`;
const READ_BODY = readBuffer(0, 0, 100);

/** @type {(headers: readonly Header[], name: string) => string[]} */
const values = (headers, name) => headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value);

test("the header map is in lower case, with pseudo headers last", async () => {
  const [map] = await said(
    onRequest(`(call $tell (call $proxy_get_header_map_pairs (i32.const 0) ${OUT})) (i32.const 0)`),
  );
  const texts = String(map)
    .split("\0")
    .filter((text) => text !== "");
  assert.deepEqual(texts.slice(texts.findIndex((text) => text.includes("Example"))), [
    ...["Example.com:9080", "x-mixed", "Case", "x-forwarded-proto", "http", "x-forwarded-host", "Example.com:9080"],
    ...["x-forwarded-port", "9080", ":scheme", "http", ":path", "/a%2Fb?x=1", ":method", "GET"],
    ...[":authority", "Example.com:9080"],
  ]);
});

test("header values are found in any case, and the first wins", async () => {
  const reads = [
    [0, "x-MIXED"],
    [0, ":PATH"],
    [0, "absent"],
    [6, ":status"],
    [2, ":status"],
    [1, "a"],
  ];
  const text = reads.map(([kind, name]) => readHeader(Number(kind), String(name))).join("");
  const request = { ...GET, headers: [...GET.headers, /** @type {const} */ (["x-mixed", "second"])] };
  assert.deepEqual(await said(onRequest(`${text} (i32.const 0)`), request), [
    "Case",
    "/a%2Fb?x=1",
    "01",
    "01",
    "0",
    "12",
  ]);
});

test("header values are bytes", async () => {
  const bench = await Bench.start(onRequest(`${readHeader(0, "x")} ${replaceHeader(0, "y", "\u00e9")} (i32.const 0)`));
  const result = await bench.send({
    headers: [
      ["host", "h"],
      ["x", "\u00c3\u00a9"],
    ],
  });
  assert.deepEqual(bench.said(), ["\u00e9", "00"]);
  assert.ok(result.kind === "upstream");
  assert.deepEqual(values(result.headers, "y"), ["\u00c3\u00a9"]);
});

test("forwarded headers of the client are replaced", async () => {
  const bench = await Bench.start(onRequest("(i32.const 0)"));
  const sent = await bench.send({
    headers: [
      ["host", "h"],
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Port", "1"],
    ],
  });
  assert.ok(sent.kind === "upstream");
  assert.deepEqual(values(sent.headers, "x-forwarded-proto"), ["http"]);
  assert.deepEqual(values(sent.headers, "x-forwarded-port"), ["9080"]);
});

test("request headers can be changed", async () => {
  const bench = await Bench.start(
    onRequest(`(call $note (call $proxy_add_header_map_value (i32.const 0) @"X-Mixed" @"more"))
      ${replaceHeader(0, "x-new", "1")}
      (call $note (call $proxy_remove_header_map_value (i32.const 0) @"X-Forwarded-Proto"))
      ${replaceHeader(2, "x-early", "1")} (i32.const 0)`),
  );
  const { headers, responseHeaders, method, target } = await bench.upstream();
  assert.deepEqual(values(headers, "x-mixed"), ["Case", "more"]);
  assert.deepEqual([values(headers, "x-new"), values(headers, "x-forwarded-proto")], [["1"], []]);
  assert.deepEqual([responseHeaders, method, target], [[["x-early", "1"]], "GET", "/a%2Fb?x=1"]);
});

test("pseudo headers have their own rules", async () => {
  const path = await Bench.start(
    onRequest(`${replaceHeader(0, ":path", "/r\u00e9 s?by=wasm")} ${readHeader(0, ":path")} (i32.const 0)`),
  );
  assert.equal((await path.upstream()).target, "/r%C3%A9%20s%3Fby=wasm", "no query can be set");
  assert.deepEqual(path.said(), ["00", "/a%2Fb?x=1"], "the old one is read back");
  const refused = [
    [0, ":path", "/a\nb"],
    [0, ":method", "P1"],
    [0, ":authority", "example.com"],
    [2, ":status", "abc"],
    [6, "a", "b"],
  ];
  const text = refused.map(([kind, name, value]) => replaceHeader(Number(kind), String(name), String(value))).join("");
  const remove = '(call $note (call $proxy_remove_header_map_value (i32.const 0) @":path"))';
  assert.deepEqual(await said(onRequest(`${remove} ${text} (i32.const 0)`)), ["02", "02", "02", "02", "02", "12"]);
  const method = await Bench.start(onRequest(`${replaceHeader(0, ":authority", "purge")} (i32.const 0)`));
  assert.equal((await method.upstream()).method, "purge", "the host mistakes the authority for the method");
});

test("properties are nginx variables of one name", async () => {
  /** @type {Header[]} */
  const more = [
    ["Cookie", "a=1; b=2"],
    ["X-Twice", "1"],
    ["x-twice", "2"],
  ];
  const request = { ...GET, headers: [...GET.headers, ...more] };
  for (const [name, value] of Object.entries({
    request_uri: "/a%2Fb?x=1",
    uri: "/a/b",
    args: "x=1",
    arg_x: "1",
    request_method: "GET",
    scheme: "http",
    host: "example.com",
    http_host: "Example.com:9080",
    HTTP_X_Mixed: "Case",
    http_x_twice: "1, 2",
    cookie_b: "2",
    REMOTE_ADDR: "127.0.0.1",
    pid: "77",
    plugin_root_id: "amesh",
    wasm_process_req_body: "",
    "request\0path": "01",
    route_id: "01",
    http_absent: "01",
    arg_absent: "01",
    constructor: "01",
    "": "01",
  })) {
    const read = onRequest(`(call $tell (call $proxy_get_property @"${name}" ${OUT})) (i32.const 0)`);
    assert.deepEqual(await said(read, request), [value], name);
  }
});

test("only variables that nginx lets be set can be set", async () => {
  const bytes = onRequest(`(call $note (call $proxy_set_property @"Upstream_Scheme" @"https"))
    (call $tell (call $proxy_get_property @"upstream_scheme" ${OUT}))
    (call $note (call $proxy_set_property @"uri" @"/x")) (call $note (call $proxy_set_property @"no_such" @"x")) (i32.const 0)`);
  assert.deepEqual(await said(bytes), ["00", "https", "10", "01"]);
});

/** @type {(ask: string, inBody: string) => Uint8Array} */
const reader = (ask, inBody) =>
  plugin(`
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${READ_BODY} ${ask} (i32.const 0))
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
    (call $note (local.get 1)) (call $note (local.get 2)) ${inBody} (i32.const 0))`);

test("the body comes once, as a whole, and only when asked for", async () => {
  const request = { ...GET, body: "hello" };
  assert.deepEqual(await said(reader(ASK, READ_BODY), request), ["01", "05", "01", "hello"]);
  assert.deepEqual(await said(reader("", READ_BODY), request), ["01"]);
  const empty = '(drop (call $proxy_set_property @"wasm_process_req_body" @""))';
  assert.deepEqual(await said(reader(empty, READ_BODY), request), ["01"]);
  assert.deepEqual(await said(reader(ASK, READ_BODY)), ["01", "00", "01", "01"], "an empty one has no buffer");
});

test("the wish for a body is forgotten when it is granted", async () => {
  const wish = `(call $tell (call $proxy_get_property @"wasm_process_req_body" ${OUT}))`;
  assert.deepEqual(await said(reader(ASK + wish, wish)), ["01", "1", "00", "01", ""]);
});

test("parts of a body are cut at its end", async () => {
  const parts = [
    [1, 2],
    [3, 99],
    [0, 0x7fffffff],
    [5, 1],
    [-1, 1],
    [0, 0],
    [0, -1],
  ];
  const reads = parts.map(([start, size]) => readBuffer(0, Number(start), Number(size))).join("");
  const lines = await said(reader(ASK, reads + readBuffer(2, 0, 1)), { ...GET, body: "hello" });
  assert.deepEqual(lines.slice(3), ["el", "lo", "hello", "02", "02", "02", "02", "12"]);
});

/** @type {(text: string) => Promise<Bench>} */
const answering = (text) => Bench.start(onRequest(`${text} (i32.const 1)`));

test("local responses have status, headers and body", async () => {
  const bench = await answering(answer(418, "X-A=1|X-A=2|Server=mine|content-type=application/json", "{}"));
  const { status, headers, body, source } = await bench.local();
  assert.deepEqual([status, String(Buffer.from(body)), source], [418, "{}", "module"]);
  assert.deepEqual(headers, [
    ["X-A", "1"],
    ["X-A", "2"],
    ["content-type", "application/json"],
  ]);
  const plain = await (await answering(answer(200, "", "x"))).local();
  assert.deepEqual(plain.headers, [["content-type", "text/plain; charset=utf-8"]]);
  const continued = await Bench.start(onRequest(`${answer(200, "", "x")} (i32.const 0)`));
  assert.equal((await continued.local()).status, 200, "the action does not matter");
  assert.equal(
    (await (await Bench.start(onRequest("(i32.const 404)"))).local()).status,
    404,
    "an action can be a status",
  );
});

test("an error without a body becomes nginx's page", async () => {
  for (const status of [301, 404, 409, 429, 500, 503, 507]) {
    const { source, body, headers } = await (await answering(answer(status))).local();
    assert.equal(source, "error-page");
    assert.ok(String(Buffer.from(body)).startsWith(`<html>\r\n<head><title>${status} `));
    assert.deepEqual(headers, [["content-type", "text/html; charset=utf-8"]]);
  }
  for (const status of [200, 202, 204, 300, 304, 418, 451, 599, 600]) {
    const { source, body } = await (await answering(answer(status))).local();
    assert.deepEqual([source, body.length], ["module", 0], String(status));
  }
  assert.equal((await (await answering(answer(204, "", "dropped"))).local()).body.length, 0);
});

test("the last local response wins, and is gone with its request", async () => {
  const { status, headers } = await (await answering(answer(200, "x-a=1", "a") + answer(201, "x-b=1", "b"))).local();
  assert.deepEqual(
    [status, headers.slice(0, 2)],
    [
      201,
      [
        ["x-a", "1"],
        ["x-b", "1"],
      ],
    ],
  );
  const once = plugin(`(global $count (mut i32) (i32.const 0))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (if (i32.eqz (global.get $count)) (then ${answer(200, "", "x")})) (global.set $count (i32.const 1)) (i32.const 0))`);
  const bench = await Bench.start(once);
  assert.deepEqual([(await bench.send()).kind, (await bench.send()).kind], ["local", "upstream"]);
});

test("response callbacks run for local responses and cannot replace them", async () => {
  const bench = await Bench.start(
    plugin(`(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${answer(202, "x-a=1", "body")} (i32.const 1))
      (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (call $note (local.get 1)) (call $note (local.get 2)) ${readHeader(2, ":status")} ${replaceHeader(2, "x-late", "1")}
        (drop (call $proxy_remove_header_map_value (i32.const 2) @"x-a"))
        (drop (call $proxy_set_property @"wasm_process_resp_body" @"1")) ${answer(500, "", "ignored")} (i32.const 5))
      (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
        (call $note (local.get 1)) (call $note (local.get 2)) ${readBuffer(1, 0, 9)} (i32.const -1))`),
  );
  const { status, headers, body } = await bench.local();
  assert.deepEqual([status, String(Buffer.from(body))], [202, "body"]);
  assert.deepEqual(
    headers.map(([name]) => name),
    ["content-type", "x-late"],
  );
  assert.deepEqual(bench.said(), ["00", "01", "202", "00", "04", "00", "body", "00", "01", "01"]);
});

test("header callbacks of the first ABI have two arguments", async () => {
  const bytes = plugin(`(func (export "proxy_abi_version_0_1_0"))
    (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (call $note (local.get 1)) (i32.const 0))`);
  assert.deepEqual(await said(bytes), ["00"]);
});

/** Says a letter and the context's number at every step. */
const STEPS = `
  (func $say (param $letter i32) (param $id i32)
    (i32.store8 (i32.const 20) (local.get $letter))
    (i32.store8 (i32.const 21) (i32.add (i32.const 48) (local.get $id)))
    (drop (call $proxy_log (i32.const 3) (i32.const 20) (i32.const 2))))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (call $say (i32.const 33) (i32.const 0)) (i32.const 1))
  (func (export "proxy_on_context_create") (param i32 i32)
    (call $say (i32.const 67) (local.get 0)) (call $say (i32.const 60) (local.get 1)))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $say (i32.const 72) (local.get 0)) (i32.const 0))
  (func (export "proxy_on_done") (param i32) (result i32) (call $say (i32.const 68) (local.get 0)) (i32.const 1))
  (func (export "proxy_on_delete") (param i32) (call $say (i32.const 88) (local.get 0)))`;

test("contexts begin and end in the host's order, and their numbers are used again", async () => {
  const bench = await Bench.start(plugin(STEPS));
  const { instance } = bench;
  assert.deepEqual(bench.log(), ["C1", "<0"], "proxy_on_vm_start is never called");
  for (let round = 0; round < 2; round += 1) {
    await bench.send();
    assert.deepEqual(bench.log(), ["C2", "<1", "H2", "D2", "X2"]);
  }
  assert.equal(instance.configure("{}").id, 3);
  bench.log();
  const first = bench.configured();
  instance.release(first);
  assert.deepEqual(bench.log(), ["D1", "X1"]);
  const [second, third] = [instance.configure("{}"), instance.configure("{}")];
  assert.deepEqual([second.id, third.id], [1, 4]);
  for (const context of [third, second]) instance.release(context);
  assert.deepEqual([instance.configure("{}").id, instance.configure("{}").id], [4, 1], "the longest unused first");
  assert.throws(
    () => instance.begin(first, GET, VARIABLES),
    { kind: "unknown-context" },
    "though its number is in use",
  );
  const refuse = `${STEPS} (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))`;
  assert.deepEqual((await Bench.start(pluginWithoutConfigure(refuse))).log(), ["C1", "<0", "D1", "X1"]);
});

test("the configuration is readable in every callback of a context", async () => {
  const read = `${readBuffer(7, 0, 0)} (call $tell (call $proxy_get_configuration ${OUT}))`;
  const bench = await Bench.start(
    pluginWithoutConfigure(`(func (export "proxy_on_context_create") (param i32 i32) ${read})
      (func (export "proxy_on_configure") (param i32 i32) (result i32) ${read} (call $note (local.get 1)) (i32.const 1))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${read} (i32.const 0))
      (func (export "proxy_on_delete") (param i32) ${read})`),
  );
  assert.deepEqual(bench.said(), ["01", "", "{}", "{}", "02"], "while a plugin context is created it is empty");
  await bench.send();
  assert.deepEqual(bench.said(), ["{}", "{}", "{}", "{}", "01", "01"]);
});

test("levels of the log", async () => {
  const levels = [0, 1, 2, 3, 4, 5, 9].map((level) => `(drop (call $proxy_log ${i32(level)} @"${level}"))`).join("");
  const bytes = onRequest(`${levels} (i32.const 0)`);
  const own = (/** @type {Bench} */ bench) => bench.log().filter((line) => !line.includes("context"));
  const bench = await Bench.start(bytes);
  await bench.send();
  assert.deepEqual(own(bench), ["3", "error: 4", "emerg: 5", "error: 9"]);
  const all = await Bench.start(bytes, { logLevel: "debug" });
  await all.send();
  assert.deepEqual(own(all).slice(0, 4), ["debug: 0", "debug: 1", "info: 2", "3"]);
});
