export const HELP = `\
Envoy and Istio configuration in, Apache APISIX configuration out. Works without a network.

Usage: amesh-wasm translate [OPTIONS] FILE...
       amesh-wasm explain [CODE]

Options of translate:
      --to FORM           yaml: an apisix.yaml of APISIX's standalone mode (default); json
      --from KIND         bootstrap, config-dump, discovery-response, scenario, resource, list; else found out
  -o, --output FILE       write the result to a file instead of standard output
      --format FORM       form of the diagnostics on standard error: text (default), json
  -q, --quiet             say nothing but errors
      --deny-warnings     exit with 1 for warnings too
      --listen-port PORT  a port that APISIX listens on; may be given several times
      --instance NAME     name of this translation in the labels of what it makes (default amesh)
      --max-size MIB      largest file to read (default 200)

Several files make one input; - is standard input.

Exit codes:
  0  clean: everything is translated, approximated or left out with a warning at most
  1  something was refused (a diagnostic of severity error)
  2  bad usage, or input that cannot be read
`;
