//! The examples of the pages about diagnostic codes, played to a translator block by block:
//!
//! | block | what it is |
//! |---|---|
//! | `yaml` | resources in sections, as `amesh translate` reads them; or a response, with `type_url` and `resources` |
//! | `yaml options` | the translator's options |
//! | `hex message` | the bytes of a response |
//! | `text apisix` | what APISIX says when it refuses the changes |
//! | `text` | the diagnostic, in the form of `amesh translate` |

use std::ops::Range;

use amesh_translator::{Code, Diagnostic, Envelope, Options, Severity, Translator};
use bytes::Bytes;
use serde_json::Value;

use crate::messages;

/// A fenced block.
pub(crate) struct Block<'a> {
    /// What stands behind the opening fence.
    pub(crate) info: &'a str,
    /// What stands between the fences.
    text: &'a str,
    /// Where that is in the page.
    pub(crate) range: Range<usize>,
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut at, mut open) = (Vec::new(), 0, None);
    for line in page.split_inclusive('\n') {
        let fence = line.trim_end().strip_prefix("```");
        match (fence, open.take()) {
            (Some(_), Some((info, start))) => blocks.push(Block { info, text: &page[start..at], range: start..at }),
            (Some(info), None) => open = Some((info, at + line.len())),
            (None, unchanged) => open = unchanged,
        }
        at += line.len();
    }
    blocks
}

/// Every diagnostic of `code` that the blocks yield, a line each.
pub(crate) fn play(blocks: &[Block<'_>], code: Code) -> Result<String, String> {
    let mut translator = Translator::new(options(blocks)?);
    let mut passing = Vec::new();
    for block in blocks {
        let verdicts = match block.info {
            "yaml" => yaml(&mut translator, &value(block)?),
            "hex message" => vec![translator.ingest(bytes(block.text)?, Envelope::default())],
            "text apisix" => {
                translator.abandon(block.text.trim_end());
                Vec::new()
            }
            "yaml options" | "text" => Vec::new(),
            other => return Err(format!("nothing is known of a block {other:?}")),
        };
        passing.extend(verdicts.into_iter().flat_map(|verdict| verdict.diagnostics));
    }
    // What is about a message is said once, with its verdict.
    let of_code = |all: Vec<Diagnostic>| all.into_iter().filter(|said| said.code == code).collect::<Vec<_>>();
    let lasting = of_code(translator.diagnostics());
    let said = if lasting.is_empty() { of_code(passing) } else { lasting };
    Ok(said.iter().map(line).collect())
}

fn value(block: &Block<'_>) -> Result<Value, String> {
    serde_saphyr::from_str(block.text).map_err(|error| format!("the block {:?}: {error}", block.info))
}

/// Without a listener all routes are used, as by `amesh translate`.
fn options(blocks: &[Block<'_>]) -> Result<Options, String> {
    let written = blocks.iter().find(|block| block.info == "yaml options").map_or(Ok(Value::Null), value)?;
    let options: Options = if written.is_null() {
        Options::default()
    } else {
        serde_json::from_value(written).map_err(|e| e.to_string())?
    };
    let has_listener = |block: &Block<'_>| block.info == "yaml" && block.text.contains("listeners:");
    Ok(Options { unbound_routes: !blocks.iter().any(has_listener), ..options })
}

fn yaml(translator: &mut Translator, input: &Value) -> Vec<amesh_translator::Verdict> {
    match input["type_url"].as_str() {
        None => messages::ingest_all(translator, input),
        Some(type_url) => {
            let message = type_url.rsplit('/').next().unwrap_or_default();
            assert!(input["resources"].as_array().is_none_or(Vec::is_empty), "write resources in their sections");
            vec![translator.ingest(messages::raw(message, Vec::new()), Envelope::default())]
        }
    }
}

/// Pairs of digits; `#` begins a comment.
fn bytes(text: &str) -> Result<Bytes, String> {
    let digits: String = text.lines().filter_map(|line| line.split('#').next()).collect();
    let digits: Vec<char> = digits.chars().filter(|letter| !letter.is_whitespace()).collect();
    let byte = |pair: &[char]| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).map_err(|_| format!("{pair:?} is no byte"))
    };
    digits.chunks(2).map(byte).collect::<Result<Vec<u8>, _>>().map(Bytes::from)
}

/// As `amesh translate` prints it, without colour and without a file.
fn line(diagnostic: &Diagnostic) -> String {
    let Diagnostic { code, resource, path, count, hint, .. } = diagnostic;
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let times = if *count > 1 { format!(" ({count} places)") } else { String::new() };
    let hint = if hint.is_empty() { String::new() } else { format!("\n  hint: {hint}") };
    let parts = [resource, path].into_iter().filter(|part| !part.is_empty());
    let places = parts.fold(String::new(), |places, part| places + " " + part + ":");
    format!("{word}[{}]{places} {}{times}{hint}\n", code.text(), sentence(diagnostic))
}

/// The message without the field's name, where the path already ends with it.
fn sentence(diagnostic: &Diagnostic) -> &str {
    let last = diagnostic.path.rsplit('.').next().unwrap_or_default();
    let field = last.split('[').next().unwrap_or_default();
    let rest = diagnostic.message.strip_prefix(field).and_then(|rest| rest.strip_prefix(": "));
    rest.filter(|_| !field.is_empty()).unwrap_or(&diagnostic.message)
}
