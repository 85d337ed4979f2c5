# Entry points; `make help` lists them. What they need is made ready by scripts/setup.

AMESH_CACHE ?= $(CURDIR)/.cache
CARGO_TARGET_DIR ?= $(CURDIR)/target
BIN := $(CARGO_TARGET_DIR)/debug/amesh
PLUGIN := $(CARGO_TARGET_DIR)/wasm32-unknown-unknown/plugin/amesh_plugin.wasm

# What tests look for.
AMESH_BIN := $(BIN)
AMESH_WASM := $(CURDIR)/dist/amesh.wasm
AMESH_ENVOY ?= $(AMESH_CACHE)/venv/envoy
AMESH_PYTHON ?= $(AMESH_CACHE)/venv/bin/python
SHELLCHECK ?= $(AMESH_CACHE)/venv/bin/shellcheck
export AMESH_CACHE CARGO_TARGET_DIR AMESH_BIN AMESH_WASM AMESH_ENVOY AMESH_PYTHON

# rustup's shell set-up is not read by every login.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
# A default target of the user's would move the artefacts named above.
unexport CARGO_BUILD_TARGET

WASM_CRATES := -p amesh-xds -p amesh-translator -p amesh-plugin
# Every crate is selected, though one program is built: so run and test compile the dependencies with the same features.
BUILD_BIN := cargo build --workspace --bin amesh

# $(call quiet,FILE,WHAT,COMMAND): silent but for one line while FILE has to be made the first time.
quiet = @q=--quiet; \
	if [ ! -e "$(1)" ]; then echo "build: compiling $(2)" >&2; [ ! -t 2 ] || q=; fi; \
	$(3) $$q

.PHONY: help setup setup-wasm setup-js build plugin js run test test-js bless equivalence bench fuzz clean
.PHONY: lint lint-format lint-native lint-wasm lint-docs lint-scripts lint-rules
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make ready what building and testing need (into .cache, or AMESH_CACHE)
	@scripts/setup

setup-wasm:
	@scripts/setup wasm

setup-js:
	@scripts/setup-js

build: ## build everything for this machine, unoptimised
	cargo build --workspace

plugin: setup-wasm ## build the proxy-wasm module, dist/amesh.wasm
	$(call quiet,$(PLUGIN),amesh.wasm,scripts/wasm-cargo build --profile plugin -p amesh-plugin)
	@mkdir -p dist
	@cmp -s "$(PLUGIN)" dist/amesh.wasm || cp "$(PLUGIN)" dist/amesh.wasm

run: plugin ## show the main job: a control plane, the fetcher, the module, APISIX configuration
	$(call quiet,$(BIN),amesh (some minutes the first time),$(BUILD_BIN))
	@"$(BIN)" demo

test: setup plugin ## run every test
	$(BUILD_BIN)
	cargo test --workspace --no-fail-fast

bless: setup plugin ## write the expected files of the tests anew; read the diff before committing it
	$(BUILD_BIN)
	AMESH_BLESS=1 cargo test --workspace --no-fail-fast

js: setup-wasm setup-js ## build the npm package, pkg/
	@scripts/build-js

test-js: js plugin ## type-check and test the npm package and the Node host of modules
	$(BUILD_BIN)
	js-host/node_modules/.bin/tsc -p pkg
	js-host/node_modules/.bin/tsc -p js-host
	node --test --test-reporter=spec pkg/test/*.test.js js-host/test/*.test.js

lint: setup lint-format lint-native lint-wasm lint-docs lint-scripts lint-rules ## check format, lints, documentation, scripts and house rules

lint-format:
	cargo fmt --all --check

lint-native:
	cargo clippy --workspace --all-targets -- -D warnings

lint-wasm:
	scripts/wasm-cargo clippy $(WASM_CRATES) -- -D warnings

lint-docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

lint-scripts:
	"$(SHELLCHECK)" --external-sources .ci/run $$(grep -lE '^#!.*sh$$|^# shellcheck shell=' scripts/*)

lint-rules:
	scripts/tidy

equivalence: setup ## ask all requests that could tell Envoy and APISIX apart: the corpus, and 100,000 of a real Envoy
	AMESH_LONG=1 cargo test -p amesh-tests --no-fail-fast --test equivalence --test envoy_model -- --nocapture

bench: setup plugin ## run the benchmarks (some minutes to build them the first time); BENCH="..." passes arguments
	scripts/wasm-cargo build --profile plugin --manifest-path src/bench/Cargo.toml -p amesh-bench-wasm
	cargo run --release --manifest-path src/bench/Cargo.toml -- $(BENCH)

fuzz: ## feed damaged inputs to the translator and the file reader; SECONDS=60 for each
	@scripts/fuzz "$(or $(SECONDS),60)"

clean: ## remove what was built; .cache stays
	cargo clean
	rm -rf dist out pkg/dist
