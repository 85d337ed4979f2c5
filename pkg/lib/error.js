/** @typedef {import("../index.d.ts").AmeshErrorCode} Code */
/** @typedef {import("../index.d.ts").AmeshErrorKind} Kind */

/** What every function of this package throws; see index.d.ts. */
export class AmeshError extends Error {
  /**
   * @param {{ code: Code, kind: Kind, message: string, path?: string, line?: number, column?: number }} failure
   * @param {ErrorOptions} [options]
   */
  constructor({ code, kind, message, path, line, column }, options) {
    super(message, options);
    this.name = "AmeshError";
    /** @type {Code} */
    this.code = code;
    /** @type {Kind} */
    this.kind = kind;
    /** @type {string | undefined} */
    this.path = path;
    /** @type {number | undefined} */
    this.line = line;
    /** @type {number | undefined} */
    this.column = column;
  }
}

/**
 * @param {string} message
 * @param {string} [path]
 */
export function badArgument(message, path) {
  return new AmeshError({ code: "invalid-argument", kind: "usage", message, path });
}
