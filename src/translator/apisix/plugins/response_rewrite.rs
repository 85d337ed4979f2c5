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
