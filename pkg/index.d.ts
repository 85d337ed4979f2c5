// Types of amesh-wasm, the same for browsers, bundlers and Node.

/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/** What an input is. Found out from its contents where it is not named. */
export type Kind =
  /** An Envoy bootstrap, YAML or JSON; its `static_resources` are used. */
  | "bootstrap"
  /** Envoy's `/config_dump`, or what `istioctl proxy-config all -o json` prints. */
  | "config-dump"
  /** An xDS response, binary or JSON or YAML. */
  | "discovery-response"
  /** `{ listeners: [..], routes: [..], clusters: [..], endpoints: [..] }`. */
  | "scenario"
  /** One resource with `"@type"`. */
  | "resource"
  /** A list of resources, as `istioctl proxy-config listener -o json` prints, or Envoy's `/clusters?format=json`. */
  | "list";

/** How grave a diagnostic is. */
export type Severity =
  /** Nothing differs for a request. */
  | "info"
  /** Approximated, or left out in a way that is never less safe. */
  | "warning"
  /** Refused: the resource is not used, or the requests concerned are denied. */
  | "error";

/** How near the translation is to what Envoy does. */
export type Fidelity =
  /** The same behaviour for every request. */
  | "exact"
  /** The same on the usual domain, different on a stated one. */
  | "approximate"
  /** APISIX cannot do it; the message says what happens instead. */
  | "impossible";

/** One thing that was lost, changed or refused. */
export interface Diagnostic {
  /** Stable, such as `AM0103`; see {@link explain}. */
  code: string;
  severity: Severity;
  fidelity: Fidelity;
  /** Such as `RouteConfiguration "9080"`; empty where no single resource is meant. */
  resource: string;
  /** The first place inside the resource, such as `virtual_hosts[2].routes[5].match`. Absent: the resource as a whole. */
  path?: string;
  /** One line: what is the case and what happens instead. */
  message: string;
  /** What a person can do about it. */
  hint?: string;
  /** In how many places of this resource it is the case; at least 1. */
  count: number;
}

/** A diagnostic of a translation of files. */
export interface FileDiagnostic extends Diagnostic {
  /** The name of the file that the resource came from. Absent where no single file is meant or it has no name. */
  file?: string;
}

/** An object that APISIX takes, by its schema. */
export interface ApisixObject {
  id: string;
  name?: string;
  labels?: { [label: string]: string };
  [member: string]: Json | undefined;
}

/** `main.upstream` of APISIX's schema. */
export interface ApisixUpstream extends ApisixObject {
  type?: string;
  nodes?: { host: string; port: number; weight: number; priority?: number }[];
}

/** `main.route` of APISIX's schema. */
export interface ApisixRoute extends ApisixObject {
  uris?: string[];
  hosts?: string[];
  priority?: number;
  vars?: Json[];
  plugins?: { [plugin: string]: Json };
  upstream_id?: string;
}

/** Everything that should be in APISIX. */
export interface ApisixConfig {
  upstreams: ApisixUpstream[];
  routes: ApisixRoute[];
}

/** A file. */
export interface InputFile {
  /** As diagnostics and errors name it. */
  name: string;
  /** Text, or bytes as read. */
  contents: string | Uint8Array;
}

/** Options of {@link translate}. An unknown member is an error. */
export interface TranslateOptions {
  /** What the input is, where it should not be found out. */
  from?: Kind;
  /** Form of {@link Translation.document}: an apisix.yaml of APISIX's standalone mode (default), or JSON. */
  to?: "yaml" | "json";
  /** Ports that APISIX listens on. With them, listeners on other ports are refused. */
  listenPorts?: readonly number[];
  /** Name of this translation in the labels of what it makes: 1 to 64 of `A-Z a-z 0-9 - _ .`. Default `"amesh"`. */
  instance?: string;
  /**
   * Whether route configurations that no listener refers to are translated, for every port. Default: where the input
   * has no listener at all.
   */
  unboundRoutes?: boolean;
  /** Leaves all but errors out of {@link Translation.report}. Default false. */
  quiet?: boolean;
  /** Largest file, in bytes. Default 200 MiB. */
  maxBytes?: number;
}

/** What came of a translation. Plain data: it can be sent to and from workers. */
export interface Translation {
  /** The configuration as text, in the form that `to` names: the bytes that `amesh translate` writes. */
  document: string;
  /** The same as an object. */
  config: ApisixConfig;
  /** Gravest first. */
  diagnostics: FileDiagnostic[];
  /** Diagnostics by severity. Where `error` is 0, nothing was refused. */
  counts: { error: number; warning: number; info: number };
  /** What went in and what came out. */
  summary: {
    /** Resources read, by type, such as `{ Cluster: 3 }`. */
    resources: { [type: string]: number };
    routes: number;
    upstreams: number;
  };
  /** The diagnostics and the summary as lines for people: what `amesh translate` says. */
  report: string;
}

/**
 * Translates files, which make one input: an Envoy bootstrap, a configuration dump, what istioctl prints, xDS responses.
 *
 * @param input text, bytes, or files with their names
 * @throws {AmeshError} of kind `"input"` for what cannot be read at all. One bad resource among others is a diagnostic.
 */
export function translate(
  input: string | Uint8Array | InputFile | readonly InputFile[],
  options?: TranslateOptions,
): Translation;

/** Options of {@link Translator}. An unknown member is an error. */
export interface TranslatorOptions {
  /** See {@link TranslateOptions.listenPorts}. */
  listenPorts?: readonly number[];
  /** See {@link TranslateOptions.instance}. */
  instance?: string;
  /** See {@link TranslateOptions.unboundRoutes}. Default false. */
  unboundRoutes?: boolean;
  /** Largest message, in bytes. Default 200 MiB. */
  maxBytes?: number;
}

