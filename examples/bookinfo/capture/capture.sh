#!/bin/sh
# Captures the xDS of the Bookinfo mesh from a real Istio control plane into ../xds.
# Needs Go (see go.mod) and a Go module proxy; the first build takes several minutes.
# Listens on loopback only; temporary files are removed at the end.
set -eu
cd "$(dirname "$0")"

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
trap 'exit 1' HUP INT TERM

nice -n 10 go build -o "$bin/pilot-discovery" istio.io/istio/pilot/cmd/pilot-discovery
nice -n 10 go build -o "$bin/capture" .
"$bin/capture" -pilot "$bin/pilot-discovery" -istio ../istio -out ../xds
