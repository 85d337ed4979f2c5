/**
 * A header line: name and value. Each character of the value is one byte (U+0000 to U+00FF), as in Node's `http` and in
 * `fetch`. Names keep the case they came with; the module sees request headers in lower case.
 */
export type Header = readonly [name: string, value: string];

/** A request from the client. */
export interface HttpRequest {
  /** As sent; default `GET`. */
  readonly method?: string;
  /** Default `http`. */
  readonly scheme?: "http" | "https";
  /** The raw target as sent (`/w/x%2Fy?q=1`), the module's `:path`; default `/`. */
  readonly target?: string;
  /** All headers, Host included; default `host: localhost`. */
  readonly headers?: readonly Header[];
  /** The whole body; text is sent as UTF-8. */
  readonly body?: string | Uint8Array;
}

/** An HTTP call that the module dispatched, as APISIX hands it to its HTTP client. */
export interface HttpCall {
  /** `host[:port]` as the module named it: where to connect. */
  readonly upstream: string;
  /** From `:method`. */
  readonly method: string;
  /** From `:scheme`. */
  readonly scheme: string;
  /** From `:path`, with a leading slash; empty if the module gave none (the client then sends `/`). */
  readonly path: string;
  /** All other headers in order. `:authority` comes as `host`. */
  readonly headers: readonly Header[];
  /** Empty for none. */
  readonly body: Uint8Array;
  /** In milliseconds; undefined: the module gave no limit (or 0), the client's default holds. */
  readonly timeout: number | undefined;
}

/** The reply to an HTTP call. */
export interface HttpReply {
  readonly status: number;
  /** The module sees their names in lower case. */
  readonly headers?: readonly Header[];
  readonly body?: string | Uint8Array;
}

/**
 * Performs an HTTP call. `undefined` means that it failed, whatever the reason: the module's callback then sees 0
 * headers and 0 bytes of body.
 */
export type HttpCaller = (call: HttpCall) => HttpReply | undefined | Promise<HttpReply | undefined>;

/** What the client receives when the module answers. */
export interface LocalResponse {
  readonly kind: "local";
  readonly status: number;
  /** Never `Server`, which APISIX sets itself. No `Content-Length` unless the module set one: it is sent chunked. */
  readonly headers: readonly Header[];
  /** As the client receives it. */
  readonly body: Uint8Array;
  /** Who made the body; an error page is nginx's HTML for a status of 300 and above when the module gave no body. */
  readonly source: "module" | "error-page";
}

/** The module let the request go on to the route's upstream. No response of an upstream is fed to the module. */
export interface UpstreamRequest {
  readonly kind: "upstream";
  /** As sent, or as the module set it. */
  readonly method: string;
  /** As sent, or the module's `:path` escaped as a path: it cannot carry a query. */
  readonly target: string;
  /** With the module's changes. */
  readonly headers: readonly Header[];
  /** Headers that the module already set for the response. */
  readonly responseHeaders: readonly Header[];
}

/** How a request ended. */
export type HttpResponse = LocalResponse | UpstreamRequest;

/**
 * nginx variables that do not follow from the request itself, such as `remote_addr`, `server_port`, `request_id`,
 * `pid`, `msec`: by name in lower case. APISIX's own variables (`route_id` and others) are not visible to a module.
 */
export type Variables = Readonly<Record<string, string>> | ((name: string) => string | undefined);

/** nginx's severities. proxy-wasm's trace and debug are `debug`, its critical is `emerg`. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "emerg";

/** Settings of a module and its instances. */
export interface Config {
  /** Lines below it are dropped; default `warn`, as in APISIX. */
  readonly logLevel?: LogLevel;
  /** Where the lines of the module and of the host go; by default nowhere. */
  readonly log?: (level: LogLevel, line: string) => void;
  /**
   * Reports behaviour that depends on what the worker did before, or on freed memory, as an error: an HTTP call without
   * `:method`, `:scheme` or `:path`, a reply read after its callback, a reply with more headers than the host's buffer
   * holds. Default true. When false, such calls do what APISIX usually does.
   */
  readonly strict?: boolean;
}

/** A validated module, ready for any number of instances. */
export class Module {
  private constructor();
  /**
   * Validates a binary module: WebAssembly as wasmtime 0.38 has it, imports, the exported memory. Nothing runs yet.
   *
   * @throws {LoadError}
   */
  static load(bytes: Uint8Array, config?: Config): Promise<Module>;
  /**
   * Makes an instance and runs its start section, then `_start` if exported, else `_initialize`. APISIX has one
   * instance for each plugin name and worker, and makes new ones when plugins are reloaded.
   *
   * @param pluginName the property `plugin_root_id`
   * @throws {LoadError}
   */
  instantiate(pluginName: string): Instance;
}

/** A configured plugin. APISIX makes one for each route, and a new one at nearly every change of its configuration. */
export interface PluginContext {
  /** The context's number, as the module sees it. */
  readonly id: number;
}

