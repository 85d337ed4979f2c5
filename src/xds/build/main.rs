//! Generates the crate's code: lean wire types (`wire.rs`) and schema tables (`tables.rs`), from `proto/` and
//! the ledger. No system `protoc` takes part.

#![allow(clippy::disallowed_methods, reason = "a build script reads and writes files")]

mod descriptors;
mod lean;
mod ledger;
mod reach;
mod tables;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let proto = here.join("../../proto");
    for path in [&proto, &here.join("build"), &here.join("ledger")] {
        println!("cargo:rerun-if-changed={}", path.display());
    }

    let descriptors = descriptors::Descriptors::compile(&proto)?;
    let ledger = ledger::Ledger::read(&here.join("ledger"))?;
    let reached = reach::Reached::new(&descriptors, &ledger)?;
    std::fs::write(out.join("tables.rs"), tables::render(&descriptors, &ledger, &reached))?;
    generate_wire(lean::reduce(&descriptors, &reached), &out)
}

/// Runs prost over the reduced descriptors. Wrapper messages become plain values (`Option<u32>` for a
/// `google.protobuf.UInt32Value`); the other well-known types are generated like any message.
fn generate_wire(set: prost_types::FileDescriptorSet, out: &Path) -> Result<()> {
    const WRAPPERS: [(&str, &str); 9] = [
        ("BoolValue", "bool"),
        ("Int32Value", "i32"),
        ("Int64Value", "i64"),
        ("UInt32Value", "u32"),
        ("UInt64Value", "u64"),
        ("FloatValue", "f32"),
        ("DoubleValue", "f64"),
        ("StringValue", "::prost::alloc::string::String"),
        ("BytesValue", "::prost::bytes::Bytes"),
    ];
    let mut config = prost_build::Config::new();
    config.compile_well_known_types().bytes(["."]).btree_map(["."]);
    for (wrapper, rust) in WRAPPERS {
        config.extern_path(format!(".google.protobuf.{wrapper}"), rust);
    }
    config.out_dir(out).include_file("wire.rs");
    Ok(config.compile_fds(set)?)
}
