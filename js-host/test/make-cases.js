// Makes the modules of src/host/tests/cases, which both hosts play: `node js-host/test/make-cases.js FOLDER FILES CASES
// SEED`. Each is a plugin whose callbacks call random host functions with arguments that often mean something.
import { writeFileSync } from "node:fs";

const [folder = ".", files = "3", cases = "40", seed = "1"] = process.argv.slice(2);

let state = Number(seed) >>> 0;

/** The next of a sequence of numbers below `below` (mulberry32). @param {number} below */
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}

/** @template T @param {readonly T[]} values @returns {T} */
const one = (values) => /** @type {T} */ (values[random(values.length)]);

/** @param {number} most @param {() => string} make */
const some = (most, make) => Array.from({ length: random(most + 1) }, make);

const OUT = "(i32.const 8) (i32.const 12)";
const NAMES = ["host", "X-A", "x-a", "x_b", "Cookie", "content-type", "Server", "etag", ":path", ":method", ":status"];
const MORE_NAMES = [...NAMES, ":authority", ":scheme", "x-forwarded-proto", "", "Location"];
const VALUES = ["", "1", "abc", "/p q?r=1", "GET", "200", "a=1; b=2", "\u00e9", "70000", "+7"];
const PROPERTIES =
  "uri args request_uri host http_host http_x_a http_x_b arg_x ARG_X cookie_b scheme request_method pid";
const MORE_PROPERTIES = `${PROPERTIES} no_such content_length content_type upstream_scheme plugin_root_id limit_rate query_string`;
const SETTABLE = ["wasm_process_req_body", "wasm_process_resp_body", "upstream_host", "args", "uri", "no_such", "pid"];
const UPSTREAMS = [
  "h",
  "h:80",
  "127.0.0.1:9180",
  "[::1]:80",
  "[::1]",
  "h:0",
  "h:65536",
  "",
  "a/b",
  "unix:/x",
  "h:x",
  "h:",
];
const PSEUDO = ":method=PUT|:scheme=https|:path=p?x=1|:authority=gate";

const number = (/** @type {readonly number[]} */ values) => `(i32.const ${one(values)})`;
const text = (/** @type {readonly string[]} */ values) => `@"${one(values)}"`;
const kind = () => number([0, 0, 0, 2, 2, 6, 6, 1, 7]);
const pairs = () => some(3, () => `${one(MORE_NAMES)}=${one(VALUES)}`).join("|");

/** @type {Record<string, () => string>} */
const READS = {
  property: () => `$proxy_get_property ${text(MORE_PROPERTIES.split(" "))} ${OUT}`,
  header: () => `$proxy_get_header_map_value ${kind()} ${text(MORE_NAMES)} ${OUT}`,
  map: () => `$proxy_get_header_map_pairs ${kind()} ${OUT}`,
  configuration: () => `$proxy_get_configuration ${OUT}`,
  buffer: () =>
    `$proxy_get_buffer_bytes ${number([0, 1, 4, 7, 2])} ${number([0, 0, 1, 9, -1])} ${number([1, 3, 99, 99, 0, -1])} ${OUT}`,
};

/** @type {Record<string, () => string>} */
const WRITES = {
  property: () => `$proxy_set_property ${text(SETTABLE)} ${text(["1", "x", ""])}`,
  add: () => `$proxy_add_header_map_value ${kind()} ${text(MORE_NAMES)} ${text(VALUES)}`,
  replace: () => `$proxy_replace_header_map_value ${kind()} ${text(MORE_NAMES)} ${text(VALUES)}`,
  remove: () => `$proxy_remove_header_map_value ${kind()} ${text(MORE_NAMES)}`,
  log: () => `$proxy_log ${number([0, 2, 3, 4, 5, 7, -1])} ${text(VALUES)}`,
  far: () => `$proxy_log (i32.const 3) ${number([131072, 131071, -2147483648, 0])} ${number([1, 4])}`,
};

/** @param {string} status */
const send = (status) =>
  `$proxy_send_local_response ${status} (i32.const 0) (i32.const 0) ${text(["", "body", "{}"])} @map"${pairs()}" (i32.const -1)`;
