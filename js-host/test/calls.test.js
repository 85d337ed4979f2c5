// HTTP calls: `proxy_http_call`, its callback, and other requests meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_FOUR, Bench, GET, OUT, VARIABLES, answer, call, onRequest, plugin, said } from "./harness.js";

/** @import { HttpCall } from "../index.js" */

/**
 * Calls in the headers callback; says what the callback of the call receives.
 *
 * @param {string} dispatch
 * @param {string} [inResponse]
 */
function caller(dispatch, inResponse = "") {
  const notes = [0, 1, 2, 3, 4].map((index) => `(call $note (local.get ${index}))`).join("");
  return plugin(`
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${dispatch} (i32.const 1))
    (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32) ${notes} ${inResponse})`);
}

/**
 * The calls of one request.
 *
 * @param {Bench} bench
 */
async function recorded(bench) {
  /** @type {HttpCall[]} */
  const calls = [];
  const response = await bench.send(GET, async (call) => {
    calls.push(call);
    return { status: 200, body: "ok" };
  });
  return { response, calls };
}

/** @param {HttpCall | undefined} call */
const line = (call) => `${call?.method} ${call?.scheme}://${call?.upstream}${call?.path}`;

const READ_REPLY = `
  (call $tell (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 9) ${OUT}))
  (call $tell (call $proxy_get_header_map_value (i32.const 6) @":status" ${OUT}))
  (call $tell (call $proxy_get_header_map_pairs (i32.const 6) ${OUT}))`;

test("the call carries what the module gave", async () => {
  const { calls, response } = await recorded(await Bench.start(caller(call("127.0.0.1:9180", ALL_FOUR, "body", 300))));
  assert.equal(response.kind, "upstream", "the request goes on, though it was paused");
  const body = Buffer.from("body");
  const headers = [
    ["host", "gate"],
    ["X-Key", "1"],
    ["x-key", "2"],
  ];
  const expected = {
    upstream: "127.0.0.1:9180",
    method: "PUT",
    scheme: "https",
    path: "/admin?x=1",
    headers,
    timeout: 300,
  };
  assert.deepEqual(
    calls.map(({ body: given, ...call }) => ({ ...call, body: Buffer.from(given) })),
    [{ ...expected, body }],
  );
});

test("the reply comes with the plugin context and the token", async () => {
  const bench = await Bench.start(caller(call("h", ALL_FOUR), READ_REPLY));
  for (const token of ["00", "01"]) {
    await bench.send(GET, () => ({ status: 202, headers: [["X-A", "b"]], body: "done" }));
    const lines = bench.said();
    assert.deepEqual(lines.slice(0, 8), ["00", "01", token, "02", "04", "00", "done", "202"]);
    assert.match(String(lines[8]), /x-a\0b\0:status\x00202\0$/);
  }
});

test("a failed call has neither headers nor body", async () => {
  const lines = await said(caller(call("h", ALL_FOUR), READ_REPLY));
  assert.deepEqual(lines, ["00", "01", "00", "00", "00", "00", "01", "01", "01"]);
});

test("calls are made after Continue too, and one after the other", async () => {
  const continued = await recorded(await Bench.start(onRequest(`${call("h", ALL_FOUR)} (i32.const 0)`)));
  assert.equal(continued.calls.length, 1);
  const chain = `(if (i32.lt_u (local.get 1) (i32.const 2)) (then ${call("h", ALL_FOUR)}))`;
  assert.equal((await recorded(await Bench.start(caller(call("h", ALL_FOUR), chain)))).calls.length, 3);
});

test("a second call while one is pending fails and leaves the first alone", async () => {
  const bench = await Bench.start(onRequest(`${call("first", ALL_FOUR)} ${call("second", ALL_FOUR)} (i32.const 1)`));
  const { calls } = await recorded(bench);
  assert.deepEqual(
    calls.map(({ upstream }) => upstream),
    ["first"],
  );
  assert.deepEqual(bench.log().slice(0, 3), ["00", "error: multiple calls are not supported", "10"]);
});

test("bad upstreams are bad arguments", async () => {
  const status = (/** @type {string} */ upstream) => said(onRequest(`${call(upstream, ALL_FOUR)} (i32.const 0)`));
  for (const upstream of ["", ":80", "h:", "h:0", "h:65536", "h:x", "h/path", "[::1"]) {
    assert.deepEqual(await status(upstream), ["02"], upstream);
  }
  for (const upstream of ["h", "h:80", "127.0.0.1:9180", "[::1]", "[::1]:80", "unix:/run/x.sock"]) {
    assert.deepEqual(await status(upstream), ["00"], upstream);
  }
  assert.deepEqual(await said(onRequest(`${call("h", ALL_FOUR, "", -1)} (i32.const 0)`)), ["10"], "a negative timeout");
});

test("missing pseudo headers are an error in strict mode", async () => {
  const all = [":method=GET", ":scheme=http", ":path=/", ":authority=h"];
  for (const missing of all.slice(0, 3)) {
    const map = all.filter((header) => header !== missing).join("|");
    const error = await (await Bench.start(caller(call("h", map)))).fails();
    assert.equal(error.kind, "missing-pseudo-header");
    assert.match(error.message, new RegExp(`without ${missing.split("=")[0]}:`));
  }
  const { calls } = await recorded(await Bench.start(caller(call("h", all.slice(0, 3).join("|")))));
  assert.deepEqual(calls[0]?.headers, [], "the authority is never inherited");
});

