// The types of a module's imports, which JavaScript does not tell. The module has been validated by then.

/** @typedef {{ parameters: readonly string[], results: readonly string[] }} FunctionType */
/** @typedef {{ module: string, name: string, type?: FunctionType }} Import a type if it is a function */

const TYPE_SECTION = 1;
const IMPORT_SECTION = 2;
const VALUE_TYPES = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

class Reader {
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  get isDone() {
    return this.#at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.#at++] ?? 0;
  }

  /** An unsigned number in LEB128. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** Bytes, their number before them. */
  part() {
    const length = this.number();
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  text() {
    return new TextDecoder().decode(this.part());
  }

  /**
   * @template T
   * @param {() => T} read
   */
  list(read) {
    return Array.from({ length: this.number() }, read);
  }

  /** A minimum, and a maximum where the flags say so. */
  limits() {
    const flags = this.number();
    this.number();
    if ((flags & 1) === 1) this.number();
  }

  valueTypes() {
    return this.list(() => /** @type {Record<number, string>} */ (VALUE_TYPES)[this.byte()] ?? "unknown");
  }
}

/**
 * @param {Uint8Array} bytes a valid module
 * @returns {Import[]}
 */
export function importsOf(bytes) {
  const module = new Reader(bytes.subarray(8));
  /** @type {FunctionType[]} */
  let types = [];
  while (!module.isDone) {
    const id = module.byte();
    const section = new Reader(module.part());
    if (id === TYPE_SECTION) types = section.list(() => functionType(section));
    if (id === IMPORT_SECTION) return section.list(() => importOf(section, types));
  }
  return [];
}

/**
 * @param {Reader} reader
 * @returns {FunctionType}
 */
function functionType(reader) {
  reader.byte(); // the mark of a function type
  return { parameters: reader.valueTypes(), results: reader.valueTypes() };
}

/**
 * @param {Reader} reader
 * @param {readonly FunctionType[]} types
 * @returns {Import}
 */
function importOf(reader, types) {
  const [module, name, kind] = [reader.text(), reader.text(), reader.byte()];
  if (kind === 0) return { module, name, type: types[reader.number()] };
  if (kind !== 2) reader.byte(); // of a table's or a global's value type
  if (kind === 3)
    reader.byte(); // whether a global can change
  else reader.limits();
  return { module, name };
}
