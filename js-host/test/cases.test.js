// The modules of random calls that the Rust host plays too, with what it makes of them: see src/host/tests/cases.rs.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { HostError } from "../index.js";
import { Bench, VARIABLES, plugin } from "./harness.js";
/** @import { HttpCall, HttpReply, HttpRequest, HttpResponse } from "../index.js" */

/** @typedef {Omit<HttpRequest, "body"> & { body: string, replies: (HttpReply & { body: string } | null)[] }} Asked */
/** @typedef {{ text: string, strict: boolean, requests: Asked[], expected: object }} Case */

const FOLDER = new URL("../../src/host/tests/cases/", import.meta.url);

const bytes = (/** @type {string} */ text) => Buffer.from(text, "latin1");
const latin1 = (/** @type {Uint8Array} */ body) => Buffer.from(body).toString("latin1");

/** @param {Case} one */
async function play({ text, strict, requests }) {
  const bench = await Bench.start(plugin(text), { strict });
  /** @type {object[]} */
  const calls = [];
  const outcomes = [];
  for (const { replies, body, ...asked } of requests) {
    const waiting = [...replies];
    const http = (/** @type {HttpCall} */ call) => {
      calls.push({ ...call, body: latin1(call.body), timeout: call.timeout ?? null });
      const reply = waiting.shift() ?? undefined;
      return reply && { ...reply, body: bytes(reply.body) };
    };
    const context = bench.configured();
    const handled = bench.instance.handle(context, { ...asked, body: bytes(body) }, { http, variables: VARIABLES });
    outcomes.push(await handled.then(outcome, failure));
  }
  return { log: bench.log().map((line) => line.replace(/( trapped: ).*/, "$1")), calls, outcomes };
}

/** @param {HttpResponse} response */
function outcome(response) {
  const { kind, ...rest } = response;
  if (!("body" in rest)) return rest;
  const { status, headers, body } = rest;
  return { status, headers, body: latin1(body) };
}

/** @param {unknown} error */
function failure(error) {
  if (!(error instanceof HostError)) throw error;
  return error.kind === "trapped" ? { trapped: error.callback } : { error: error.message };
}

test("random modules do the same in both hosts", async () => {
  const files = readdirSync(FOLDER);
  assert.ok(files.length >= 2);
  for (const file of files) {
    /** @type {Case[]} */
    const cases = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
    for (const one of cases) assert.deepEqual(await play(one), one.expected, `${file}: ${one.text}`);
  }
});
