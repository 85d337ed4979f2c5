//! Runs `amesh.wasm` as APISIX's wasm plugin host does.
