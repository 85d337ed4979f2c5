//! `amesh translate`: files in, APISIX configuration out.

use crate::args::TranslateArgs;
use crate::document::{self, Document};
use crate::exit::{Exit, Failure};
use crate::input::{self, Input};
use crate::{feed, files, report};
use std::io::Write;

/// Reads, translates, writes the result, reports.
pub(crate) fn run(args: &TranslateArgs) -> Result<Exit, Failure> {
    let input = input::read(&args.input)?;
    let outcome = feed::translate(&input, args.options.options(!input.has_listeners(), args.input.max_size));
    let document = Document::target(&outcome.translator);
    let text = document::render(&document, args.to).map_err(|error| Failure::Failed(error.to_string()))?;
    match &args.output {
        Some(path) => {
            files::write(path, text.as_bytes()).map_err(|error| Failure::Output { path: path.clone(), error })?;
        }
        None => print(&text)?,
    }
    let Input { remarks, origins, .. } = &input;
    let remarks = report::Remarks::new(remarks, outcome.diagnostics, origins);
    report::tell(&remarks, &report::summary(&input, &document), &args.report);
    Ok(remarks.exit(args.report.deny_warnings))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Stdout)
}
