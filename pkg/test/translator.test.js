// Translator: as a control plane feeds it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Translator, codes, explain, translate } from "../node.js";
import { ROOT } from "./support.js";

const folder = `${ROOT}/examples/bookinfo/xds/gateway`;
const message = (/** @type {string} */ state, /** @type {string} */ name) => readFileSync(`${folder}/${state}/${name}.pb`);

test("messages in, changes out", () => {
  const translator = new Translator();
  assert.deepEqual(translator.open().map(({ wildcard }) => wildcard), [true, true]);
  const first = translator.ingest(message("before", "cds"));
  assert.equal(first.verdict, "ack");
  assert.equal(first.ready, false);
  assert.ok(first.subscribe.some(({ typeUrl, added }) => typeUrl.endsWith("ClusterLoadAssignment") && added.length > 0));
  assert.ok(translator.outstanding().length > 0);
  for (const name of ["eds", "lds", "rds"]) assert.equal(translator.ingest(message("before", name)).verdict, "ack");
  assert.equal(translator.ready, true);

  const { upserts, deletes } = translator.pending();
  assert.ok(upserts.some(({ kind, id, value }) => kind === "routes" && value.id === id));
  assert.deepEqual(deletes, []);
  translator.commit();
  assert.deepEqual(translator.pending(), { upserts: [], deletes: [] });

  const files = ["cds", "eds", "lds", "rds"].map((name) => ({ name, contents: message("before", name) }));
  assert.deepEqual(translator.snapshot(), translate(files).config);
  translator.free();
});

test("garbage is refused and changes nothing", () => {
  const translator = new Translator();
  const verdict = translator.ingest(new Uint8Array([1, 2, 3]));
  assert.equal(verdict.verdict, "nack");
  assert.match(verdict.errorDetail ?? "", /cannot be decoded/);
  assert.deepEqual(verdict.diagnostics.map(({ code }) => code), ["AM0001"]);
  assert.deepEqual(translator.pending(), { upserts: [], deletes: [] });
  assert.equal(translator.ingest(new Uint8Array(), { variant: "delta" }).verdict, "nack");
  translator.free();
});

test("what does not come can be given up, and what is refused is not offered again", () => {
  const translator = new Translator();
  for (const name of ["cds", "lds", "rds"]) translator.ingest(message("before", name));
  for (const { typeUrl, names } of translator.outstanding()) translator.expire(typeUrl, names);
  assert.equal(translator.ready, true);
  assert.ok(translator.pending().upserts.length > 0);
  translator.abandon("APISIX says no");
  assert.deepEqual(translator.pending().upserts, []);
  assert.ok(translator.diagnostics().some(({ message }) => message.includes("APISIX says no")));
  translator.free();
});

test("codes are explained", () => {
  const all = codes();
  assert.ok(all.length > 20);
  assert.deepEqual(explain("am0103"), all.find(({ code }) => code === "AM0103"));
  assert.match(explain("AM0103").severityMeans, /^error: /);
});
