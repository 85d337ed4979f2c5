//! Runs the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The result, which was asked for as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program with these arguments; files are relative to the folder.
pub(crate) fn amesh_in(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_amesh"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The program with these arguments.
pub(crate) fn amesh(arguments: &[&str]) -> Run {
    amesh_in(&root(), arguments, b"")
}

/// The program on some text under a file name.
pub(crate) fn translate(name: &str, contents: &[u8]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), contents).unwrap();
    amesh_in(folder.path(), &["translate", "--to", "json", name], b"")
}

/// `amesh.wasm`; says so loudly where it has not been built.
pub(crate) fn module(test: &str) -> Option<String> {
    let path = std::env::var_os("AMESH_WASM").map_or_else(|| root().join("dist/amesh.wasm"), PathBuf::from);
    if !path.is_file() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs {}; `make plugin` builds it", path.display());
        return None;
    }
    Some(path.canonicalize().unwrap().display().to_string())
}
