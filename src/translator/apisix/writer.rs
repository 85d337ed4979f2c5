//! Resources as JSON texts.

use std::cell::Cell;
use std::fmt;

use serde::Serialize;

/// Writes one resource after the other. Each text takes as much memory as it is long: it grows in a buffer that all
/// have in common.
#[derive(Default)]
pub(crate) struct Writer {
    buffer: Cell<Vec<u8>>,
}

impl Writer {
    /// The JSON of a resource.
    pub(crate) fn json(&self, resource: &impl Serialize) -> Option<Box<str>> {
        let mut buffer = self.buffer.take();
        buffer.clear();
        let written = serde_json::to_writer(&mut buffer, resource);
        let text = std::str::from_utf8(&buffer).ok().map(Box::from);
        self.buffer.set(buffer);
        written.ok().and(text)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}
