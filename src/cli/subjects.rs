//! Both proxies for one input: what `simulate` and `verify` ask.

use crate::args::{InputArgs, OptionArgs};
use crate::exit::Failure;
use crate::input;
use amesh_batch::{Document, Form};
use amesh_verify::{Mesh, Subjects};

/// Reads and translates.
pub(crate) fn read(input: &InputArgs, options: &OptionArgs) -> Result<(Mesh, Subjects), Failure> {
    let read = input::read(input)?;
    let outcome = amesh_batch::translate(&read, options.options(!read.has_listeners(), input.max_size));
    let resources = read.resources.values().flatten().map(|any| (any.type_url.as_str(), any.value.as_ref()));
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let mesh = Mesh::read(resources).map_err(|error| failed(&error))?;
    let document = Document::target(&outcome.translator).render(Form::Json).map_err(|error| failed(&error))?;
    let document = serde_json::from_str(&document).map_err(|error| failed(&error))?;
    let diagnostics = outcome.diagnostics.into_iter().collect();
    let subjects = Subjects::new(&mesh, &document, diagnostics).map_err(|error| failed(&error))?;
    Ok((mesh, subjects))
}
