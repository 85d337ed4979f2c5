//! Files: read with a limit, written in one step.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// As the system says.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not even the rest was read.
    #[error("is larger than {0} MiB, the limit (--max-size)")]
    TooLarge(u64),
}

/// The whole file (`-`: standard input), up to `max_size` MiB.
pub(crate) fn read(path: &Path, max_size: u64) -> Result<Vec<u8>, ReadError> {
    let limit = max_size.saturating_mul(1 << 20);
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > limit {
            return Err(ReadError::TooLarge(max_size));
        }
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if read > limit { Err(ReadError::TooLarge(max_size)) } else { Ok(bytes) }
}

/// Puts a file in place in one step: readers see the old contents or the new, never a part. Makes the folder. What is no
/// file, such as `/dev/null` or a pipe, is written to and stays what it is.
pub(crate) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir()) {
        return fs::write(path, contents);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)?;
    let new = beside(path);
    let written = File::create(&new).and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()));
    let moved = written.and_then(|()| fs::rename(&new, path));
    if moved.is_err() {
        // The error that counts is the first one.
        let _gone = fs::remove_file(&new);
    }
    moved
}

/// A name in the same folder, so that the rename stays within one file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_to_and_stays() {
        let link = std::env::temp_dir().join(format!("amesh-files-{}", std::process::id()));
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        let written = write(&link, b"gone");
        let is_link = fs::symlink_metadata(&link).unwrap().is_symlink();
        fs::remove_file(&link).unwrap();
        written.unwrap();
        assert!(is_link, "the device was replaced by a file");
    }
}
