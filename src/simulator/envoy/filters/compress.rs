//! `envoy.extensions.filters.http.compressor.v3.Compressor`.

use super::{Kind, Passage};
use crate::envoy::change::Changes;
use crate::envoy::encoding::{Encoding, Etag, Offer};
use crate::envoy::exchange::Exchange;
use crate::envoy::object::{Object, Read};

/// A compressor of the chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compressor {
    encoding: &'static str,
    enabled: bool,
    types: Types,
    min_length: u32,
    etag: Etag,
    hides_accept_encoding: bool,
    excluded: Vec<u32>,
}

type Types = Vec<String>;

/// What a route says about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    Disabled,
    Overrides {
        encoding: Option<&'static str>,
        /// Something is said about responses.
        asks: bool,
        hides_accept_encoding: Option<bool>,
    },
}

/// What is compressed where nothing is said.
const TYPES: &str = "text/html text/plain text/css application/javascript application/x-javascript text/javascript \
    text/x-javascript text/ecmascript text/js text/jscript text/x-js application/ecmascript application/x-json \
    application/xml application/json image/svg+xml text/xml application/xhtml+xml";

impl Compressor {
    pub(super) fn read(config: &Object) -> Read<Self> {
        let library = config.object("compressor_library")?;
        let library = library.ok_or_else(|| config.refuse("compressor_library", "value is required"))?;
        let encoding = encoding(&library)?;
        config.object("request_direction_config")?.inspect(Object::ignore_all);
        let response = config.object("response_direction_config")?;
        let of = response.as_ref().unwrap_or(config);
        let common = match &response {
            Some(response) => response.object("common_config")?,
            None => None,
        };
        let enabled = match &common {
            Some(common) => common.object("enabled")?,
            None => config.object("runtime_enabled")?,
        };
        let (types, least) = match (&response, &common) {
            (Some(_), Some(common)) => (common.texts("content_type")?, common.number_if("min_content_length")?),
            (Some(_), None) => (Vec::new(), None),
            (None, _) => (config.texts("content_type")?, config.number_if("content_length")?),
        };
        let types: Types = if types.is_empty() {
            TYPES.split(' ').map(str::to_owned).collect()
        } else {
            types.into_iter().map(str::to_ascii_lowercase).collect()
        };
        if let Some(response) = &response {
            response.ignore(&["status_header_enabled"]);
        }
        let weakens = response.as_ref().map_or(Ok(false), |of| of.flag("weaken_etag_on_compress"))?;
        Ok(Self {
            encoding,
            enabled: enabled.map_or(Ok(true), |flag| flag.flag("default_value"))?,
            types,
            min_length: least.filter(|least| *least > 0).unwrap_or(30),
            etag: match (of.flag("disable_on_etag_header")?, weakens) {
                (true, _) => Etag::Excludes,
                (false, true) => Etag::Weakened,
                (false, false) => Etag::Removed,
            },
            hides_accept_encoding: of.flag("remove_accept_encoding_header")?,
            excluded: response.as_ref().map_or(Ok(Vec::new()), |of| of.numbers("uncompressible_response_codes"))?,
        })
    }

    fn with(&self, route: Option<&Route>) -> Option<Self> {
        let mut own = self.clone();
        if let Some(Route::Overrides { encoding, asks, hides_accept_encoding }) = route {
            own.encoding = encoding.unwrap_or(own.encoding);
            own.enabled |= asks;
            own.hides_accept_encoding = hides_accept_encoding.unwrap_or(own.hides_accept_encoding);
        }
        (route != Some(&Route::Disabled) && own.enabled).then_some(own)
    }
}

impl Route {
    pub(super) fn read(config: &Object) -> Read<Self> {
        if config.flag("disabled")? {
            return Ok(Self::Disabled);
        }
        let Some(overrides) = config.object("overrides")? else {
            return Err(config.refuse("", "field: \"override\", reason: is required"));
        };
        let library = overrides.object("compressor_library")?;
        let response = overrides.object("response_direction_config")?;
        Ok(Self::Overrides {
            encoding: library.map(|library| encoding(&library)).transpose()?,
            asks: response.is_some(),
            hides_accept_encoding: response.map_or(Ok(None), |of| of.flag_if("remove_accept_encoding_header"))?,
        })
    }
}

/// How the library names itself in `content-encoding`.
fn encoding(library: &Object) -> Read<&'static str> {
    library.ignore(&["name"]);
    let config = library.object("typed_config")?;
    let config = config.ok_or_else(|| library.refuse("typed_config", "value is required"))?;
    config.ignore_all();
    let name = config.any_type()?;
    let known = [("gzip", "gzip"), ("brotli", "br"), ("zstd", "zstd")];
    let found = known.iter().find(|(library, _)| name.starts_with(&format!("envoy.extensions.compression.{library}.")));
    found.map(|(_, encoding)| *encoding).ok_or_else(|| library.refuse("typed_config", "no registered implementation"))
}

fn effective(chain: &Kind, overrides: &[&Kind]) -> Option<Compressor> {
    let route = match overrides.first() {
        Some(Kind::CompressorRoute(route)) => Some(route),
        _ => None,
    };
    if let Kind::Compressor(own) = chain { own.with(route) } else { None }
}

/// A request on its way: the filter remembers what the client accepts and may keep it from the upstream.
pub(super) fn act(
    (at, chain, overrides): (usize, &Kind, &[&Kind]),
    passage: &Passage,
    exchange: &mut Exchange,
    responses: &mut Vec<Changes>,
) {
    let accepted = exchange.headers.get("accept-encoding").map(<[u8]>::to_vec);
    if effective(chain, overrides).is_some_and(|own| own.hides_accept_encoding) {
        exchange.headers.remove("accept-encoding");
    }
    responses.extend(response((at, chain, overrides), passage, accepted));
}

/// What becomes of an answer, also where the filter has not seen the request.
pub(super) fn response(
    (at, chain, overrides): (usize, &Kind, &[&Kind]),
    passage: &Passage,
    accepted: Option<Vec<u8>>,
) -> Option<Changes> {
    let own = effective(chain, overrides)?;
    let offers = passage.in_force().filter_map(|(place, filter, kinds)| {
        let own = effective(&filter.kind, &kinds)?;
        Some(Offer { encoding: own.encoding, types: own.types, is_own: place == at })
    });
    Some(Changes::compression(Encoding {
        offers: offers.collect(),
        accepted,
        min_length: own.min_length,
        etag: own.etag,
        excluded: own.excluded,
    }))
}
