// What every entry of the package exports.
export { AmeshError } from "./error.js";
export { codes, explain } from "./explain.js";
export { translate } from "./files.js";
export { Translator } from "./translator.js";
