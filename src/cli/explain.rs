//! `amesh explain`: what a diagnostic code stands for. The pages are those of `docs/diagnostics`.

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::style::{self, BOLD};
use amesh_batch::{fidelity_means, severity_means};
use amesh_translator::Code;
use std::io::Write;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

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
    let (severity, fidelity) = (severity_means(code.severity()), fidelity_means(code.fidelity()));
    writeln!(out, "{BOLD}{}{BOLD:#}  {}\n\n  severity  {severity}\n  fidelity  {fidelity}", code.text(), code.title())?;
    let page = PAGES.iter().find(|(name, _)| *name == code.text());
    page.map_or(Ok(()), |(_, text)| body(text, out))
}

/// The page's Markdown for a terminal: headings are bold, blocks stand to the right.
fn body(text: &str, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out)?;
    let mut in_block = false;
    for line in text.lines() {
        let heading = line.strip_prefix("## ").filter(|_| !in_block);
        match heading {
            _ if line.starts_with("```") => in_block = !in_block,
            Some(heading) => writeln!(out, "{BOLD}{heading}{BOLD:#}")?,
            None if in_block && !line.is_empty() => writeln!(out, "    {line}")?,
            // Links are relative to the page.
            None => writeln!(out, "{}", line.replace("](../", "](docs/"))?,
        }
    }
    Ok(())
}
