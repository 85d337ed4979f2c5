//! The translator as a wasm module, in other programs' engines.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Times;

/// What an engine reports.
#[derive(Debug)]
pub struct Figures {
    /// The whole snapshot; the first time includes what the engine compiles on the way.
    pub snapshot: Times,
    /// One endpoint change after the other.
    pub change: Times,
    /// Size of the change set, by which one sees that the work was the same.
    pub bytes: u64,
    /// Size of the linear memory after the snapshot.
    pub memory: u64,
}

/// Runs the module under V8.
pub fn v8(module: &Path, folder: &Path, rounds: usize) -> Result<Figures, Box<dyn Error>> {
    run(Command::new("node").arg(script("v8.mjs")), module, folder, rounds)
}

/// Runs the module under the wasmtime package of a Python.
pub fn wasmtime(python: &str, module: &Path, folder: &Path, rounds: usize) -> Result<Figures, Box<dyn Error>> {
    run(Command::new(python).arg(script("wasmtime_bench.py")), module, folder, rounds)
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("engines").join(name)
}

fn run(command: &mut Command, module: &Path, folder: &Path, rounds: usize) -> Result<Figures, Box<dyn Error>> {
    let output = command.arg(module).arg(folder).arg(rounds.to_string()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let figures: Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| figures[name].as_u64().ok_or_else(|| format!("no figure named {name}"));
    Ok(Figures {
        snapshot: times(&figures["snapshot"]),
        change: times(&figures["changes"]),
        bytes: number("bytes")?,
        memory: number("memory")?,
    })
}

fn times(milliseconds: &Value) -> Times {
    let all = milliseconds.as_array().into_iter().flatten().filter_map(Value::as_f64);
    all.map(|milliseconds| Duration::from_secs_f64(milliseconds / 1000.0)).collect()
}
