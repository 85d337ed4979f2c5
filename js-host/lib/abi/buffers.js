// Reading bodies and the plugin configuration. Nothing can be written.
import { crash } from "../errors.js";
import { Status, Stop } from "../guest.js";

/** @import { Handler } from "../guest.js" */

const REQUEST_BODY = 0;
const RESPONSE_BODY = 1;
const CALL_RESPONSE_BODY = 4;
const PLUGIN_CONFIGURATION = 7;

/** `proxy_get_buffer_bytes`. @type {Handler} */
export const get = (guest, kind, start, size, addressOut, sizeOut) => {
  const buffer = bufferOf(guest, kind);
  if (buffer === undefined || buffer.length === 0) throw new Stop(Status.NotFound);
  // The configuration comes always as a whole: start and size are not looked at.
  const part = kind === PLUGIN_CONFIGURATION ? buffer : slice(buffer, start, size);
  guest.give(part, addressOut, sizeOut);
};

/** `proxy_get_configuration`. @type {Handler} */
export const getConfiguration = (guest, addressOut, sizeOut) => {
  const { scope } = guest.state;
  if (scope === undefined) throw new Stop(Status.NotFound);
  guest.give(scope.configuration, addressOut, sizeOut);
};

/**
 * @param {import("../guest.js").Guest} guest
 * @param {number} kind
 */
function bufferOf(guest, kind) {
  switch (kind) {
    case PLUGIN_CONFIGURATION:
      return guest.state.scope?.configuration;
    case REQUEST_BODY:
    case RESPONSE_BODY:
      return guest.state.scope?.body;
    case CALL_RESPONSE_BODY:
      return guest.reply()?.body;
    default:
      throw new Stop(Status.Unimplemented);
  }
}

/**
 * The part asked for, cut at the end of the buffer.
 *
 * @param {Uint8Array} buffer
 * @param {number} start
 * @param {number} size
 */
function slice(buffer, start, size) {
  if (start < 0 || size <= 0 || start >= buffer.length) throw new Stop(Status.BadArgument);
  if (start + size > 0x7fffffff) throw crash(`buffer request from ${start} for ${size} bytes: the sum overflows`);
  return buffer.subarray(start, start + size);
}
