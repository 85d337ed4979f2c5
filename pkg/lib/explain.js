// What the diagnostic codes stand for.
import { AmeshError } from "./error.js";
import { callForJson } from "./raw.js";

/** @typedef {import("../index.d.ts").Explanation} Explanation */

/** @returns {Explanation[]} */
export function codes() {
  return callForJson((raw) => raw.codes());
}

/**
 * @param {string} code
 * @returns {Explanation}
 */
export function explain(code) {
  const wanted = String(code).toUpperCase();
  const found = codes().find((explanation) => explanation.code === wanted);
  if (found === undefined) {
    throw new AmeshError({ code: "unknown-code", kind: "usage", message: `there is no code ${JSON.stringify(code)}` });
  }
  return found;
}
