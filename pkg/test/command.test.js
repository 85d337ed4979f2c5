// The command: the same results, diagnostics and exit codes as the native one.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { codes } from "../node.js";
import { ROOT, bootstrap, command, native, withoutNative } from "./support.js";

const CASES = `${ROOT}/src/cli/tests/cases`;

test("the cases of the native command", () => {
  for (const name of readdirSync(CASES)) {
    const cwd = `${CASES}/${name}`;
    const files = readdirSync(cwd).filter((file) => file.startsWith("input.")).sort();
    const { code, stdout, stderr } = command(["translate", ...files], { cwd });
    assert.equal(stdout, readFileSync(`${cwd}/expected.yaml`, "utf8"), name);
    assert.equal(`${stderr}exit code ${code}\n`, readFileSync(`${cwd}/expected.diagnostics.txt`, "utf8"), name);
  }
});

test("a result in a file", () => {
  const folder = mkdtempSync(`${tmpdir()}/amesh-`);
  try {
    const file = `${folder}/made/apisix.yaml`;
    const input = JSON.stringify(bootstrap());
    const { code, stdout, stderr } = command(["translate", "-", "-q", "-o", file], { input });
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    assert.match(readFileSync(file, "utf8"), /#END\n$/);
    assert.deepEqual(readdirSync(`${folder}/made`), ["apisix.yaml"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("diagnostics as JSON, and warnings that count", { skip: withoutNative }, () => {
  const words = ["translate", "--format", "json", "--deny-warnings", "--listen-port", "80", "input.envoy.yaml"];
  const cwd = `${CASES}/bootstrap`;
  const [ours, theirs] = [command(words, { cwd }), native(words, { cwd })];
  assert.equal(ours.code, theirs.code);
  assert.deepEqual(JSON.parse(ours.stderr), JSON.parse(theirs.stderr));
});

test("bad usage and bad input end with 2", { skip: withoutNative }, () => {
  for (const file of ["nothing-here.yaml", "."]) assert.equal(command(["translate", file]).code, 2);
  for (const words of [[], ["nope"], ["translate"], ["translate", "--nope", "x"], ["translate", "--to", "xml", "x"]]) {
    const { code, stderr } = command(words);
    assert.equal(code, 2, words.join(" "));
    assert.match(stderr, /^error: [^\n]+\n$/);
  }
  for (const input of ["{", "a: [", "apiVersion: v1", ""]) {
    const [ours, theirs] = [command(["translate", "-"], { input }), native(["translate", "-"], { input })];
    assert.deepEqual(ours, theirs);
  }
});

test("codes are explained as by the native command", { skip: withoutNative }, () => {
  for (const words of [["explain"], ["explain", "am0103"]]) assert.deepEqual(command(words), native(words));
  for (const { code } of codes()) assert.deepEqual(command(["explain", code]), native(["explain", code]), code);
  assert.equal(command(["explain", "AM9999"]).code, 2);
});

test("a result comes within a second", () => {
  const started = performance.now();
  assert.equal(command(["translate", "-"], { input: JSON.stringify(bootstrap()) }).code, 0);
  const taken = performance.now() - started;
  // A busy machine gets five times as long.
  assert.ok(taken < 5000, `${taken} ms`);
});
