//! Compression of a response: whether, and what becomes of its headers. Bodies stay as they are.

use super::headers::Headers;

/// A compressor's view of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoding {
    /// All compressors of the chain, in order.
    pub(super) offers: Vec<Offer>,
    /// `accept-encoding` as this compressor saw it.
    pub(super) accepted: Option<Vec<u8>>,
    pub(super) min_length: u32,
    pub(super) etag: Etag,
    pub(super) excluded: Vec<u32>,
}

/// What becomes of a response with an etag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Etag {
    /// A strong one is removed.
    Removed,
    /// A strong one becomes weak.
    Weakened,
    /// The response is not compressed.
    Excludes,
}

/// What a compressor offers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    pub(super) encoding: &'static str,
    /// In lower case.
    pub(super) types: Vec<String>,
    pub(super) is_own: bool,
}

impl Encoding {
    /// Compresses a response, if so: `has_body` where more than its headers is sent.
    pub(super) fn apply(&self, status: u16, has_body: bool, headers: &mut Headers) {
        let Some(own) = self.offers.iter().find(|offer| offer.is_own) else { return };
        if !self.is_compressible(own, status, headers) {
            return;
        }
        let vary = headers.get("vary").map(<[u8]>::to_vec);
        if has_body && self.chosen(headers) == Some(own.encoding) {
            match headers.get("etag").filter(|etag| !etag.starts_with(b"W/")).map(<[u8]>::to_vec) {
                Some(etag) if self.etag == Etag::Weakened => headers.set("etag", [b"W/", etag.as_slice()].concat()),
                Some(_) => headers.remove("etag"),
                None => {}
            }
            headers.remove("content-length");
            headers.set("content-encoding", own.encoding);
        }
        match vary {
            Some(vary) if contains(&vary, b"Accept-Encoding") => {}
            Some(vary) => headers.set("vary", [&vary, b", Accept-Encoding".as_slice()].concat()),
            None => headers.set("vary", "Accept-Encoding"),
        }
    }

    fn is_compressible(&self, own: &Offer, status: u16, headers: &Headers) -> bool {
        let length = std::str::from_utf8(headers.value("content-length")).ok().and_then(|text| text.parse().ok());
        let control = headers.value("cache-control").to_ascii_lowercase();
        let is_excluded = control.split(|&byte| byte == b',').any(|part| part.trim_ascii() == b"no-transform")
            || (self.etag == Etag::Excludes && headers.has("etag"))
            || headers.has("content-encoding")
            || self.excluded.contains(&status.into());
        !is_excluded && own.takes(headers) && length.is_none_or(|length: u32| length >= self.min_length)
    }

    /// What the client prefers among what is offered for the content type; of equals the first that it names.
    fn chosen(&self, headers: &Headers) -> Option<&'static str> {
        let accepted = String::from_utf8_lossy(self.accepted.as_deref()?).into_owned();
        let mut offered: Vec<&'static str> =
            self.offers.iter().filter(|offer| offer.takes(headers)).map(|offer| offer.encoding).collect();
        let named: Vec<(&str, f64)> = accepted.split(',').map(quality).collect();
        for (name, _) in named.iter().filter(|(_, quality)| *quality == 0.0) {
            offered.retain(|encoding| encoding != name);
        }
        let mut choice = ("identity", 0.0);
        for (name, quality) in named {
            if quality > choice.1 && (offered.contains(&name) || matches!(name, "identity" | "*")) {
                choice = (name, quality);
            }
        }
        match choice {
            (_, 0.0) | ("identity", _) => None,
            ("*", _) => offered.first().copied(),
            (name, _) => offered.iter().find(|encoding| **encoding == name).copied(),
        }
    }
}

impl Offer {
    /// Whether the content type is one of those that are compressed; none at all is.
    fn takes(&self, headers: &Headers) -> bool {
        let Some(content_type) = headers.get("content-type") else { return true };
        let plain = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
        let plain = plain.trim_ascii().to_ascii_lowercase();
        self.types.iter().any(|own| own.as_bytes() == plain)
    }
}

/// `gzip;q=0.5` as name and quality.
fn quality(token: &str) -> (&str, f64) {
    let (name, rest) = token.split_once(';').unwrap_or((token, ""));
    let quality = rest.split(';').find_map(|part| part.trim().strip_prefix("q="));
    (name.trim(), quality.and_then(|quality| quality.parse().ok()).unwrap_or(1.0))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
