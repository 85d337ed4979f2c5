// What can go wrong when a module is loaded or a request is handled.
import { errorResponse } from "./error-page.js";

export class LoadError extends Error {
  /**
   * @param {import("../index.js").LoadErrorKind} kind
   * @param {string} message
   * @param {ErrorOptions & { problems?: readonly string[] }} [options]
   */
  constructor(kind, message, options = {}) {
    super(message, options);
    this.name = "LoadError";
    this.kind = kind;
    this.problems = options.problems ?? [];
  }
}

export class HostError extends Error {
  /**
   * @param {import("../index.js").HostErrorKind} kind
   * @param {string} message
   * @param {ErrorOptions & { callback?: string }} [options]
   */
  constructor(kind, message, options = {}) {
    super(message, options);
    this.name = "HostError";
    this.kind = kind;
    this.callback = options.callback;
  }

  get response() {
    const answered = ["trapped", "callback-failed", "configuration"].includes(this.kind);
    return answered ? errorResponse(503) : undefined;
  }
}

/** @param {string} what kills or blocks an nginx worker */
export function crash(what) {
  return new HostError("would-crash-worker", `an nginx worker would crash: ${what}`);
}
