//! The proxy-wasm module: a thin front over the translator.
