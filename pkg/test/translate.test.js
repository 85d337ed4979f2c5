// translate(): what goes in, what comes out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { translate } from "../node.js";
import { ROOT, bootstrap } from "./support.js";

const json = JSON.stringify(bootstrap());

test("text and bytes are the same", () => {
  const translation = translate(json);
  assert.deepEqual(translate(new TextEncoder().encode(json)), translation);
  assert.deepEqual(translation.counts, { error: 0, warning: 0, info: 3 });
  assert.deepEqual(translation.summary, { resources: { Cluster: 1, Listener: 1 }, routes: 1, upstreams: 1 });
  assert.deepEqual(translation.config.routes[0]?.uris, ["/*"]);
  assert.match(translation.document, /^upstreams:\n[^]*\n#END\n$/);
  assert.match(translation.report, /^info\[AM0305\] .*\n[^]*\ninfo\[AM0211\] .*\ninfo\[AM0219\] .*\n1 Cluster, 1 Listener -> 1 route, 1 upstream; .*\n$/);
});

test("the document as JSON is the configuration", () => {
  const { document, config } = translate(json, { to: "json" });
  assert.deepEqual(JSON.parse(document), config);
});

test("several files are one input, and diagnostics name them", () => {
  const { clusters, listeners } = bootstrap().static_resources;
  const input = [
    { name: "clusters.json", contents: JSON.stringify(clusters) },
    { name: "listeners.json", contents: JSON.stringify(listeners) },
  ];
  const { config, diagnostics } = translate(input);
  assert.equal(config.routes.length, 1);
  assert.deepEqual(diagnostics.map(({ code, file }) => [code, file]), [
    ["AM0305", "listeners.json"],
    ["AM0211", "listeners.json"],
    ["AM0219", "listeners.json"],
  ]);
});

test("binary responses are read", () => {
  const folder = `${ROOT}/examples/bookinfo/xds/gateway/after`;
  const files = (/** @type {string} */ ending) =>
    ["cds", "eds", "lds", "rds"].map((name) => ({ name, contents: readFileSync(`${folder}/${name}.${ending}`) }));
  const { config } = translate(files("pb"));
  assert.ok(config.routes.length > 0);
  assert.deepEqual(config, translate(files("json")).config);
});

test("options count", () => {
  const { config } = translate(json, { instance: "other" });
  assert.equal(config.routes[0]?.labels?.["instance"], "other");
  const refused = translate(json, { listenPorts: [81], quiet: true });
  assert.ok(refused.counts.error > 0);
  assert.doesNotMatch(refused.report, /info|warning| -> /);
  const routes = JSON.stringify({ name: "r", virtual_hosts: [] });
  assert.equal(translate(routes, { from: "resource" }).summary.resources["RouteConfiguration"], 1);
});

test("a bad resource costs its neighbours nothing", () => {
  const input = bootstrap();
  Object.assign(input.static_resources.clusters, [...input.static_resources.clusters, { name: "bad", type: 77 }]);
  const { config, diagnostics } = translate(JSON.stringify(input));
  assert.equal(config.routes.length, 1);
  assert.ok(diagnostics.some(({ severity, resource }) => severity === "error" && resource === 'Cluster "bad"'));
});

test("a result can be sent to another thread", () => {
  const translation = translate(json);
  assert.deepEqual(structuredClone(translation), translation);
});

test("keys of the input reach no prototype", () => {
  const hostile = `{"static_resources": {"__proto__": {"polluted": 1}, "listeners": []}, "constructor": {"prototype": 1},
    "__proto__": {"polluted": 2}, "node": {"id": "x", "metadata": {"__proto__": {"polluted": 3}}}}`;
  const { diagnostics } = translate(hostile);
  assert.ok(diagnostics.some(({ path }) => path === "__proto__"), JSON.stringify(diagnostics));
  const type = (/** @type {string} */ name) => `{"type_url": "type.googleapis.com/x.${name}", "resources": []}`;
  const { summary } = translate("__proto__: {polluted: 4}\nresources: [{__proto__: {polluted: 5}}]\n");
  assert.equal(Object.getPrototypeOf(summary.resources), Object.prototype);
  assert.equal(/** @type {{ polluted?: number }} */ ({}).polluted, undefined);
  translate(type("__proto__"), { from: "discovery-response" });
  assert.deepEqual(Object.keys(Object.prototype), []);
});

test("a type named __proto__ is an own member of the summary", () => {
  // type_url "x.__proto__", no resources
  const bytes = new Uint8Array([0x22, 11, ...new TextEncoder().encode("x.__proto__")]);
  const { summary } = translate(bytes);
  assert.deepEqual(Object.entries(summary.resources), [["__proto__", 0]]);
  assert.equal(Object.getPrototypeOf(summary.resources), Object.prototype);
});
