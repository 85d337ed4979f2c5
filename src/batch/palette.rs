//! How the parts of a report look.

use amesh_translator::Severity;
use anstyle::{AnsiColor, Style};

/// Styles of terminals, or none.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// What counts.
    pub bold: Style,
    /// What may be skipped.
    pub dim: Style,
    /// For errors.
    pub red: Style,
    /// For warnings.
    pub yellow: Style,
    /// For information.
    pub cyan: Style,
}

impl Palette {
    /// No styles.
    pub const PLAIN: Self =
        Self { bold: Style::new(), dim: Style::new(), red: Style::new(), yellow: Style::new(), cyan: Style::new() };

    /// For terminals.
    pub const COLOURED: Self = Self {
        bold: Style::new().bold(),
        dim: Style::new().dimmed(),
        red: AnsiColor::Red.on_default().bold(),
        yellow: AnsiColor::Yellow.on_default().bold(),
        cyan: AnsiColor::Cyan.on_default().bold(),
    };

    /// The colour of a severity.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Error => self.red,
            Severity::Warning => self.yellow,
            Severity::Info => self.cyan,
        }
    }
}

/// The word for a severity.
#[must_use]
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
