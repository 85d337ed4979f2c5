// nginx's own pages for statuses without a body.

/** @import { LocalResponse } from "../index.js" */

/** Statuses that have a page, with the title nginx gives them. All others get no body. */
const TITLES = new Map([
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Authorization Required"],
  [402, "Payment Required"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Not Allowed"],
  [406, "Not Acceptable"],
  [408, "Request Time-out"],
  [409, "Conflict"],
  [410, "Gone"],
  [411, "Length Required"],
  [412, "Precondition Failed"],
  [413, "Request Entity Too Large"],
  [414, "Request-URI Too Large"],
  [415, "Unsupported Media Type"],
  [416, "Requested Range Not Satisfiable"],
  [421, "Misdirected Request"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Temporarily Unavailable"],
  [504, "Gateway Time-out"],
  [505, "HTTP Version Not Supported"],
  [507, "Insufficient Storage"],
]);

/**
 * The page of a status, if it has one.
 *
 * @param {number} status
 */
export function errorPage(status) {
  const title = TITLES.get(status);
  if (title === undefined) return undefined;
  const lines = [
    `<html>\r\n<head><title>${status} ${title}</title></head>`,
    `<body>\r\n<center><h1>${status} ${title}</h1></center>`,
    "<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n",
  ];
  return new TextEncoder().encode(lines.join("\r\n"));
}

/**
 * A response that consists of nothing but the page.
 *
 * @param {number} status
 * @returns {LocalResponse}
 */
export function errorResponse(status) {
  const body = errorPage(status) ?? new Uint8Array();
  return { kind: "local", status, headers: [["content-type", ERROR_PAGE_TYPE]], body, source: "error-page" };
}

export const ERROR_PAGE_TYPE = "text/html; charset=utf-8";
