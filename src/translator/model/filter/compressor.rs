//! `envoy.extensions.filters.http.compressor.v3.Compressor`: how responses are compressed.

use std::collections::BTreeSet;

use amesh_xds::wire::envoy::config::core::v3::{RuntimeFeatureFlag, TypedExtensionConfig};
use amesh_xds::wire::envoy::extensions::compression::brotli::compressor::v3::{Brotli, brotli::EncoderMode};
use amesh_xds::wire::envoy::extensions::compression::gzip::compressor::v3::Gzip;
use amesh_xds::wire::envoy::extensions::compression::gzip::compressor::v3::gzip::{
    CompressionLevel, CompressionStrategy,
};
use amesh_xds::wire::envoy::extensions::filters::http::compressor::v3 as wire;
use amesh_xds::wire::envoy::extensions::filters::http::compressor::v3::compressor::CommonDirectionConfig;
use amesh_xds::wire::envoy::extensions::filters::http::compressor::v3::compressor_per_route::Override as PerRoute;
use prost::Message as _;

use super::{Config, FilterError};
use crate::diagnostic::Code;
use crate::model::findings::{Extension, extension};
use crate::model::rules::{RuleError, defined, set};
use crate::report::{Place, Report};

/// Content types that are compressed where none are named.
const TYPES: [&str; 18] = [
    "text/html",
    "text/plain",
    "text/css",
    "application/javascript",
    "application/x-javascript",
    "text/javascript",
    "text/x-javascript",
    "text/ecmascript",
    "text/js",
    "text/jscript",
    "text/x-js",
    "application/ecmascript",
    "application/x-json",
    "application/xml",
    "application/json",
    "image/svg+xml",
    "text/xml",
    "application/xhtml+xml",
];

const REQUESTS: &str = "request bodies are not compressed";
/// Bytes that a body must have where no other number is named.
const MIN_LENGTH: u32 = 30;

/// How responses are compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compressor {
    /// By what.
    pub(crate) library: Library,
    /// It runs where no route asks for it.
    pub(crate) enabled: bool,
    /// Bytes; shorter bodies are not compressed.
    pub(crate) min_length: u32,
    /// Content types; `None`: they are told in a way that is not translated.
    pub(crate) types: Option<Vec<String>>,
    /// Statuses whose responses are not compressed.
    pub(crate) excluded: BTreeSet<u16>,
    /// Responses with an etag are not compressed.
    pub(crate) not_with_etag: bool,
    /// Upstreams are not told what the client accepts.
    pub(crate) hides_accept_encoding: bool,
}

/// What a route says about compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompressorRoute {
    /// Another library.
    library: Option<Library>,
    /// The route says something about responses, which switches compression on.
    asks: bool,
    /// Upstreams are not told what the client accepts.
    hides_accept_encoding: Option<bool>,
}

/// A compression library, with how hard it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// `envoy.extensions.compression.gzip.compressor.v3.Gzip`: 1 to 9.
    Gzip(u32),
    /// `envoy.extensions.compression.brotli.compressor.v3.Brotli`.
    Brotli,
    /// One that APISIX does not have, which has been reported.
    Missing,
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CompressorError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A status that is no answer, or the same one twice.
    #[error("response_direction_config.uncompressible_response_codes has {0}; they must be 200 to 599 and differ")]
    Status(u32),
    /// Out of range.
    #[error("compressor_library.typed_config.{0} is {1}, which is out of range")]
    Range(&'static str, u32),
    /// Nothing is said.
    #[error("override is not set: one of disabled, overrides is needed")]
    Unset,
    /// `disabled: false`.
    #[error("disabled must be true")]
    NotDisabled,
}

