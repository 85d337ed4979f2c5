// A control plane that serves files (`amesh serve`), and as much of an ADS client as its answers need.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:http2";

const STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

/** @typedef {{ bytes: Buffer, names: string[] }} Message a DiscoveryResponse, and the names of its resources */

/**
 * Serves files as they are served to Envoy.
 *
 * @param {string} program
 * @param {string[]} files
 * @param {string} cwd
 */
export async function serve(program, files, cwd) {
  const child = spawn(program, ["serve", "--listen", "127.0.0.1:0", ...files], {
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  for await (const part of child.stderr.setEncoding("utf8")) {
    said += part;
    const url = /serving xDS on (http:\/\/[0-9.:]+[0-9])/.exec(said)?.[1];
    if (url !== undefined) return { url, stop: () => stop(child) };
  }
  throw new Error(said);
}

/** @param {import("node:child_process").ChildProcess} child */
async function stop(child) {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** One ADS stream, state of the world. */
export class Stream {
  #session;
  #stream;
  /** Whole messages that nobody has taken yet. @type {Buffer[]} */
  #waiting = [];
  #received = Buffer.alloc(0);

  /** @param {string} url */
  constructor(url) {
    this.#session = connect(url);
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": STREAM,
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#stream.on("data", (part) => this.#take(part));
  }

  close() {
    this.#session.destroy();
  }

  /** @param {Buffer} part */
  #take(part) {
    this.#received = Buffer.concat([this.#received, part]);
    // A frame of gRPC: a flag, the length, the message.
    while (this.#received.length >= 5) {
      const end = 5 + this.#received.readUInt32BE(1);
      if (this.#received.length < end) return;
      this.#waiting.push(this.#received.subarray(5, end));
      this.#received = this.#received.subarray(end);
    }
  }

  /**
   * A DiscoveryRequest: a subscription, or with version and nonce an ACK.
   *
   * @param {string} type
   * @param {Iterable<string>} names none: everything
   * @param {{ version?: string, nonce?: string }} [acknowledged]
   */
  request(type, names, { version = "", nonce = "" } = {}) {
    const node = Buffer.concat([text(1, "amesh-js-host")]);
    const parts = [
      text(1, version),
      text(2, node),
      ...Array.from(names, (name) => text(3, name)),
      text(4, type),
      text(5, nonce),
    ];
    const message = Buffer.concat(parts);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    this.#stream.write(Buffer.concat([head, message]));
  }

  /**
   * The next response; undefined if none comes in time.
   *
   * @param {number} milliseconds
   * @returns {Promise<Message | undefined>}
   */
  async response(milliseconds) {
    const deadline = Date.now() + milliseconds;
    while (this.#waiting.length === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return undefined;
    // Resources are Any: field 2 is the resource, whose field 1 is its name in all types that are asked for by name.
    const resources = fields(bytes, 2).flatMap((any) => fields(any, 2));
    return { bytes, names: resources.map((resource) => String(fields(resource, 1)[0] ?? "")) };
  }
}

/**
 * A length-delimited field of a protobuf message; nothing for an empty one.
 *
 * @param {number} field
 * @param {string | Buffer} value
 */
function text(field, value) {
  const bytes = Buffer.from(value);
  return bytes.length === 0 ? bytes : Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

/** @param {number} value */
function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/**
 * All values of a length-delimited field.
 *
 * @param {Buffer} message
 * @param {number} wanted
 */
function fields(message, wanted) {
  const found = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const [key, value] = [number(), number()];
    // All fields before those wanted here are length-delimited too.
    if (key % 8 !== 2) break;
    if (Math.floor(key / 8) === wanted) found.push(message.subarray(at, at + value));
    at += value;
  }
  return found;
}