test("otherwise they are inherited from the previous call", async () => {
  const first = await recorded(await Bench.start(caller(call("h", "a=b")), { strict: false }));
  assert.equal(line(first.calls[0]), "GET http://h");
  const chain = `(if (i32.eqz (local.get 1)) (then ${call("other", "a=b")}))`;
  const { calls } = await recorded(await Bench.start(caller(call("h", ALL_FOUR, "body"), chain), { strict: false }));
  assert.equal(line(calls[1]), "PUT https://other/admin?x=1");
  assert.deepEqual([calls[1]?.body.length, calls[1]?.headers, calls[1]?.timeout], [0, [["a", "b"]], undefined]);
});

test("empty pseudo headers have defaults, a path gets its slash", async () => {
  const { calls } = await recorded(await Bench.start(caller(call("h", ":method=|:scheme=|:path=\u00e9|:authority=h"))));
  assert.equal(line(calls[0]), "GET http://h/\u00e9");
});

test("no calls while a response is sent", async () => {
  const bytes = plugin(`
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${answer(200, "", "x")} (i32.const 1))
    (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) ${call("h", ALL_FOUR)} (i32.const 0))`);
  assert.deepEqual(await said(bytes), ["02"]);
});

test("what the caller's http throws comes through, and the request is cancelled", async () => {
  const bench = await Bench.start(caller(call("h", ALL_FOUR)));
  const context = bench.configured();
  const thrown = new Error("no network");
  await assert.rejects(bench.instance.handle(context, GET, { http: () => Promise.reject(thrown) }), thrown);
  bench.instance.release(context);
  assert.ok(bench.log().includes("error: failed to mark context 1 as done"), "nothing holds it any more");
});

/**
 * `/call` makes a call and answers with the body of its reply; everything else is answered with the number of requests
 * seen so far.
 */
const MODULE = `
  (global $seen (mut i32) (i32.const 48))
  (func $answer (param $address i32) (param $size i32)
    (drop (call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0) (local.get $address)
      (local.get $size) (i32.const 0) (i32.const 0) (i32.const -1))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (drop (call $proxy_get_property @"request_uri" ${OUT}))
    (if (i32.eq (i32.load (i32.const 12)) (i32.const 5))
      (then ${call("h:1", ALL_FOUR)})
      (else (i32.store8 (i32.const 20) (global.get $seen)) (call $answer (i32.const 20) (i32.const 1))))
    (i32.const 1))
  (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
    (drop (call $proxy_get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 99) ${OUT}))
    (call $answer (i32.load (i32.const 8)) (i32.load (i32.const 12))))
  (func (export "proxy_on_delete") (param i32) (call $note (local.get 0)))`;

/** @param {Bench} bench */
function begin(bench) {
  const { pending } = bench.instance.begin(bench.configured(), { target: "/call" }, VARIABLES);
  assert.ok(pending);
  return pending;
}

/** @param {import("../index.js").Step} step */
function body({ response }) {
  assert.ok(response?.kind === "local");
  return String(Buffer.from(response.body));
}

/** @param {Bench} bench */
const ended = (bench) => bench.said().filter((line) => line !== "00");

test("requests interleave, share the state and keep their own replies", async () => {
  const bench = await Bench.start(plugin(MODULE));
  const { instance } = bench;
  const [first, second] = [begin(bench), begin(bench)];
  assert.equal(body({ response: await bench.send() }), "3");
  assert.equal(body(instance.resume(second, { status: 200, body: "for the second" })), "for the second");
  assert.equal(body(instance.resume(first, { status: 200, body: "for the first" })), "for the first");
  assert.deepEqual(ended(bench), ["04", "03", "02"], "contexts end with their requests");
  assert.throws(() => instance.resume(first), { kind: "unknown-context" });
});

test("a plugin context lives until its last request has ended", async () => {
  const bench = await Bench.start(plugin(MODULE));
  const pending = begin(bench);
  bench.instance.release(bench.configured());
  assert.deepEqual(ended(bench), []);
  bench.instance.resume(pending, { status: 200 });
  assert.deepEqual(ended(bench), ["02", "01"]);
});

test("a request that is cancelled ends without its reply", async () => {
  const bench = await Bench.start(plugin(MODULE));
  const [first, second] = [begin(bench), begin(bench)];
  bench.instance.cancel(first);
  assert.deepEqual(ended(bench), ["02"]);
  assert.equal(body(bench.instance.resume(second, { status: 200, body: "second" })), "second");
  const last = begin(bench);
  bench.instance.release(bench.configured());
  bench.instance.cancel(last);
  assert.deepEqual(ended(bench), ["03", "02", "01"]);
});

test("a trap in one request ends the others too", async () => {
  const bench = await Bench.start(
    plugin(MODULE.replace("(i32.store8 (i32.const 20) (global.get $seen))", "unreachable")),
  );
  const pending = begin(bench);
  const error = await bench.fails();
  assert.throws(() => bench.instance.resume(pending), error);
});