/** What a message is. */
export interface Envelope {
  /** `"sotw"`: a `DiscoveryResponse` (default); `"delta"`: a `DeltaDiscoveryResponse`. */
  variant?: "sotw" | "delta";
}

/** A change of the resource names wanted of one type. Names are added before others are removed. */
export interface Subscription {
  /** Such as `type.googleapis.com/envoy.config.route.v3.RouteConfiguration`. */
  typeUrl: string;
  /** True for types that are wanted whole: listeners and clusters. */
  wildcard: boolean;
  added: string[];
  removed: string[];
}

/** The verdict on one message. */
export interface Verdict {
  /** What to tell the control plane once the changes are applied. */
  verdict: "ack" | "nack";
  /** The message's type; empty where none could be read. */
  typeUrl: string;
  version: string;
  nonce: string;
  /** For a NACK: every error, one a line, as the control plane's operator should read it. */
  errorDetail?: string;
  /** Changes of the wanted names, in the order to send them. */
  subscribe: Subscription[];
  /** False while resources that are referred to have not arrived: nothing should be applied yet. */
  ready: boolean;
  /** How many wanted resources have not arrived. */
  outstanding: number;
  /** How the message's resources fared. */
  counts: { accepted: number; unchanged: number; refused: number; removed: number };
  /** Diagnostics that are new since the last verdict. */
  diagnostics: Diagnostic[];
}

/** A collection of APISIX's. */
export type Collection = "upstreams" | "routes";

/** What has to change in APISIX, in this order. */
export interface ChangeSet {
  /** To create or replace; what others refer to comes first. */
  upserts: { kind: Collection; id: string; value: ApisixObject }[];
  /** To delete after that; what refers to others comes first. */
  deletes: { kind: Collection; id: string }[];
}

/** Resources that are wanted and have not arrived. */
export interface Wanted {
  typeUrl: string;
  /** None: the whole type. */
  names: string[];
}

/**
 * Keeps what a control plane said and what APISIX should hold because of it. Fed message by message, it says what has
 * to change; the output depends on nothing but the messages.
 *
 * Holds memory outside of JavaScript: call {@link Translator.free} when done, or declare it with `using`.
 */
export class Translator {
  constructor(options?: TranslatorOptions);
  /** The subscriptions to begin with: all clusters and all listeners. */
  open(): Subscription[];
  /** Takes one response, encoded as on the wire. One that cannot be decoded changes nothing and is NACKed. */
  ingest(message: Uint8Array, envelope?: Envelope): Verdict;
  /** Takes wanted resources as absent (their does-not-exist timer has run out). Without names: the whole type. */
  expire(typeUrl: string, names?: readonly string[]): Verdict;
  /** What has to change in APISIX since the last commit. */
  pending(): ChangeSet;
  /** Says that APISIX has taken the pending changes. */
  commit(): void;
  /** Says that APISIX has refused the pending changes for good: they are not offered again until they change. */
  abandon(reason: string): void;
  /** Everything that should be in APISIX, pending changes included. */
  snapshot(): ApisixConfig;
  /** Every diagnostic in force. */
  diagnostics(): Diagnostic[];
  /** The wanted resources that have not arrived. */
  outstanding(): Wanted[];
  /** Whether everything that is referred to has arrived or is known to be absent. */
  get ready(): boolean;
  /** Gives the memory back. Everything but a second `free()` throws afterwards. */
  free(): void;
  [Symbol.dispose](): void;
}

/** What a diagnostic code stands for. There is a page with examples too, in Markdown: `amesh-wasm/codes/AM0103.md`. */
export interface Explanation {
  code: string;
  /** One line. */
  title: string;
  severity: Severity;
  severityMeans: string;
  fidelity: Fidelity;
  fidelityMeans: string;
}

/**
 * What a code such as `"AM0103"` stands for.
 *
 * @throws {AmeshError} with the code `"unknown-code"`
 */
export function explain(code: string): Explanation;

/** Every code, in order. */
export function codes(): Explanation[];

/** Where the wasm module comes from. */
export type WasmSource = string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;

/**
 * Loads the module. In a browser it must have ended before anything else is called; elsewhere it has nothing to do.
 * A second call returns the first one's promise; after a failure it tries again.
 *
 * @param source by default the `amesh_bg.wasm` that lies beside the package's code
 * @throws {AmeshError} with the code `"load-failed"`
 */
export function init(source?: WasmSource): Promise<void>;

/** What sort of mistake an {@link AmeshError} is about. */
export type AmeshErrorKind =
  /** The input cannot be read. */
  | "input"
  /** A function was called wrongly. */
  | "usage"
  /** The module cannot be loaded, or has failed. */
  | "internal";

/** What an {@link AmeshError} is about. Stable. */
export type AmeshErrorCode =
  | "json-syntax"
  | "yaml-syntax"
  | "protobuf-syntax"
  | "empty-input"
  | "unknown-kind"
  | "wrong-kind"
  | "binary-input"
  | "input-too-large"
  | "invalid-argument"
  | "invalid-option"
  | "unknown-code"
  | "not-initialised"
  | "freed"
  | "load-failed"
  | "internal";

/** What every function of this package throws. */
export class AmeshError extends Error {
  readonly name: "AmeshError";
  readonly code: AmeshErrorCode;
  readonly kind: AmeshErrorKind;
  /** The name of the file (kind `"input"`), or the option or argument (kind `"usage"`). Absent where there is none. */
  readonly path?: string;
  /** Line of the text, from 1 on, where it is known. */
  readonly line?: number;
  /** Column of the text, from 1 on, where it is known. */
  readonly column?: number;
}
