//! `plugins.response-rewrite`.

use serde::Serialize;

use super::meta::condition;
use super::{Conflict, Merge, Meta, ResponseHeaders, either};
use crate::vars::Expr;

/// `plugins.response-rewrite`: what is answered in place of what came from the upstream or from another plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ResponseRewrite {
    /// 200 to 598.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_code: Option<u16>,
    /// Unlike other texts this is no template. In base64 where `body_base64` is set, which an empty body cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// The body is bytes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) body_base64: bool,
    /// Changes of headers.
    #[serde(skip_serializing_if = "ResponseHeaders::is_empty")]
    pub(crate) headers: ResponseHeaders,
    /// For which responses; evaluated when the response's head is known.
    #[serde(skip_serializing_if = "Expr::is_true", serialize_with = "condition")]
    pub(crate) vars: Expr,
    /// When it runs.
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta,
}

impl ResponseRewrite {
    /// Any bytes as the body.
    pub(crate) fn with_body(bytes: &[u8]) -> Self {
        Self { body: Some(base64(bytes)), body_base64: true, ..Self::default() }
    }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let [first, second, third] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let bits = first << 16 | second << 8 | third;
        for place in 0..4_usize {
            let sextet = (bits >> 18_usize.saturating_sub(place.saturating_mul(6))) & 0x3f;
            let used = place <= chunk.len();
            let digit = usize::try_from(sextet).ok().and_then(|at| DIGITS.get(at)).filter(|_| used);
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Merge for ResponseRewrite {
    /// Each may change what the other leaves alone, for the same responses.
    fn merge(self, other: Self) -> Result<Self, Conflict> {
        if self.vars != other.vars {
            return Err(Conflict);
        }
        let body_base64 = match (&self.body, &other.body) {
            (Some(_), Some(_)) if self.body_base64 != other.body_base64 => return Err(Conflict),
            _ => self.body_base64 || other.body_base64,
        };
        Ok(Self {
            status_code: either(self.status_code, other.status_code)?,
            body: either(self.body, other.body)?,
            body_base64,
            headers: self.headers.merge(other.headers)?,
            vars: self.vars,
            meta: self.meta.merge(other.meta)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_survive() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xff\xfe\x00!", "//4AIQ==")]
        {
            assert_eq!(base64(bytes), text);
        }
    }
}
