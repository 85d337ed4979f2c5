//! Files in, the configuration and everything that there is to say about it out.

use crate::error::Failure;
use crate::json;
use crate::options::{self, FileOptions};
use amesh_batch::{Counts, Document, Form, Palette, Remarks, Summary};
use amesh_input::{Input, Kind, Reader, Remark};
use js_sys::Uint8Array;
use serde::Serialize;
use serde_json::value::RawValue;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// `Translation` in JavaScript.
#[derive(Serialize)]
struct Translation<'a> {
    document: String,
    config: Box<RawValue>,
    diagnostics: Vec<&'a Remark>,
    counts: Counts,
    summary: Summary,
    report: String,
}

/// Translates files, which make one input. `names` and `contents`: one each a file; `options`: JSON. Returns JSON.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "lists cross the border by value")]
pub fn translate(names: Vec<String>, contents: Vec<Uint8Array>, options: &str) -> Result<String, JsValue> {
    Ok(run(&names, &contents, options)?)
}

fn run(names: &[String], contents: &[Uint8Array], options: &str) -> Result<String, Failure> {
    let options: FileOptions = options::read(options)?;
    let input = read(names, contents, kind(options.from.as_deref())?)?;
    let outcome = amesh_batch::translate(&input, options.translator(&input)?);
    let document = Document::target(&outcome.translator);
    let summary = Summary::new(&input, &document);
    let remarks = Remarks::new(&input.remarks, outcome.diagnostics, &input.origins);
    json(&Translation {
        document: rendered(&document, options.to.into())?,
        config: raw(rendered(&document, Form::Json)?)?,
        diagnostics: remarks.iter().collect(),
        counts: remarks.counts(),
        report: remarks.text(&summary, options.quiet, &Palette::PLAIN),
        summary,
    })
}

fn rendered(document: &Document<'_>, form: Form) -> Result<String, Failure> {
    document.render(form).map_err(|error| Failure::internal(&error))
}

fn raw(json: String) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(json).map_err(|error| Failure::internal(&error))
}

fn kind(name: Option<&str>) -> Result<Option<Kind>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let known = || format!("must be one of {}", Kind::ALL.map(Kind::name).join(", "));
    Kind::from_name(name).map(Some).ok_or_else(|| Failure::option("from".to_owned(), &known()))
}

fn read(names: &[String], contents: &[Uint8Array], from: Option<Kind>) -> Result<Input, Failure> {
    let mut reader = Reader::default();
    for (name, contents) in names.iter().zip(contents) {
        reader.file(name, &contents.to_vec(), from).map_err(|error| Failure::input(name, &error))?;
    }
    Ok(reader.finish())
}
