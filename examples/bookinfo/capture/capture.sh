#!/bin/sh
# Captures the xDS of the Bookinfo mesh from a real Istio control plane into ../xds, and that of the tasks
# of ../../istio into their folders.
# Needs Go (see go.mod), a Go module proxy and patch; the first build takes several minutes.
# Listens on loopback only; temporary files are removed at the end.
set -eu
cd "$(dirname "$0")"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# The control plane: Istio at the version in go.mod, with no-kubernetes.patch.
go mod download istio.io/istio
cp -R "$(go list -m -f '{{.Dir}}' istio.io/istio)" "$tmp/istio"
chmod -R u+w "$tmp/istio"
patch -s -p1 -d "$tmp/istio" <no-kubernetes.patch
cp go.mod "$tmp/istio.mod"
cp go.sum "$tmp/istio.sum"
go mod edit -replace "istio.io/istio=$tmp/istio" "$tmp/istio.mod"
nice -n 10 go build -trimpath -modfile "$tmp/istio.mod" -o "$tmp/pilot-discovery" istio.io/istio/pilot/cmd/pilot-discovery

nice -n 10 go build -trimpath -o "$tmp/capture" .
"$tmp/capture" -pilot "$tmp/pilot-discovery" -istio ../istio -out ../xds
"$tmp/capture" -pilot "$tmp/pilot-discovery" -istio ../istio -tasks ../../istio
