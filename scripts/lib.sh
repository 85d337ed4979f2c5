# Sourced by the other scripts: where things are, how they speak.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for those who source this

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${AMESH_CACHE:-$ROOT/.cache}
LOG=$CACHE/setup.log
CARGO_DIR=${CARGO_HOME:-${HOME:-}/.cargo}
WASM=wasm32-unknown-unknown

# rustup's shell set-up is not read by every login.
PATH=$PATH:$CARGO_DIR/bin

say() { printf 'setup: %s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]...
die() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    if [ $# -gt 0 ]; then printf '    %s\n' "$@" >&2; fi
    exit 1
}

# logged COMMAND...: runs it with its output in the log only.
logged() {
    printf '+ %s\n' "$*" >>"$LOG"
    "$@" >>"$LOG" 2>&1 </dev/null
}

# Sets SYSROOT, RUST_RELEASE, RUST_COMMIT, RUST_HOST and WASM_SYSROOT (the private sysroot of exactly this compiler).
rust_facts() {
    local version
    if ! SYSROOT=$(rustc --print sysroot) || ! version=$(rustc -vV); then
        die "no working rustc" "install Rust (rustup is the usual way), or put its bin directory into PATH"
    fi
    RUST_RELEASE=$(sed -n 's/^release: //p' <<<"$version")
    RUST_COMMIT=$(sed -n 's/^commit-hash: //p' <<<"$version")
    RUST_HOST=$(sed -n 's/^host: //p' <<<"$version")
    WASM_SYSROOT=$CACHE/wasm-std/$RUST_RELEASE-$RUST_COMMIT
}

# True when the compiler brings the target itself. AMESH_NO_RUSTUP=1 pretends it does not, so the fallback can be tested.
compiler_has_wasm() {
    [ -z "${AMESH_NO_RUSTUP:-}" ] && [ -d "$SYSROOT/lib/rustlib/$WASM/lib" ]
}
