//! The size of the module that APISIX loads.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes of a file, and of the same compressed as `gzip -9` would.
pub fn of(file: &Path) -> Result<(u64, u64), Box<dyn Error>> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok((u64::try_from(bytes.len())?, u64::try_from(encoder.finish()?.len())?))
}
