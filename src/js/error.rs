//! Errors as values that JavaScript can take apart.

use amesh_input::{InputError, SyntaxError};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// Why there is no result; `AmeshError` in JavaScript.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// Stable, such as `yaml-syntax`.
    code: &'static str,
    /// What sort of mistake it is: `input`, `usage`, `internal`.
    kind: &'static str,
    /// For people.
    message: String,
    /// The file, or the option.
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    /// From 1 on; where the input is text and the place is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

impl Failure {
    fn new(kind: &'static str, code: &'static str, message: &impl ToString) -> Self {
        Self { code, kind, message: message.to_string(), path: String::new(), line: None, column: None }
    }

    /// An option that cannot be used.
    pub(crate) fn option(path: String, message: &str) -> Self {
        Self { path, ..Self::new("usage", "invalid-option", &message) }
    }

    /// A file that cannot be used.
    pub(crate) fn input(file: &str, error: &InputError) -> Self {
        let code = match error {
            InputError::Syntax(SyntaxError::Json { .. }) => "json-syntax",
            InputError::Syntax(SyntaxError::Yaml { .. }) => "yaml-syntax",
            InputError::Syntax(SyntaxError::Protobuf(_)) => "protobuf-syntax",
            InputError::Empty => "empty-input",
            InputError::UnknownKind(_) => "unknown-kind",
            InputError::WrongKind { .. } => "wrong-kind",
            InputError::Binary(_) => "binary-input",
        };
        let place = match error {
            InputError::Syntax(SyntaxError::Json { line, column, .. } | SyntaxError::Yaml { line, column, .. }) => {
                Some((*line, *column)).filter(|(line, _)| *line > 0)
            }
            _ => None,
        };
        let (line, column) = place.unzip();
        Self { path: file.to_owned(), line, column, ..Self::new("input", code, error) }
    }

    /// What should not happen.
    pub(crate) fn internal(message: &impl ToString) -> Self {
        Self::new("internal", "internal", message)
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        // Plain strings and numbers: always JSON.
        JsValue::from_str(&serde_json::to_string(&failure).unwrap_or_default())
    }
}
