//! Peak memory of a whole snapshot, each case in a process of its own.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folder::read_snapshot;
use crate::native::{decode, translate};

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub enum Case {
    /// Decoding with all of Envoy's fields.
    Decode,
    /// Translation.
    Translate,
}

impl Case {
    /// On the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Translate => "translate",
        }
    }

    /// From the command line.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Decode, Self::Translate].into_iter().find(|case| case.name() == name)
    }
}

/// Runs this program again for one case. The bytes that its memory has grown by at most; the messages do not count.
pub fn measure(case: Case, folder: &Path) -> Result<u64, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).args(["memory", case.name()]).arg(folder).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// What the other process does: prints the growth.
pub fn child(case: Case, folder: &Path) -> Result<(), Box<dyn Error>> {
    let snapshot = read_snapshot(folder)?;
    let before = status("VmRSS")?;
    match case {
        Case::Decode => drop(decode(&snapshot)?),
        Case::Translate => drop(translate(&snapshot)?),
    }
    println!("{}", status("VmHWM")?.saturating_sub(before));
    Ok(())
}

/// A size out of Linux's description of this process, in bytes.
fn status(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes: u64 = line.and_then(|line| line.split_whitespace().next()).ok_or("no such field")?.parse()?;
    Ok(kibibytes * 1024)
}
