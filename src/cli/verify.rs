//! `amesh verify`: does the translation decide as Envoy does?

use crate::args::{ReportForm, VerifyArgs};
use crate::exit::{Exit, Failure};
use crate::subjects;
use amesh_verify::{Budget, probes, verify};
use std::io::Write;

/// Compares and reports on standard output.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let (mesh, subjects) = subjects::read(&args.input, &args.options)?;
    let report = verify(&subjects, &probes(&mesh, args.seed), Budget { requests: args.requests });
    let text = match args.format {
        ReportForm::Text => report.to_string(),
        ReportForm::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| Failure::Failed(error.to_string()))? + "\n"
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::Stdout)?;
    Ok(if report.undeclared > 0 { Exit::Refused } else { Exit::Clean })
}
