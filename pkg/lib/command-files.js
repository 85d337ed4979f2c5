// Files of the command: read with a limit, written in one step.
import * as fs from "node:fs";
import * as path from "node:path";
import { Failure } from "./failure.js";

const MIB = 1 << 20;
const STDIN = 0;

/** @param {unknown} error */
export function errorText(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads a file (`-`: standard input) of up to so many bytes.
 *
 * @param {string} file
 * @param {number} maxBytes
 */
export function readInput(file, maxBytes) {
  const name = file === "-" ? "<stdin>" : file;
  try {
    if (file !== "-" && fs.statSync(file).size > maxBytes) throw tooLarge(name, maxBytes);
    const contents = fs.readFileSync(file === "-" ? STDIN : file);
    if (contents.length > maxBytes) throw tooLarge(name, maxBytes);
    return { name, contents };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${name}: cannot be read: ${errorText(error)}`);
  }
}

/**
 * @param {string} name
 * @param {number} maxBytes
 */
function tooLarge(name, maxBytes) {
  return new Failure(`${name}: is larger than ${maxBytes / MIB} MiB, the limit (--max-size)`);
}

/**
 * Puts a file in place in one step: readers see the old contents or the new. Makes the folder.
 *
 * @param {string} file
 * @param {string} text
 */
export function writeOutput(file, text) {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(beside, text);
    fs.renameSync(beside, file);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw new Failure(`${file}: cannot be written: ${errorText(error)}`);
  }
}

/** This package's version. */
export function version() {
  const text = fs.readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return JSON.parse(text).version;
}
