// The implementation is what is declared, and the declarations are enough to use it. Only checked, never run.
import type * as errors from "../lib/errors.js";
import type * as instance from "../lib/instance.js";
import type * as module from "../lib/module.js";
import type * as table from "../lib/table.js";
import * as declared from "../index.js";

type Is<Made extends Declared, Declared> = [Made, Declared];
export type Checks = [
  Is<instance.Instance, declared.Instance>,
  Is<module.Module, declared.Module>,
  Is<typeof module.Module.load, typeof declared.Module.load>,
  Is<errors.HostError, declared.HostError>,
  Is<errors.LoadError, declared.LoadError>,
  Is<typeof table.HOST_FUNCTIONS, typeof declared.HOST_FUNCTIONS>,
  Is<typeof table.IMPORT_MODULE, typeof declared.IMPORT_MODULE>,
];

export async function use(bytes: Uint8Array): Promise<string> {
  const loaded = await declared.Module.load(bytes, {
    logLevel: "info",
    log: (level, line) => console.log(level, line),
  });
  const running = loaded.instantiate("x");
  const context = running.configure("{}");
  const response = await running.handle(
    context,
    { headers: [["host", "h"]] },
    { http: ({ path }) => ({ status: 200, body: path }) },
  );
  if (response.kind === "upstream") return response.target;
  const step = running.begin(context, {});
  if (step.pending === undefined) return step.response.kind;
  const { method, timeout = 0 } = step.call;
  running.cancel(step.pending);
  // @ts-expect-error a made-up severity
  void declared.Module.load(bytes, { logLevel: "loud" });
  // @ts-expect-error instances come from modules
  new declared.Instance();
  return `${method} ${timeout} ${response.source}`;
}
