//! One translation of a whole input: what the command and the npm package do between reading and printing.
//!
//! Feeds everything to a translator, renders the configuration and the report. Nothing is opened and nothing printed.
#![forbid(unsafe_code)]

mod document;
mod feed;
mod meaning;
mod palette;
mod report;

pub use document::{Document, Form, RenderError};
pub use feed::{Outcome, translate};
pub use meaning::{fidelity_means, severity_means};
pub use palette::{Palette, word};
pub use report::{Counts, Remarks, Summary, line, plural};