const call = () => {
  const map = one([`${PSEUDO}|${pairs()}`, `${PSEUDO}|${pairs()}`, `${PSEUDO}|${pairs()}`, pairs(), ":path=/only"]);
  const rest = `${text(["", "sent"])} (i32.const 0) (i32.const 0) ${number([0, 300, 5, -1])} (i32.const 16)`;
  return `$proxy_http_call ${text([...UPSTREAMS, "h:80", "h:80", "h:80"])} @map"${map}" ${rest}`;
};
const STATUSES = [200, 201, 204, 302, 404, 500, 503, 599, 418, 99, 0];

function statement() {
  if (random(100) === 0) return "unreachable";
  const chance = random(20);
  if (chance < 9) return `(call $tell (call ${one(Object.values(READS))()}))`;
  if (chance < 17) return `(call $note (call ${one(Object.values(WRITES))()}))`;
  return `(call $note (call ${chance < 18 ? send(number(STATUSES)) : call()}))`;
}

const statements = () => Array.from({ length: 1 + random(6) }, statement).join("\n");

/** The end of a callback that decides: Pause mostly where something is pending. @param {string} code */
function action(code) {
  if (random(12) === 0) return number([-1, 2, 99, 100, 404, 1]);
  const isHeld = /proxy_http_call|proxy_send_local/.test(code) && random(3) > 0;
  return isHeld ? "(i32.const 1)" : "(i32.const 0)";
}

/** @param {string} name @param {number} parameters @param {"action" | "one" | "none"} result */
function callback(name, parameters, result) {
  // Calls that follow on calls come to an end.
  const inReply = (/** @type {string} */ line) =>
    line.includes("proxy_http_call") ? `(if (i32.lt_u (local.get 1) (i32.const 3)) (then ${line}))` : line;
  // The plugin context is there before any request.
  const made = name === "context_create" ? statements().replaceAll("unreachable", "") : statements();
  const lines = made.split("\n").map(name === "http_call_response" ? inReply : String);
  const code = `(call $note (local.get ${random(parameters)}))\n${lines.join("\n")}`;
  const end = result === "action" ? action(code) : result === "one" ? "(i32.const 1)" : "";
  const type = `(param${" i32".repeat(parameters)})${result === "none" ? "" : " (result i32)"}`;
  return `(func (export "proxy_on_${name}") ${type}\n${code}\n${end})`;
}

/** @type {[string, number, "action" | "one" | "none"][]} */
const CALLBACKS = [
  ["request_body", 3, "action"],
  ["http_call_response", 5, "none"],
  ["response_headers", 3, "action"],
  ["response_body", 3, "action"],
  ["done", 1, "one"],
  ["delete", 1, "none"],
  ["context_create", 2, "none"],
];

function request() {
  const headers = [
    ["host", one(["Example.com:9080", "h", "[::1]:80"])],
    ["X-A", "1"],
    ["x_b", "2"],
    ["x-b", "3"],
    ["Cookie", "a=1; B=2"],
  ];
  const replies = some(2, () =>
    JSON.stringify(
      one([
        null,
        {
          status: 202,
          headers: [
            ["X-A", "b"],
            ["etag", "\u00ff"],
          ],
          body: "done",
        },
        { status: 500, headers: [], body: "" },
      ]),
    ),
  );
  return {
    method: one(["GET", "POST"]),
    target: one(["/", "/a%2Fb?x=1&X=2", "/a?"]),
    headers: headers.filter(() => random(8) > 0),
    body: one(["", "hello"]),
    replies: replies.map((reply) => JSON.parse(reply)),
  };
}

for (let file = 1; file <= Number(files); file += 1) {
  const made = Array.from({ length: Number(cases) }, () => {
    const rest = CALLBACKS.filter(() => random(3) > 0).map(([name, parameters, result]) =>
      callback(name, parameters, result),
    );
    const plugin = [callback("request_headers", 3, "action"), ...rest].join("\n");
    return { text: plugin, strict: random(3) > 0, requests: [request(), request()] };
  });
  const lines = made.map((one) => JSON.stringify(one));
  writeFileSync(`${folder}/random-${file}.json`, `[\n${lines.join(",\n")}\n]\n`);
}
