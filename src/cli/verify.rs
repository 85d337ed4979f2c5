//! `amesh verify`: does the translation decide as Envoy does?

use crate::args::{ReportForm, VerifyArgs};
use crate::exit::{self, Exit, Failure};
use crate::subjects;
use amesh_verify::{Budget, probes, verify};

/// Compares and reports on standard output.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let (mesh, subjects, _) = subjects::read(&args.input, &args.options)?;
    let report = verify(&subjects, &probes(&mesh, args.seed), Budget { requests: args.requests });
    let text = match args.format {
        ReportForm::Text => report.to_string(),
        ReportForm::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| Failure::Failed(error.to_string()))? + "\n"
        }
    };
    exit::print(&text)?;
    Ok(if report.undeclared > 0 { Exit::Refused } else { Exit::Clean })
}
