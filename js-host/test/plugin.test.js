// amesh.wasm, run as APISIX would: configuration, requests, bodies, calls of the Admin API, reload, a trap.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { HostError } from "../index.js";
import { Worker, bookinfo, withoutWasm } from "./plugin.js";

/** @import { HttpCall } from "../index.js" */

const skip = withoutWasm;
const STANDALONE = { apply: "standalone", admin: { key: "adm1n", timeout_ms: 700 } };
const TYPES = "type.googleapis.com/envoy.config.";

beforeEach(() => {
  Worker.log.length = 0;
});

/**
 * Sends the messages of a node in Istio's order; the last answer.
 *
 * @param {Worker} worker
 * @param {string} state
 */
async function send(worker, state) {
  for (const name of ["cds", "eds", "lds"]) {
    assert.equal((await worker.stream(bookinfo("sidecar", state, name))).verdict, "ack", name);
  }
  return worker.stream(bookinfo("sidecar", state, "rds"));
}

const COLLECTIONS =
  "routes services upstreams ssls stream_routes plugins plugin_metadata consumers global_rules protos " +
  "plugin_configs consumer_groups secrets";

/** `/apisix/admin/configs` of the API-driven standalone mode: one document, stored as it comes. */
class Admin {
  /** @type {Record<string, any>} */
  document = {};
  /** @type {HttpCall[]} */
  calls = [];

  /** @type {import("../index.js").HttpCaller} */
  http = async (call) => {
    this.calls.push(call);
    if (call.method === "PUT") {
      this.document = JSON.parse(Buffer.from(call.body).toString());
      return { status: 202 };
    }
    const versions = COLLECTIONS.split(" ").map((name) => [`${name}_conf_version`, 0]);
    return { status: 200, body: JSON.stringify({ ...Object.fromEntries(versions), ...this.document }) };
  };
}

test("a session, messages, a change set", { skip }, async () => {
  const worker = await Worker.start();
  const { session, apply, subscribe } = await worker.open();
  assert.deepEqual([session, apply], ["s", { mode: "none" }]);
  const types = subscribe.map(({ type_url }) => type_url).sort();
  assert.deepEqual(types, [`${TYPES}cluster.v3.Cluster`, `${TYPES}listener.v3.Listener`]);
  const before = await send(worker, "before");
  assert.deepEqual([before.verdict, before.apply.state], ["ack", "applied"]);
  const routes = (/** @type {import("./plugin.js").Answer} */ { changes }) =>
    (changes?.upserts ?? []).filter(({ kind }) => kind === "routes").map(({ id }) => id);
  assert.ok(routes(before).length >= 4, "details, productpage, ratings, reviews");
  const moved = routes(await send(worker, "after"));
  assert.equal(moved.length, 4);
  assert.ok(
    moved.every((id) => routes(before).includes(id)),
    "the same routes",
  );
  assert.deepEqual(Worker.log, []);
});

test("requests that are answered without a body being read", { skip }, async () => {
  const worker = await Worker.start({ token: "secret" });
  const status = async (/** @type {string} */ line, headers = {}) => (await worker.ask(line, headers)).status;
  assert.equal(await status("GET /amesh/v1/status"), 401);
  const authorization = "Bearer secret";
  assert.equal(await status("GET /amesh/v1/status", { Authorization: authorization }), 200);
  assert.equal(await status("PUT /amesh/v1/status", { authorization }), 405);
  assert.equal(await status("GET /else", { authorization }), 404);
  assert.equal(await status("POST /amesh/v1/stream", { authorization }), 400, "no session named");
  const long = { authorization, "x-amesh-session": "s", "content-length": "999999999999" };
  assert.equal(await status("POST /amesh/v1/stream", long), 413, "refused by its length");
  const metrics = await worker.ask("GET /amesh/metrics", { authorization });
  assert.match(metrics.type ?? "", /^text\/plain; version=0\.0\.4/);
  worker.remote = "192.0.2.1";
  assert.equal(await status("GET /amesh/v1/status", { authorization }), 403);
});

