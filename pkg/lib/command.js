// The command: `amesh-wasm translate` and `amesh-wasm explain`, as the `amesh` command has them.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AmeshError, codes, explain, translate } from "../node.js";
import { errorText, readInput, version, writeOutput } from "./command-files.js";
import { HELP } from "./command-help.js";
import { Failure } from "./failure.js";

/** @typedef {import("../index.d.ts").Explanation} Explanation */
/** @typedef {import("../index.d.ts").Translation} Translation */

const CLEAN = 0;
const REFUSED = 1;
const UNUSABLE = 2;

const MIB = 1 << 20;

const FORMS = /** @type {const} */ (["yaml", "json"]);
const REPORT_FORMS = /** @type {const} */ (["text", "json"]);

/**
 * Runs the command; sets the exit code and lets output drain.
 *
 * @param {string[]} words
 */
export function run(words) {
  // Whoever reads has enough (`amesh-wasm translate ... | head`).
  process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? CLEAN : UNUSABLE));
  try {
    process.exitCode = dispatch(words);
  } catch (error) {
    process.stderr.write(`error: ${message(error)}\n`);
    process.exitCode = UNUSABLE;
  }
}

/** @param {unknown} error */
function message(error) {
  if (error instanceof AmeshError && error.kind !== "internal") {
    const advice = error.code === "unknown-kind" ? "; name it with --from" : "";
    return error.path === undefined ? error.message : `${error.path}: ${error.message}${advice}`;
  }
  return error instanceof Failure ? error.message : String(error);
}

/** @param {string[]} words */
function dispatch([command, ...words]) {
  switch (command) {
    case "translate":
      return translateFiles(words);
    case "explain":
      return explainCode(words);
    case "--version":
    case "-V":
      return say(`amesh-wasm ${version()}\n`);
    case "help":
    case "--help":
    case "-h":
      return say(HELP);
    default: {
      const what = command === undefined ? "a command is missing" : `there is no command '${command}'`;
      throw new Failure(`${what}; amesh-wasm --help lists them`);
    }
  }
}

/** @param {string} text */
function say(text) {
  process.stdout.write(text);
  return CLEAN;
}

const OPTIONS = /** @type {const} */ ({
  to: { type: "string", default: "yaml" },
  from: { type: "string" },
  output: { type: "string", short: "o" },
  format: { type: "string", default: "text" },
  quiet: { type: "boolean", short: "q", default: false },
  "deny-warnings": { type: "boolean", default: false },
  "listen-port": { type: "string", multiple: true },
  instance: { type: "string" },
  "max-size": { type: "string", default: "200" },
  help: { type: "boolean", short: "h", default: false },
});

/** @param {string[]} words */
function parse(words) {
  try {
    return parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Failure(errorText(error));
  }
}

/** @param {string[]} words */
function translateFiles(words) {
  const { values, positionals } = parse(words);
  if (values.help) return say(HELP);
  if (positionals.length === 0) throw new Failure("which files? - is standard input");
  const form = choice(values.format, REPORT_FORMS, "--format");
  const maxBytes = number(values["max-size"], "--max-size") * MIB;
  const input = positionals.map((path) => readInput(path, maxBytes));
  const translation = translate(input, {
    to: choice(values.to, FORMS, "--to"),
    from: /** @type {import("../index.d.ts").Kind | undefined} */ (values.from),
    listenPorts: (values["listen-port"] ?? []).map((port) => number(port, "--listen-port")),
    instance: values.instance,
    quiet: values.quiet,
    maxBytes,
  });
  if (values.output === undefined) say(translation.document);
  else writeOutput(values.output, translation.document);
  process.stderr.write(form === "json" ? json(translation, values.quiet) : translation.report);
  const { error, warning } = translation.counts;
  return error > 0 || (values["deny-warnings"] && warning > 0) ? REFUSED : CLEAN;
}

/**
 * @param {Translation} translation
 * @param {boolean} quiet
 */
function json({ counts, diagnostics, summary }, quiet) {
  const shown = quiet ? diagnostics.filter(({ severity }) => severity === "error") : diagnostics;
  return JSON.stringify({ counts, diagnostics: shown, summary }) + "\n";
}

/**
 * @param {string} text
 * @param {string} option
 */
function number(text, option) {
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`${option}: '${text}' is no number`);
  return Number(text);
}

/**
 * @template {string} T
 * @param {string} text
 * @param {readonly T[]} allowed
 * @param {string} option
 * @returns {T}
 */
function choice(text, allowed, option) {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new Failure(`${option}: '${text}' is none of ${allowed.join(", ")}`);
  return found;
}

/** @param {string[]} words */
function explainCode([code]) {
  if (code === undefined) return say(codes().map(line).join(""));
  try {
    return say(page(explain(code)));
  } catch (error) {
    if (!(error instanceof AmeshError) || error.code !== "unknown-code") throw error;
    throw new Failure(`${error.message}; \`amesh-wasm explain\` lists all`);
  }
}

/** @param {Explanation} explanation */
function line({ code, severityMeans, title }) {
  const [word = ""] = severityMeans.split(":");
  return `${code}  ${word.padEnd(7)}  ${title}\n`;
}

/** @param {Explanation} explanation */
function page({ code, title, severityMeans, fidelityMeans }) {
  const text = readFileSync(new URL(`../dist/codes/${code}.md`, import.meta.url), "utf8");
  return `${code}  ${title}\n\n  severity  ${severityMeans}\n  fidelity  ${fidelityMeans}\n\n${body(text)}`;
}

/**
 * A page's Markdown for a terminal: blocks stand to the right.
 *
 * @param {string} text
 */
function body(text) {
  let isInBlock = false;
  const shown = (/** @type {string} */ line) => {
    if (line.startsWith("```")) isInBlock = !isInBlock;
    else if (isInBlock) return line === "" ? "\n" : `    ${line}\n`;
    // Links are relative to the page.
    else return `${line.replace(/^## /, "").replaceAll("](../", "](docs/")}\n`;
    return "";
  };
  return text.replace(/\n$/, "").split("\n").map(shown).join("");
}
