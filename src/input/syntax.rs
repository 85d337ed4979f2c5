//! From the bytes of a file to a value: binary protobuf, JSON or YAML, whichever it is.

use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use prost::Message;
use serde_json::Value;

/// How deep lists and mappings may lie in each other; JSON is bounded likewise, by its library.
const DEPTH: usize = 128;
/// What aliases may add to a document, in nodes.
const ALIAS_NODES: usize = 1_000_000;

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Content {
    /// A binary response.
    Response(DiscoveryResponse),
    /// A document of JSON or YAML.
    Json(Value),
}

/// Why a file cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum SyntaxError {
    /// It begins as JSON does.
    #[error("line {line}, column {column}: this is no JSON: {message}")]
    Json {
        /// From 1 on.
        line: u64,
        /// From 1 on.
        column: u64,
        /// As the JSON library says.
        message: String,
    },
    /// Other text.
    #[error("line {line}, column {column}: this is no YAML: {message}")]
    Yaml {
        /// From 1 on; 0 where the place is not known.
        line: u64,
        /// From 1 on; 0 where the place is not known.
        column: u64,
        /// As the YAML library says.
        message: String,
    },
    /// What is no text.
    #[error("this is no DiscoveryResponse: {0} (a binary file is taken for one)")]
    Protobuf(String),
}

/// The documents of a file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Content>, SyntaxError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.chars().any(is_binary));
    match text {
        None => response(bytes).map(|response| vec![Content::Response(response)]),
        Some(text) if text.trim_start().starts_with(['{', '[']) => json(text).map(|value| vec![Content::Json(value)]),
        Some(text) => Ok(yaml(text)?.into_iter().map(Content::Json).collect()),
    }
}

/// The tag of a resource in a response is such a character, and no text has one.
fn is_binary(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{85}')
}

fn response(bytes: &[u8]) -> Result<DiscoveryResponse, SyntaxError> {
    let response = DiscoveryResponse::decode(bytes).map_err(|error| SyntaxError::Protobuf(error.to_string()))?;
    if response.type_url.is_empty() && response.resources.iter().all(|any| any.type_url.is_empty()) {
        return Err(SyntaxError::Protobuf("it names no resource type".to_owned()));
    }
    Ok(response)
}

fn json(text: &str) -> Result<Value, SyntaxError> {
    serde_json::from_str(text).map_err(|error| {
        let at = format!(" at line {} column {}", error.line(), error.column());
        let message = error.to_string().replace(&at, "");
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        SyntaxError::Json { line: number(error.line()), column: number(error.column()), message }
    })
}

fn yaml(text: &str) -> Result<Vec<Value>, SyntaxError> {
    let found = serde_saphyr::from_multiple_with_options(text, options(text.len())).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default().to_owned();
        SyntaxError::Yaml { line, column, message }
    });
    Ok(found?.into_iter().filter(|value: &Value| !value.is_null()).collect())
}

/// The file is bounded, and so is what its text can spell out; only aliases can make more of it.
fn options(size: usize) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: size.saturating_add(ALIAS_NODES).saturating_mul(4),
            max_nodes: size.saturating_add(ALIAS_NODES).saturating_mul(2),
            max_total_scalar_bytes: size.saturating_add(ALIAS_NODES << 6),
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIAS_NODES,
        },
        with_snippet: false,
    }
}