test("a configuration that is wrong is told to whoever asks", { skip }, async () => {
  const worker = await Worker.start({ prefix: "no-slash" });
  const { status, json } = await worker.ask("GET /amesh/v1/status");
  assert.deepEqual([status, json.error], [500, "misconfigured"]);
  assert.match(String(Worker.log), /^error: the plugin's configuration is wrong: prefix/);
});

test("garbage is a NACK and changes nothing", { skip }, async () => {
  const worker = await Worker.start();
  await worker.open();
  await send(worker, "before");
  for (const message of [
    Buffer.from([255, 255, 255]),
    new Uint8Array(),
    bookinfo("sidecar", "after", "rds").subarray(0, 40),
  ]) {
    const { verdict, error_detail, apply } = await worker.stream(message);
    assert.deepEqual([verdict, apply.state], ["nack", "unchanged"]);
    assert.notEqual(error_detail ?? "", "");
  }
});

test("changes go to the Admin API, all four pseudo headers with each call", { skip }, async () => {
  const admin = new Admin();
  const worker = await Worker.start(STANDALONE);
  worker.http = admin.http;
  await worker.open();
  const { apply, changes } = await send(worker, "before");
  assert.deepEqual([apply.mode, apply.state, changes], ["standalone", "applied", undefined]);
  assert.deepEqual(
    admin.calls.map(({ method }) => method),
    ["GET", "PUT"],
  );
  for (const { upstream, scheme, path, headers, timeout } of admin.calls) {
    assert.deepEqual([upstream, scheme, path, timeout], ["127.0.0.1:9180", "http", "/apisix/admin/configs", 700]);
    assert.deepEqual(headers.slice(0, 2), [
      ["host", "127.0.0.1:9180"],
      ["x-api-key", "adm1n"],
    ]);
  }
  const { routes, upstreams } = (await worker.ask("GET /amesh/v1/config")).json;
  const ids = (/** @type {{ id: string }[]} */ of) => of.map(({ id }) => id);
  assert.deepEqual(ids(admin.document["routes"]), ids(routes));
  assert.deepEqual(ids(admin.document["upstreams"]), ids(upstreams));
  worker.now += 100;
  const early = (await send(worker, "after")).apply;
  assert.deepEqual([early.state, early.retry_after_ms], ["deferred", 1000], "nginx's clock is looked at");
});

test("a call that fails, or throws in the client, loses nothing", { skip }, async () => {
  const admin = new Admin();
  const worker = await Worker.start(STANDALONE);
  await worker.open();
  const { verdict, apply } = await send(worker, "before");
  assert.deepEqual([verdict, apply.state, apply.message], ["ack", "retry", "the Admin API did not answer"]);
  worker.now += 2000;
  const flush = () => worker.ask("POST /amesh/v1/flush", { "x-amesh-session": "s" });
  worker.http = () => {
    throw new TypeError("no network");
  };
  await assert.rejects(flush(), TypeError);
  worker.http = admin.http;
  assert.equal((await flush()).json.apply.state, "applied", "the request that was cancelled has left no mark");
});

test("while a call is under way others are told to wait, and pages are served", { skip }, async () => {
  const admin = new Admin();
  const worker = await Worker.start(STANDALONE);
  await worker.open();
  await send(worker, "before");
  worker.now += 2000;
  const { instance, context, variables } = worker;
  /** @type {import("../index.js").HttpRequest} */
  const flush = {
    method: "POST",
    target: "/amesh/v1/flush",
    headers: [
      ["host", "h"],
      ["x-amesh-session", "s"],
    ],
  };
  let step = instance.begin(context, flush, variables);
  assert.ok(step.pending);
  assert.equal((await worker.ask("POST /amesh/v1/flush", { "x-amesh-session": "s" })).status, 503);
  assert.equal((await worker.ask("GET /amesh/v1/status")).json.busy, true);
  worker.reconfigure(STANDALONE);
  while (step.response === undefined) step = instance.resume(step.pending, await admin.http(step.call));
  assert.ok(step.response.kind === "local");
  assert.equal(JSON.parse(Buffer.from(step.response.body).toString()).apply.state, "applied");
});

test("state outlives plugin contexts, but not a reload", { skip }, async () => {
  const worker = await Worker.start();
  await worker.open();
  await worker.stream(bookinfo("sidecar", "before", "cds"));
  worker.reconfigure({});
  await worker.stream(bookinfo("sidecar", "before", "eds"));
  worker.reconfigure({ instance: "other" });
  const flush = async (/** @type {Worker} */ of) =>
    (await of.ask("POST /amesh/v1/flush", { "x-amesh-session": "s" })).status;
  assert.equal(await flush(worker), 409, "another instance knows nothing");
  worker.reconfigure({});
  assert.equal(await flush(worker), 200);
  assert.equal(await flush(await Worker.start()), 409, "a new VM knows nothing");
});

test("sessions leave no memory behind", { skip }, async () => {
  const worker = await Worker.start();
  const round = async () => {
    await worker.open();
    await send(worker, "before");
  };
  for (let count = 0; count < 5; count += 1) await round();
  const early = worker.instance.memorySize;
  for (let count = 0; count < 20; count += 1) await round();
  assert.equal(worker.instance.memorySize, early);
});

test("a trap ends the instance, as in a worker, and a new one begins afresh", { skip }, async () => {
  const worker = await Worker.start();
  await worker.open();
  // Nothing it is sent makes it trap, so the stack overflows while it asks for the caller's address.
  const variables = (/** @type {string} */ name) => {
    if (name === "remote_addr") throw new RangeError("Maximum call stack size exceeded");
    return undefined;
  };
  const request = { target: "/amesh/v1/status" };
  const first = await worker.instance.handle(worker.context, request, { variables }).catch((error) => error);
  assert.ok(first instanceof HostError);
  assert.deepEqual([first.kind, first.response?.status], ["trapped", 503]);
  await assert.rejects(worker.open(), first);
  assert.equal((await (await Worker.start()).open()).session, "s");
});
