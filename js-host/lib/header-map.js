// The serialised header map of proxy-wasm: a count, the lengths of all names and values, then the texts, each followed
// by a zero byte; numbers are 32 bits, little endian.
import { fromByteString, toByteString, toText } from "./bytes.js";
import { crash } from "./errors.js";

/** @import { Header } from "../index.js" */

/** @param {readonly Header[]} headers */
export function encode(headers) {
  const texts = headers.flatMap(([name, value]) => [Buffer.from(name, "utf8"), fromByteString(value)]);
  const numbers = [headers.length, ...texts.map((text) => text.length)];
  const head = new DataView(new ArrayBuffer(numbers.length * 4));
  numbers.forEach((number, index) => head.setUint32(index * 4, number, true));
  const zero = new Uint8Array(1);
  return Buffer.concat([new Uint8Array(head.buffer), ...texts.flatMap((text) => [text, zero])]);
}

/**
 * Reads a map. The host checks no length, so one that leads out of the bytes is a crash.
 *
 * @param {Uint8Array} bytes
 * @returns {Header[]}
 */
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const number = (/** @type {number} */ at) => {
    const value = at + 4 <= bytes.length ? view.getInt32(at, true) : -1;
    if (value < 0) throw crash("header map whose lengths lead out of it");
    return value;
  };
  const count = number(0);
  let at = 4 + count * 8;
  const text = (/** @type {number} */ length) => {
    const end = at + length;
    if (end >= bytes.length) throw crash("header map whose lengths lead out of it");
    const taken = bytes.subarray(at, end);
    at = end + 1;
    return taken;
  };
  // One by one: a count that is too large fails at the first length that is not there.
  /** @type {Header[]} */
  const headers = [];
  for (let index = 0; index < count; index += 1) {
    const [name, value] = [number(4 + index * 8), number(8 + index * 8)];
    headers.push([toText(text(name)), toByteString(text(value))]);
  }
  return headers;
}
