//! The plugins gzip and brotli.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::number::tonumber;
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;

/// A configured gzip or brotli.
#[derive(Debug)]
pub(in crate::apisix) struct Compress {
    is_brotli: bool,
    /// `None`: all.
    types: Option<Vec<String>>,
    min_length: f64,
    /// The lowest version of HTTP.
    version: f64,
    vary: bool,
}

impl Compress {
    pub(in crate::apisix) fn gzip(fields: &Fields) -> Result<Self, Refusal> {
        Self::read(fields, false)
    }

    pub(in crate::apisix) fn brotli(fields: &Fields) -> Result<Self, Refusal> {
        Self::read(fields, true)
    }

    fn read(fields: &Fields, is_brotli: bool) -> Result<Self, Refusal> {
        let types = match fields.get("types") {
            None => Some(vec!["text/html".into()]),
            Some(all) if all == "*" => None,
            Some(_) => fields.items("types")?.map(|types| types.into_iter().map(Into::into).collect()),
        };
        Ok(Self {
            is_brotli,
            types,
            min_length: fields.integer("min_length", 1.0..=f64::MAX)?.unwrap_or(20.0),
            version: fields.number("http_version", 1.0..=1.1)?.unwrap_or(1.1),
            vary: fields.flag("vary")?.unwrap_or(false),
        })
    }

    /// The conditions that both share. The length counts as soon as it is known.
    fn applies(&self, exchange: &Exchange) -> bool {
        let response = &exchange.vars.response;
        let Some(content_type) = response.headers.first("Content-Type") else { return false };
        let media_type = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
        let version = exchange.vars.received.request.version.strip_prefix("HTTP/").unwrap_or_default();
        let listed = |types: &Vec<String>| types.iter().any(|listed| listed.as_bytes() == media_type);
        self.types.as_ref().is_none_or(listed)
            && response.length().is_none_or(|length| length >= self.min_length)
            && tonumber(version.as_bytes()).is_some_and(|version| version >= self.version)
    }
}

impl Plugin for Compress {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Response]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let accepted = exchange.vars.headers.first("Accept-Encoding").unwrap_or_default();
        if self.is_brotli {
            let accepts = accepted.contains(&b'*') || accepted.windows(2).any(|pair| pair == b"br");
            if accepts && self.applies(exchange) {
                return Err(Stop::not_modelled("compression by brotli"));
            }
            return Ok(Flow::Next);
        }
        if !self.applies(exchange) {
            return Ok(Flow::Next);
        }
        exchange.vars.response.gzip = accepts_gzip(accepted) && exchange.vars.headers.first("Via").is_none();
        if self.vary {
            exchange.vars.response.headers.add("Vary", b"Accept-Encoding");
        }
        Ok(Flow::Next)
    }
}

/// nginx's reading of `Accept-Encoding`: `gzip` as a word, unless its quality is 0.
fn accepts_gzip(accepted: &[u8]) -> bool {
    let accepts = Pattern::new(r"(^|[, ])gzip *($|[, ]|; *q=(1|0\.0{0,2}[1-9]))", true);
    accepts.find(accepted).is_some()
}

#[cfg(test)]
mod tests {
    use super::accepts_gzip;

    #[test]
    fn quality_zero_is_no() {
        for (header, accepts) in [
            ("gzip", true),
            ("br, gzip", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0", false),
            ("gzip;q=0.5", true),
            ("gzip; q=1.0, br", true),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(header.as_bytes()), accepts, "{header}");
        }
    }
}
