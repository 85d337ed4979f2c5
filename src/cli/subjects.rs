//! Both proxies for one input: what `simulate` and `verify` ask.

use crate::args::{InputArgs, OptionArgs};
use crate::exit::Failure;
use crate::input;
use amesh_batch::{Document, Form};
use amesh_verify::{Mesh, Subjects};
use serde_json::Value;
use std::collections::BTreeSet;

/// Ids of the routes whose conditions have secrets.
pub(crate) type Guarded = BTreeSet<String>;

/// Reads and translates.
pub(crate) fn read(input: &InputArgs, options: &OptionArgs) -> Result<(Mesh, Subjects, Guarded), Failure> {
    let read = input::read(input)?;
    let outcome = amesh_batch::translate(&read, options.options(!read.has_listeners(), input.max_size));
    let resources = read.resources.values().flatten().map(|any| (any.type_url.as_str(), any.value.as_ref()));
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let mesh = Mesh::read(resources).map_err(|error| failed(&error))?;
    let document = Document::target(&outcome.translator).render(Form::Json).map_err(|error| failed(&error))?;
    let document: Value = serde_json::from_str(&document).map_err(|error| failed(&error))?;
    let routes = document.get("routes").and_then(Value::as_array).into_iter().flatten();
    let guarded = routes.filter(|route| route.pointer("/labels/secrets").is_some());
    let guarded = guarded.filter_map(|route| Some(route.get("id")?.as_str()?.to_owned())).collect();
    let diagnostics = outcome.diagnostics.into_iter().collect();
    let subjects = Subjects::new(&mesh, &document, diagnostics).map_err(|error| failed(&error))?;
    Ok((mesh, subjects, guarded))
}
