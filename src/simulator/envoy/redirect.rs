//! Answers of routes that forward nothing: redirects and direct responses.

use super::exchange::Exchange;
use super::object::{Object, Read};
use super::path_match::PathMatch;
use super::rewrite::PathRewrite;
use super::stop::Known;

/// `envoy.config.route.v3.RedirectAction`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redirect {
    pub(super) status: u16,
    scheme: String,
    host: String,
    /// With its colon.
    port: String,
    path: String,
    rewrite: PathRewrite,
    strip_query: bool,
}

impl Redirect {
    pub(super) fn read(action: &Object, matched: &PathMatch) -> Read<Self> {
        let codes = ["MOVED_PERMANENTLY", "FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"];
        let status = match action.choice("response_code", &codes)? {
            "FOUND" => 302,
            "SEE_OTHER" => 303,
            "TEMPORARY_REDIRECT" => 307,
            "PERMANENT_REDIRECT" => 308,
            _ => 301,
        };
        let https = action.flag("https_redirect")?;
        let scheme = if https { "https" } else { action.text("scheme_redirect")? };
        let port = action.number("port_redirect")?;
        Ok(Self {
            status,
            scheme: scheme.into(),
            host: action.text("host_redirect")?.into(),
            port: if port == 0 { String::new() } else { format!(":{port}") },
            path: action.text("path_redirect")?.into(),
            rewrite: PathRewrite::read(action, matched)?,
            strip_query: action.flag("strip_query")?,
        })
    }

    /// The URL to go to.
    pub(super) fn location(&self, exchange: &Exchange, matched: &PathMatch) -> Known<Vec<u8>> {
        let scheme = match self.scheme.as_str() {
            "" => exchange.headers.value(":scheme"),
            scheme => scheme.as_bytes(),
        };
        let host = match self.host.as_str() {
            "" => self.host_of(exchange, scheme),
            host => host.as_bytes(),
        };
        let path = self.path_of(exchange, matched)?;
        let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
        Ok([scheme, b"://", host, self.port.as_bytes(), slash, &path].concat())
    }

    /// Gives the request itself the path to go to, where that is a rewrite of its own.
    pub(super) fn rewrite_path(&self, exchange: &mut Exchange, matched: &PathMatch) -> Known<()> {
        if let Some(path) = self.rewrite.apply(exchange.path(), matched)? {
            exchange.headers.set(":path", path);
        }
        Ok(())
    }

    /// The host of the request; its port is cut off where the redirect has one, or where it is the usual one of the
    /// scheme that is left.
    fn host_of<'e>(&self, exchange: &'e Exchange, scheme: &[u8]) -> &'e [u8] {
        let host = exchange.authority();
        let colon = match host.first() {
            Some(b'[') => host.windows(2).rposition(|pair| pair == b"]:").map(|at| at.saturating_add(1)),
            _ => host.iter().rposition(|&byte| byte == b':'),
        };
        let Some((name, port)) = colon.and_then(|colon| host.split_at_checked(colon)) else { return host };
        let forwarded = exchange.headers.value("x-forwarded-proto");
        let usual = matches!((forwarded, port), (b"http", b":80") | (b"https", b":443"));
        if !self.port.is_empty() || scheme != forwarded && usual { name } else { host }
    }

    fn path_of(&self, exchange: &Exchange, matched: &PathMatch) -> Known<Vec<u8>> {
        if self.path.contains('?') {
            return Ok(self.path.clone().into_bytes());
        }
        let mut path = exchange.path().to_vec();
        if !self.path.is_empty() {
            let query = super::path::split(&path).1;
            path = [self.path.as_bytes(), query].concat();
        } else if let Some(rewritten) = self.rewrite.apply(&path, matched)? {
            path = rewritten;
        }
        if self.strip_query {
            path = super::path::without_query(&path).to_vec();
        }
        Ok(path)
    }
}

/// `envoy.config.route.v3.DirectResponseAction`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DirectResponse {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) not_modelled: Option<String>,
}

impl DirectResponse {
    pub(super) fn read(action: &Object, largest_body: usize) -> Read<Self> {
        let status = action.number("status")?;
        let status = u16::try_from(status).ok().filter(|status| (200..600).contains(status));
        let status = status.ok_or_else(|| action.refuse("status", "value must be inside range [200, 600)"))?;
        let source = action.object("body")?;
        let body =
            source.map(|source| source.text("inline_string")).transpose()?.unwrap_or_default().as_bytes().to_vec();
        if body.len() > largest_body {
            return Err(
                action.refuse("body", format!("response body size is {} bytes; maximum is {largest_body}", body.len()))
            );
        }
        Ok(Self { status, body, not_modelled: action.unread() })
    }
}
