// Between bytes and text. A byte string has one character a byte.

/** @param {string | Uint8Array | undefined} value */
export function toBytes(value) {
  return typeof value === "string" ? Buffer.from(value, "utf8") : (value ?? new Uint8Array());
}

/** @param {string} byteString */
export function fromByteString(byteString) {
  return Buffer.from(byteString, "latin1");
}

/** @param {Uint8Array} bytes */
export function toByteString(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/**
 * Text; what is not UTF-8 is replaced.
 *
 * @param {Uint8Array} bytes
 */
export function toText(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

/**
 * The text that a byte string holds.
 *
 * @param {string} byteString
 */
export function decoded(byteString) {
  return toText(fromByteString(byteString));
}

/**
 * @param {string} one
 * @param {string} other
 */
export function sameName(one, other) {
  return one.toLowerCase() === other.toLowerCase();
}
