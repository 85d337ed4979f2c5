//! The compressor filter: `gzip`, for what upstreams answer.

use super::{Context, Share};
use crate::apisix::{Gzip, Meta, Plugins};
use crate::diagnostic::Code;
use crate::model::filter::{Compressor, Config, Library};
use crate::plan::outcome::Outcome;
use crate::vars::Expr;

const GZIP: &str = "gzip is done by nginx: accept-encoding counts where it names gzip, whatever it prefers, and * does \
    not; there is no content-encoding for answers that are made here, for other statuses than 200, 403 and 404, for a \
    content-type that is missing or not in lower case, for HTTP/1.0 and for requests with via, but for HEAD; headers \
    that the route adds to responses are not looked at; a strong etag becomes a weak one, and vary may say \
    accept-encoding twice";
const BROTLI: &str = "brotli: responses are not compressed, and get no content-encoding, vary or other etag for it: APISIX \
    does not load its plugin by default, and refuses configurations as a whole that name a plugin it has not loaded";
const ACCEPTED: &str = "accept-encoding is passed on to the upstream";
const MATCHED: &str = "responses are not compressed: content types are told by other matchers than a list";
const SECOND: &str = "of two compressors of one kind only the last compresses";

impl Context<'_> {
    /// Responses of upstreams are compressed.
    pub(super) fn compress(&mut self, name: &str, config: &Config, shares: Vec<Share>) -> Vec<Share> {
        let Some(compressor) = self.compressor(name, config).filter(|compressor| compressor.enabled) else {
            return shares;
        };
        if compressor.hides_accept_encoding {
            self.report.add(Code::FilterApproximated, self.place, ACCEPTED);
        }
        let level = match compressor.library {
            Library::Gzip(level) => level,
            Library::Brotli => {
                self.report.add(Code::FilterApproximated, self.place, BROTLI);
                return shares;
            }
            Library::Missing => return shares,
        };
        let Some(plugin) = plugin(&compressor, level) else {
            self.report.add(Code::FilterApproximated, self.place, MATCHED);
            return shares;
        };
        self.report.add(Code::FilterApproximated, self.place, GZIP);
        if !self.forwards {
            return shares;
        }
        shares.into_iter().map(|(share, outcome)| (share, self.compressed(&plugin, outcome))).collect()
    }

    /// What holds for the route: it may say something about the filter's own configuration.
    fn compressor(&self, name: &str, config: &Config) -> Option<Compressor> {
        match (config, self.requests.filters.installed(name)) {
            (Config::Compressor(own), _) => Some((**own).clone()),
            (Config::CompressorRoute(route), Some(Config::Compressor(own))) => Some(own.with(route)),
            _ => None,
        }
    }

    fn compressed(&mut self, plugin: &Plugins, outcome: Outcome) -> Outcome {
        if outcome.target.is_none() {
            return outcome;
        }
        let Ok(plugins) = outcome.plugins.clone().merge(plugin.clone()) else {
            self.report.add(Code::FilterApproximated, self.place, SECOND);
            return outcome;
        };
        Outcome { plugins, ..outcome }
    }
}

/// `None` where content types are told in a way that is not translated.
fn plugin(compressor: &Compressor, comp_level: u32) -> Option<Plugins> {
    let types = compressor.types.clone()?;
    let min_length = u64::from(compressor.min_length);
    let excluded = compressor.excluded.iter().map(ToString::to_string).collect();
    let mut parts = vec![
        // Only what upstreams answer.
        Expr::present("upstream_status"),
        Expr::matches_caseless("sent_http_cache_control", r"(?:^|,)\s*no-transform\s*(?:,|\z)").negate(),
        Expr::one_of("status", excluded).negate(),
    ];
    if compressor.not_with_etag {
        parts.push(Expr::present("sent_http_etag").negate());
    }
    let meta = Meta { filter: Expr::all(parts), ..Meta::default() };
    Some(Gzip { types, min_length, comp_level, vary: true, meta }.into())
}
