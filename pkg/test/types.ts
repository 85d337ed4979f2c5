// Compiled, never run: what a user of the types can and cannot write.
import { AmeshError, Translator, codes, explain, init, translate } from "amesh-wasm";
import type { ApisixRoute, Explanation, FileDiagnostic, InputFile, TranslateOptions, Verdict } from "amesh-wasm";

await init();
await init(new URL("https://example.com/amesh_bg.wasm"));

const options: TranslateOptions = { from: "config-dump", to: "json", listenPorts: [80, 443] as const };
const file: InputFile = { name: "envoy.yaml", contents: new Uint8Array() };
const { config, diagnostics, counts, summary } = translate([file], options);
const paths: (string | undefined)[] = diagnostics.map((diagnostic: FileDiagnostic) => diagnostic.path);
const first: ApisixRoute | undefined = config.routes[0];
const port: number | undefined = config.upstreams[0]?.nodes?.[0]?.port;
const total: number = counts.error + counts.warning + (summary.resources["Cluster"] ?? 0);

const translator = new Translator({ instance: "edge" });
const verdict: Verdict = translator.ingest(new Uint8Array(), { variant: "delta" });
if (verdict.verdict === "nack") console.error(verdict.errorDetail?.split("\n"));
for (const { kind, id, value } of translator.pending().upserts) console.log(kind, id, value.name);
translator.free();

const all: Explanation[] = [explain("AM0103"), ...codes()];

try {
  translate("");
} catch (error) {
  if (error instanceof AmeshError && error.code === "yaml-syntax") console.error(error.line, error.column);
}

// @ts-expect-error: an option that does not exist
translate("", { lisenPorts: [80] });
// @ts-expect-error: a kind that does not exist
translate("", { from: "kubernetes" });
// @ts-expect-error: a message is bytes
translator.ingest("text");
// @ts-expect-error: results are not undefined
const nothing: undefined = translate("").document;

console.log(paths, first, port, total, all, nothing);
