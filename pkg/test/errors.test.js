// What is thrown, and for what.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AmeshError, Translator, explain, translate } from "../node.js";

/**
 * @param {() => unknown} run
 * @returns {Partial<AmeshError>}
 */
function thrown(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AmeshError, String(error));
    assert.ok(error instanceof Error);
    assert.equal(error.name, "AmeshError");
    const { code, kind, path, line, column } = error;
    return JSON.parse(JSON.stringify({ code, kind, path, line, column }));
  }
  return assert.fail("nothing was thrown");
}

/** @param {string | Uint8Array} contents */
const read = (contents) => thrown(() => translate({ name: "f", contents }));

test("input that cannot be read", () => {
  const kind = "input";
  const path = "f";
  assert.deepEqual(read('{"a": 1,\n  b}'), { code: "json-syntax", kind, path, line: 2, column: 3 });
  assert.deepEqual(read("a: 1\nb: [\n"), { code: "yaml-syntax", kind, path, line: 2, column: 4 });
  assert.deepEqual(read(new Uint8Array([0xff, 0, 1])), { code: "protobuf-syntax", kind, path });
  assert.deepEqual(read(""), { code: "empty-input", kind, path });
  assert.deepEqual(read("# nothing\n"), { code: "empty-input", kind, path });
  assert.deepEqual(read("apiVersion: v1\n"), { code: "unknown-kind", kind, path });
  assert.deepEqual(thrown(() => translate("[]", { from: "bootstrap" })).code, "wrong-kind");
  const binary = new Uint8Array([0x22, 3, 0x61, 0x2e, 0x62]);
  assert.deepEqual(thrown(() => translate(binary, { from: "bootstrap" })).code, "binary-input");
  assert.deepEqual(thrown(() => translate("{}", { maxBytes: 1 })), { code: "input-too-large", kind });
});

test("hostile input ends soon", () => {
  const deep = (/** @type {string} */ open) => read(open.repeat(1_000_000)).kind;
  assert.equal(deep("["), "input");
  assert.equal(deep('{"a":'), "input");
  assert.equal(deep("- "), "input");
  const levels = Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]`);
  assert.equal(read(`a0: &a0 [x]\n${levels.join("\n")}\n`).code, "yaml-syntax");
});

test("calls that make no sense", () => {
  const bad = (/** @type {unknown} */ value) => /** @type {any} */ (value);
  const argument = { code: "invalid-argument", kind: "usage" };
  const option = { code: "invalid-option", kind: "usage" };
  assert.deepEqual(thrown(() => translate(bad(undefined))), { ...argument, path: "input" });
  assert.deepEqual(thrown(() => translate(bad([1]))), { ...argument, path: "input" });
  assert.deepEqual(thrown(() => translate({ name: "f", contents: bad(1) })), { ...argument, path: "f" });
  assert.deepEqual(thrown(() => translate("{}", bad("yaml"))), { ...argument, path: "options" });
  assert.deepEqual(thrown(() => translate("{}", bad({ lisenPorts: [80] }))), { ...option, path: "lisenPorts" });
  assert.deepEqual(thrown(() => translate("{}", { listenPorts: [80, 70000] })), { ...option, path: "listenPorts[1]" });
  assert.deepEqual(thrown(() => translate("{}", bad(JSON.parse('{"__proto__": 1}')))), { ...option, path: "__proto__" });
  assert.deepEqual(thrown(() => translate("{}", bad({ to: "xml" }))).code, "invalid-option");
  assert.deepEqual(thrown(() => translate("a: 1", { from: bad("x") })), { ...option, path: "from" });
  assert.deepEqual(thrown(() => translate("{}", bad({ maxBytes: 1n }))), option);
  assert.deepEqual(thrown(() => new Translator({ instance: "no spaces" })), { ...option, path: "instance" });
  assert.deepEqual(thrown(() => explain("AM9999")), { code: "unknown-code", kind: "usage" });
  const translator = new Translator();
  assert.deepEqual(thrown(() => translator.ingest(bad("text"))), { ...argument, path: "message" });
  translator.free();
  translator.free();
  assert.deepEqual(thrown(() => translator.pending()), { code: "freed", kind: "usage" });
});
