//! Colour for terminals; none where standard error or output is no terminal, or `NO_COLOR` is set.

use amesh_batch::Palette;
use amesh_translator::Severity;
use anstyle::{AnsiColor, Style};

const PALETTE: Palette = Palette::COLOURED;
pub(crate) const BOLD: Style = PALETTE.bold;
pub(crate) const DIM: Style = PALETTE.dim;
pub(crate) const RED: Style = PALETTE.red;
pub(crate) const YELLOW: Style = PALETTE.yellow;
pub(crate) const GREEN: Style = AnsiColor::Green.on_default().bold();
pub(crate) const CYAN: Style = PALETTE.cyan;

/// The word for a severity, and its colour.
pub(crate) fn severity(severity: Severity) -> (&'static str, Style) {
    (amesh_batch::word(severity), PALETTE.severity(severity))
}

/// One line on standard error.
pub(crate) fn error(message: &str) {
    anstream::eprintln!("{RED}error{RED:#}: {message}");
}
