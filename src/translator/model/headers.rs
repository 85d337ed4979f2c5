//! Lists of headers to add and to remove, of requests and of responses (`envoy.config.core.v3.HeaderValueOption`).

use amesh_xds::wire::envoy::config::core::v3 as wire;
use amesh_xds::wire::envoy::config::core::v3::header_value_option::HeaderAppendAction;

use super::format::{Format, FormatError};
use super::rules::{RuleError, defined};

/// What one weighted cluster, route, virtual host or route configuration does to headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderMutations {
    /// To requests on their way to the upstream.
    pub(crate) request: Level,
    /// To responses.
    pub(crate) response: Level,
}

/// Removals come before additions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// Names in lower case.
    pub(crate) remove: Vec<String>,
    /// In order.
    pub(crate) add: Vec<Addition>,
}

/// One header to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addition {
    /// In lower case.
    pub(crate) name: String,
    /// What it is set to.
    pub(crate) value: Format,
    /// What happens to a header of this name that is there.
    pub(crate) action: Append,
    /// It is added even where the value is empty.
    pub(crate) keep_empty: bool,
}

/// `append_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// Both stay.
    Always,
    /// The one that is there stays.
    IfAbsent,
    /// The new one stays.
    Overwrite,
    /// The new one stays, but only where there was one.
    OverwriteIfPresent,
}

/// Why Envoy would refuse a list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderListError {
    /// No header or no name in it.
    #[error("an entry has no header name")]
    Unnamed,
    /// A header that is no header.
    #[error("header {0:?}: Host and names with a leading colon cannot be changed this way")]
    Pseudo(String),
    /// Line ends and the like.
    #[error("header {0:?}: a line end or a NUL is no part of a header")]
    Character(String),
    /// Two ways to say what happens.
    #[error("header {0:?}: append and append_action exclude each other")]
    TwoActions(String),
    /// A value that is no format string.
    #[error("header {0:?}: {1}")]
    Format(String, FormatError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// Too many.
    #[error("more than 1000 headers")]
    TooMany,
    /// A value that is too long.
    #[error("header {0:?}: the value has more than 16384 bytes")]
    TooLong(String),
}

/// The header changes of a message that has Envoy's four lists; `None` where they say nothing, as almost all do.
macro_rules! header_mutations {
    ($message:expr) => {
        $crate::model::headers::convert(
            (&$message.request_headers_to_add, &$message.request_headers_to_remove),
            (&$message.response_headers_to_add, &$message.response_headers_to_remove),
        )
    };
}
pub(crate) use header_mutations;

/// What to add and what to remove.
type Lists<'a> = (&'a Vec<wire::HeaderValueOption>, &'a Vec<String>);

/// For [`header_mutations`].
pub(crate) fn convert(
    request: Lists<'_>,
    response: Lists<'_>,
) -> Result<Option<Box<HeaderMutations>>, HeaderListError> {
    let mutations = HeaderMutations { request: level(request)?, response: level(response)? };
    Ok((mutations != HeaderMutations::default()).then(|| Box::new(mutations)))
}

fn level((add, remove): Lists<'_>) -> Result<Level, HeaderListError> {
    if add.len() > 1000 {
        return Err(HeaderListError::TooMany);
    }
    let remove = remove.iter().map(|name| modifiable(name)).collect::<Result<_, _>>()?;
    Ok(Level { remove, add: add.iter().map(addition).collect::<Result<_, _>>()? })
}

/// Validates one header to add.
pub(crate) fn addition(option: &wire::HeaderValueOption) -> Result<Addition, HeaderListError> {
    let header = option.header.as_ref().ok_or(HeaderListError::Unnamed)?;
    let name = modifiable(&header.key)?;
    let action = match (option.append, defined(option.append_action, "append_action")?) {
        (Some(true) | None, HeaderAppendAction::AppendIfExistsOrAdd) => Append::Always,
        (Some(false), HeaderAppendAction::AppendIfExistsOrAdd) | (None, HeaderAppendAction::OverwriteIfExistsOrAdd) => {
            Append::Overwrite
        }
        (Some(_), _) => return Err(HeaderListError::TwoActions(name)),
        (None, HeaderAppendAction::AddIfAbsent) => Append::IfAbsent,
        (None, HeaderAppendAction::OverwriteIfExists) => Append::OverwriteIfPresent,
    };
    let value = match std::str::from_utf8(&header.raw_value) {
        Ok("") => header.value.as_str(),
        Ok(raw) => raw,
        Err(_) => return Err(HeaderListError::Character(name)),
    };
    if value.contains(['\0', '\r', '\n']) {
        return Err(HeaderListError::Character(name));
    }
    if value.len() > 16_384 {
        return Err(HeaderListError::TooLong(name));
    }
    let value = Format::parse(value).map_err(|error| HeaderListError::Format(name.clone(), error))?;
    Ok(Addition { name, value, action, keep_empty: option.keep_empty_value })
}

/// The name in lower case.
pub(crate) fn modifiable(name: &str) -> Result<String, HeaderListError> {
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() {
        return Err(HeaderListError::Unnamed);
    }
    if lower.contains(['\0', '\r', '\n']) {
        return Err(HeaderListError::Character(lower));
    }
    if lower == "host" || lower.starts_with(':') {
        return Err(HeaderListError::Pseudo(lower));
    }
    Ok(lower)
}