/// Validates the filter.
pub(super) fn convert(
    filter: wire::Compressor,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Compressor, FilterError> {
    let library = set(filter.compressor_library, "compressor_library").map_err(CompressorError::Rule)?;
    let library = self::library(&library, &place.field("compressor_library"), report)?;
    if let Some(request) = filter.request_direction_config
        && enabled(request.common_config.unwrap_or_default().enabled)?
    {
        report.add(Code::FieldIgnored, place.field("request_direction_config"), REQUESTS);
    }
    // Deprecated fields count only where the ones that took their place are missing.
    let response = filter.response_direction_config.unwrap_or_else(|| wire::compressor::ResponseDirectionConfig {
        common_config: Some(CommonDirectionConfig {
            enabled: filter.runtime_enabled,
            min_content_length: filter.content_length,
            content_type: filter.content_type,
            content_type_matcher: Vec::new(),
        }),
        disable_on_etag_header: filter.disable_on_etag_header,
        remove_accept_encoding_header: filter.remove_accept_encoding_header,
        ..Default::default()
    });
    let excluded = excluded(&response.uncompressible_response_codes)?;
    let common = response.common_config.unwrap_or_default();
    Ok(Compressor {
        library,
        enabled: enabled(common.enabled)?,
        min_length: common.min_content_length.filter(|length| *length > 0).unwrap_or(MIN_LENGTH),
        types: common.content_type_matcher.is_empty().then(|| types(common.content_type)),
        excluded,
        not_with_etag: response.disable_on_etag_header,
        hides_accept_encoding: response.remove_accept_encoding_header,
    })
}

/// Validates what a route says; `None`: nothing is compressed.
pub(super) fn per_route(
    own: wire::CompressorPerRoute,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<CompressorRoute>, FilterError> {
    let overrides = match own.r#override {
        None => return Err(CompressorError::Unset.into()),
        Some(PerRoute::Disabled(true)) => return Ok(None),
        Some(PerRoute::Disabled(false)) => return Err(CompressorError::NotDisabled.into()),
        Some(PerRoute::Overrides(overrides)) => overrides,
    };
    let library = overrides.compressor_library.map(|library| {
        let place = place.field("overrides");
        self::library(&library, &place.field("compressor_library"), report)
    });
    let response = overrides.response_direction_config;
    Ok(Some(CompressorRoute {
        library: library.transpose()?,
        asks: response.is_some(),
        hides_accept_encoding: response.and_then(|response| response.remove_accept_encoding_header),
    }))
}

impl Compressor {
    /// With what a route says.
    pub(crate) fn with(&self, route: &CompressorRoute) -> Self {
        Self {
            library: route.library.unwrap_or(self.library),
            enabled: self.enabled || route.asks,
            hides_accept_encoding: route.hides_accept_encoding.unwrap_or(self.hides_accept_encoding),
            ..self.clone()
        }
    }
}

fn types(own: Vec<String>) -> Vec<String> {
    if own.is_empty() {
        return TYPES.map(str::to_owned).to_vec();
    }
    // Envoy compares without case, and nearly everybody writes them in lower case.
    own.into_iter().map(|content_type| content_type.to_ascii_lowercase()).collect()
}

fn enabled(flag: Option<RuntimeFeatureFlag>) -> Result<bool, CompressorError> {
    let Some(flag) = flag else { return Ok(true) };
    Ok(set(flag.default_value, "common_config.enabled.default_value")?)
}

fn excluded(codes: &[u32]) -> Result<BTreeSet<u16>, CompressorError> {
    let mut excluded = BTreeSet::new();
    for code in codes {
        let known = u16::try_from(*code).ok().filter(|code| (200..600).contains(code));
        if !known.is_some_and(|code| excluded.insert(code)) {
            return Err(CompressorError::Status(*code));
        }
    }
    Ok(excluded)
}

/// Envoy refuses types that are no library.
fn library(library: &TypedExtensionConfig, place: &Place<'_>, report: &mut Report) -> Result<Library, FilterError> {
    let broken = CompressorError::Rule;
    let any = set(library.typed_config.as_ref(), "compressor_library.typed_config").map_err(broken)?;
    if !any.type_url.contains("envoy.extensions.compression.") && !any.type_url.ends_with("TypedStruct") {
        return Err(FilterError::UnknownType(crate::model::findings::shown(&any.type_url)));
    }
    Ok(match extension("compressor_library", any, place, report)? {
        Extension::Read(name, bytes, _) if name.ends_with(".Gzip") => gzip(&Gzip::decode(bytes.clone())?)?,
        Extension::Read(_, bytes, _) => brotli(&Brotli::decode(bytes.clone())?)?,
        Extension::Passed(_) => Library::Missing,
    })
}

fn gzip(gzip: &Gzip) -> Result<Library, CompressorError> {
    within("memory_level", gzip.memory_level, 1, 9)?;
    within("window_bits", gzip.window_bits, 9, 15)?;
    within("chunk_size", gzip.chunk_size, 4096, 65536)?;
    let path = "compressor_library.typed_config";
    defined::<CompressionLevel>(gzip.compression_level, format_args!("{path}.compression_level"))?;
    defined::<CompressionStrategy>(gzip.compression_strategy, format_args!("{path}.compression_strategy"))?;
    // zlib's own default is 6.
    let level = u32::try_from(gzip.compression_level).ok().filter(|level| *level > 0).unwrap_or(6);
    Ok(Library::Gzip(level))
}

fn brotli(brotli: &Brotli) -> Result<Library, CompressorError> {
    within("quality", brotli.quality, 0, 11)?;
    within("window_bits", brotli.window_bits, 10, 24)?;
    within("input_block_bits", brotli.input_block_bits, 16, 24)?;
    within("chunk_size", brotli.chunk_size, 4096, 65536)?;
    defined::<EncoderMode>(brotli.encoder_mode, "compressor_library.typed_config.encoder_mode")?;
    Ok(Library::Brotli)
}

fn within(field: &'static str, value: Option<u32>, least: u32, most: u32) -> Result<(), CompressorError> {
    match value {
        Some(value) if value < least || value > most => Err(CompressorError::Range(field, value)),
        _ => Ok(()),
    }
}

impl From<Compressor> for Config {
    fn from(compressor: Compressor) -> Self {
        Self::Compressor(Box::new(compressor))
    }
}