/**
 * A request that waits for its HTTP call. It goes to {@link Instance.resume} or {@link Instance.cancel} of its
 * instance, once; otherwise its context stays open for ever.
 */
export interface Pending {
  /** The call's token, as the module sees it. */
  readonly token: number;
}

/** What a request does next: it has ended, or it waits for an HTTP call. */
export type Step =
  | { readonly response: HttpResponse; readonly pending?: undefined; readonly call?: undefined }
  | { readonly response?: undefined; readonly pending: Pending; readonly call: HttpCall };

/** An instance of a module. State lives here; after a trap every call throws that trap again. */
export class Instance {
  private constructor();
  /**
   * Makes a plugin context: `proxy_on_context_create(id, 0)`, then `proxy_on_configure`.
   *
   * @param configuration the text of the route's `conf` (an object in its JSON form); empty is refused
   * @throws {HostError}
   */
  configure(configuration: string): PluginContext;
  /**
   * Gives a plugin context back, as when its route is gone: `proxy_on_done` and `proxy_on_delete`, at once or when the
   * last request that uses it has ended.
   *
   * @throws {HostError}
   */
  release(context: PluginContext): void;
  /**
   * Takes a request to its end, performing its HTTP calls one after the other. Without `http` all calls fail.
   *
   * @throws {HostError} and what `http` throws, after the request was cancelled
   */
  handle(
    context: PluginContext,
    request: HttpRequest,
    environment?: { readonly http?: HttpCaller; readonly variables?: Variables },
  ): Promise<HttpResponse>;
  /**
   * Starts a request. While it waits for an HTTP call, other requests may run on the instance, as in nginx.
   *
   * @throws {HostError}
   */
  begin(context: PluginContext, request: HttpRequest, variables?: Variables): Step;
  /**
   * Goes on with a request whose call has ended; without a reply, it failed.
   *
   * @throws {HostError}
   */
  resume(pending: Pending, reply?: HttpReply): Step;
  /**
   * Ends a request whose call nobody waits for any more: its context is done and deleted, and the callback of the call
   * never comes. So nginx does with `lua_check_client_abort on`; as APISIX is shipped, a client that leaves is noticed
   * only after the call.
   *
   * @throws {HostError}
   */
  cancel(pending: Pending): void;
  /** Size of the linear memory in bytes. It never shrinks. */
  readonly memorySize: number;
}

/**
 * - `invalid`: damaged, or WebAssembly that wasmtime 0.38 does not accept.
 * - `imports`: the module asks for what the host does not define; `problems` has a sentence for each.
 * - `no-memory`: no memory is exported as `memory`.
 * - `instantiation`: segments out of bounds, or a trap in the start section.
 * - `start`: a trap in `_start` or `_initialize`.
 */
export type LoadErrorKind = "invalid" | "imports" | "no-memory" | "instantiation" | "start";

/** Why a module was refused. APISIX logs such a module, goes on without it, and refuses routes that use it. */
export class LoadError extends Error {
  private constructor();
  readonly kind: LoadErrorKind;
  readonly problems: readonly string[];
}

/**
 * - `trapped`: a trap, or a wrongly typed export. The instance is unusable from now on.
 * - `callback-failed`: a callback returned a negative number.
 * - `configuration`: `proxy_on_configure` returned 0, is missing, or the configuration is empty. APISIX tries again at
 *   every request of the route.
 * - `would-crash-worker`: an nginx worker would have died here with all its connections. The instance is unusable.
 * - `missing-pseudo-header`: strict mode; the HTTP call would take over what the worker's previous call had there.
 * - `unknown-context`: the plugin context was released, the request has ended, or either belongs to another instance.
 */
export type HostErrorKind =
  "trapped" | "callback-failed" | "configuration" | "would-crash-worker" | "missing-pseudo-header" | "unknown-context";

/** Why a request got no answer from the module. */
export class HostError extends Error {
  private constructor();
  readonly kind: HostErrorKind;
  /** The callback that failed, for `trapped` and `callback-failed`. */
  readonly callback: string | undefined;
  /**
   * What the client receives: APISIX's 503. Undefined where there is no defined answer, because the connection breaks
   * or the behaviour depends on chance.
   */
  readonly response: LocalResponse | undefined;
}

/** One function of the host. Its result is one i32, the status. */
export interface HostFunction {
  /** Field name of the import. */
  readonly name: string;
  readonly parameters: readonly ("i32" | "i64")[];
  /** `ignored`: returns OK (0) and does nothing; `unimplemented`: returns 12, on which SDKs of some languages panic. */
  readonly behaviour: "implemented" | "ignored" | "unimplemented";
}

/** Module name of all imports. */
export const IMPORT_MODULE: "env";

/** Every function that a module may import. */
export const HOST_FUNCTIONS: readonly HostFunction[];
