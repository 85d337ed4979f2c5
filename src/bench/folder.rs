//! Messages in a folder, for the other programs that take part.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::mesh::Snapshot;

/// A folder that goes away with this value.
pub struct Folder(PathBuf);

impl Folder {
    /// Writes a snapshot, and changes one after the other, each with its length in front.
    pub fn write(snapshot: &Snapshot, changes: &[Bytes]) -> io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("amesh-bench-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        for (name, message) in ["cds", "eds", "lds", "rds"].into_iter().zip(snapshot.messages()) {
            fs::write(file(&folder.0, name), message)?;
        }
        let mut all = Vec::new();
        for change in changes {
            let length = u32::try_from(change.len()).map_err(io::Error::other)?;
            all.extend_from_slice(&length.to_le_bytes());
            all.extend_from_slice(change);
        }
        fs::write(folder.0.join("changes.bin"), all)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads a snapshot back.
pub fn read_snapshot(folder: &Path) -> io::Result<Snapshot> {
    let read = |name| fs::read(file(folder, name)).map(Bytes::from);
    Ok(Snapshot { cds: read("cds")?, eds: read("eds")?, lds: read("lds")?, rds: read("rds")? })
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.pb"))
}
