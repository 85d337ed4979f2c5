// The same bytes as the native build, over all fixtures.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { translate } from "../node.js";
import { ROOT, native, withoutNative } from "./support.js";

/** Folders whose files of one ending make one input. */
function inputs() {
  const cases = (/** @type {string} */ folder) => readdirSync(`${ROOT}/${folder}`).map((name) => `${folder}/${name}`);
  const of = (/** @type {string} */ folder, /** @type {(file: string) => boolean} */ is) => ({
    folder,
    files: readdirSync(`${ROOT}/${folder}`).filter(is).sort(),
  });
  const begun = [...cases("src/translator/tests/cases"), ...cases("src/cli/tests/cases")];
  const meshes = ["gateway", "sidecar"].flatMap((node) => cases(`examples/bookinfo/xds/${node}`));
  return [
    ...begun.map((folder) => of(folder, (file) => file.startsWith("input."))),
    ...meshes.flatMap((folder) => [".json", ".pb"].map((ending) => of(folder, (file) => file.endsWith(ending)))),
  ];
}

for (const to of /** @type {const} */ (["json", "yaml"])) {
  test(`the same ${to} as the native build`, { skip: withoutNative }, () => {
    const all = inputs();
    assert.ok(all.length > 30);
    for (const { folder, files } of all) {
      const cwd = `${ROOT}/${folder}`;
      const { code, stdout, stderr } = native(["translate", "--to", to, ...files], { cwd });
      const input = files.map((name) => ({ name, contents: readFileSync(`${cwd}/${name}`) }));
      const { document, report, counts } = translate(input, { to });
      assert.equal(document, stdout, folder);
      assert.equal(report, stderr, folder);
      assert.equal(counts.error > 0 ? 1 : 0, code, folder);
    }
  });
}
