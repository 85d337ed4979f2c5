//! `amesh translate`: files in, APISIX configuration out.

use crate::args::{ReportArgs, ReportForm, TranslateArgs};
use crate::exit::{self, Exit, Failure};
use crate::{files, input};
use amesh_batch::{Document, Palette, Remarks, Summary};
use amesh_input::Input;

/// Reads, translates, writes the result, reports.
pub(crate) fn run(args: &TranslateArgs) -> Result<Exit, Failure> {
    let input = input::read(&args.input)?;
    let outcome = amesh_batch::translate(&input, args.options.options(!input.has_listeners(), args.input.max_size));
    let document = Document::target(&outcome.translator);
    let text = document.render(args.to.into()).map_err(|error| Failure::Failed(error.to_string()))?;
    match &args.output {
        Some(path) => {
            files::write(path, text.as_bytes()).map_err(|error| Failure::Output { path: path.clone(), error })?;
        }
        None => exit::print(&text)?,
    }
    let Input { remarks, origins, .. } = &input;
    let remarks = Remarks::new(remarks, outcome.diagnostics, origins);
    tell(&remarks, &Summary::new(&input, &document), &args.report);
    Ok(outcome_of(&remarks, args.report.deny_warnings))
}

fn tell(remarks: &Remarks, summary: &Summary, args: &ReportArgs) {
    match args.format {
        ReportForm::Text => anstream::eprint!("{}", remarks.text(summary, args.quiet, &Palette::COLOURED)),
        ReportForm::Json => anstream::eprintln!("{}", remarks.json(summary, args.quiet)),
    }
}

fn outcome_of(remarks: &Remarks, deny_warnings: bool) -> Exit {
    let counts = remarks.counts();
    let refused = counts.error > 0 || deny_warnings && counts.warning > 0;
    if refused { Exit::Refused } else { Exit::Clean }
}
