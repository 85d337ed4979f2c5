//! The table of `docs/diagnostics.md`.

use amesh_translator::{Code, Fidelity, Severity};

/// One row a code, by number.
pub(crate) fn table() -> String {
    let mut codes = Code::ALL.to_vec();
    codes.sort_by_key(|code| code.text());
    let mut text = "| code | severity | fidelity | what it says |\n|---|---|---|---|\n".to_owned();
    text.extend(codes.into_iter().map(row));
    text
}

fn row(code: Code) -> String {
    let severity = match code.severity() {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let fidelity = match code.fidelity() {
        Fidelity::Exact => "exact",
        Fidelity::Approximate => "approximate",
        Fidelity::Impossible => "impossible",
    };
    format!("| {} | {severity} | {fidelity} | {} |\n", code.text(), code.title())
}
