//! `envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth` and what routes say instead: which keys let a request
//! pass, and where they are looked for. The keys are secrets: no error and no debug output shows one.

use std::collections::BTreeMap;
use std::fmt;

use amesh_xds::wire::envoy::extensions::filters::http::api_key_auth::v3 as wire;

use crate::model::format::{Format, Part};
use crate::model::headers::{Addition, Append, HeaderMutations, Level};
use crate::model::rules::{RuleError, filled, one_line};

/// Which keys let a request pass. What a route leaves empty is as in the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiKey {
    /// The client of each key.
    pub(crate) clients: BTreeMap<Secret, String>,
    /// The first that has a key counts.
    pub(crate) sources: Vec<KeySource>,
    /// `allowed_clients`; empty: all.
    pub(crate) allowed: Vec<String>,
    /// `forwarding.header`, in lower case: it tells the upstream who the client is; empty: none does.
    pub(crate) client_header: String,
    /// `forwarding.hide_credentials`: the upstream does not get the key.
    pub(crate) hides: bool,
    /// What is done to headers of requests that pass. [`CLIENT`] stands for the client.
    pub(crate) step: HeaderMutations,
}

/// Stands for the client in header values. No header can have it.
pub(crate) const CLIENT: &str = "\u{1}client\u{1}";

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a key is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A header, in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A cookie.
    Cookie(String),
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiKeyError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// One key for two clients.
    #[error("credentials: two have the same key")]
    Duplicate,
    /// A source of nothing.
    #[error("key_sources[{0}]: one of header, query, cookie must be set")]
    NoSource(usize),
}

/// Validates what a route says.
pub(super) fn per_route(own: wire::ApiKeyAuthPerRoute) -> Result<ApiKey, ApiKeyError> {
    let filter =
        wire::ApiKeyAuth { credentials: own.credentials, key_sources: own.key_sources, forwarding: own.forwarding };
    Ok(ApiKey { allowed: own.allowed_clients, ..convert(filter)? })
}

/// Validates the filter.
pub(super) fn convert(filter: wire::ApiKeyAuth) -> Result<ApiKey, ApiKeyError> {
    let mut clients = BTreeMap::new();
    for (index, credential) in filter.credentials.into_iter().enumerate() {
        filled(&credential.key, format_args!("credentials[{index}].key"))?;
        filled(&credential.client, format_args!("credentials[{index}].client"))?;
        if clients.insert(Secret(credential.key), credential.client).is_some() {
            return Err(ApiKeyError::Duplicate);
        }
    }
    let sources = filter.key_sources.into_iter().enumerate();
    let sources: Vec<_> = sources.map(|(index, source)| self::source(source, index)).collect::<Result<_, _>>()?;
    let forwarding = filter.forwarding.unwrap_or_default();
    one_line(&forwarding.header, "forwarding.header")?;
    let (client_header, hides) = (forwarding.header.to_ascii_lowercase(), forwarding.hide_credentials);
    let step = step(&sources, &client_header, hides);
    Ok(ApiKey { clients, sources, allowed: Vec::new(), client_header, hides, step })
}

fn source(source: wire::KeySource, index: usize) -> Result<KeySource, ApiKeyError> {
    let wire::KeySource { header, query, cookie } = source;
    one_line(&header, format_args!("key_sources[{index}].header"))?;
    match (header.as_str(), query.as_str(), cookie.as_str()) {
        ("", "", "") => Err(ApiKeyError::NoSource(index)),
        ("", "", _) => Ok(KeySource::Cookie(cookie)),
        ("", ..) => Ok(KeySource::Query(query)),
        _ => Ok(KeySource::Header(header.to_ascii_lowercase())),
    }
}

fn step(sources: &[KeySource], client_header: &str, hides: bool) -> HeaderMutations {
    let header = |source: &KeySource| if let KeySource::Header(name) = source { Some(name.clone()) } else { None };
    let remove = if hides { sources.iter().filter_map(header).collect() } else { Vec::new() };
    let client = (!client_header.is_empty()).then(|| Addition {
        name: client_header.to_owned(),
        value: Format(vec![Part::Text(CLIENT.to_owned())]),
        action: Append::Overwrite,
        keep_empty: false,
    });
    let request = Level { remove, add: client.into_iter().collect() };
    HeaderMutations { request, response: Level::default() }
}
