//! `amesh explain`: what a diagnostic code stands for.

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::style::{self, BOLD};
use amesh_translator::{Code, Fidelity, Severity};
use std::io::Write;

/// Prints one code, or all.
pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    match &args.code {
        None => Code::ALL.iter().try_for_each(|code| line(*code, &mut out)),
        Some(text) => page(find(text)?, &mut out),
    }
    .map_err(Failure::Stdout)?;
    Ok(Exit::Clean)
}

fn find(text: &str) -> Result<Code, Failure> {
    let found = Code::ALL.iter().find(|code| code.text().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| Failure::Usage(format!("there is no code {text:?}; `amesh explain` lists all")))
}

fn line(code: Code, out: &mut impl Write) -> std::io::Result<()> {
    let (severity, colour) = style::severity(code.severity());
    writeln!(out, "{BOLD}{}{BOLD:#}  {colour}{severity:<7}{colour:#}  {}", code.text(), code.title())
}

fn page(code: Code, out: &mut impl Write) -> std::io::Result<()> {
    let severity = match code.severity() {
        Severity::Info => "note: nothing differs for a request",
        Severity::Warning => "warning: approximated, or left out in a way that is never less safe",
        Severity::Error => "error: refused; the resource is not used, or the requests concerned are denied",
    };
    let fidelity = match code.fidelity() {
        Fidelity::Exact => "exact: the same behaviour for every request",
        Fidelity::Approximate => "approximate: the same on the usual domain, different on a stated one",
        Fidelity::Impossible => "impossible: APISIX cannot do it; the message says what happens instead",
    };
    writeln!(out, "{BOLD}{}{BOLD:#}  {}\n\n  severity  {severity}\n  fidelity  {fidelity}", code.text(), code.title())
}
