//! `envoy.config.route.v3.RouteMatch`: which requests a route is for.

use super::exchange::{Draw, Exchange};
use super::header_match::HeaderMatch;
use super::object::{Fraction, Object, Read};
use super::path_match::PathMatch;
use super::request_parts::{cookie, parameter};
use super::stop::{Known, NotModelled};
use super::text_match::TextMatch;

/// The conditions of a route; all have to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RouteMatch {
    pub(super) path: PathMatch,
    headers: Vec<HeaderMatch>,
    parameters: Vec<Parameter>,
    cookies: Vec<Cookie>,
    fraction: Option<Fraction>,
    grpc: bool,
    tls: Option<TlsMatch>,
    not_modelled: Option<String>,
}

/// A condition on a query parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    present: Option<bool>,
    value: Option<TextMatch>,
}

/// A condition on a cookie.
#[derive(Debug, Clone, PartialEq)]
struct Cookie {
    name: String,
    value: TextMatch,
    invert: bool,
}

/// A condition on the client certificate.
#[derive(Debug, Clone, PartialEq)]
struct TlsMatch {
    presented: Option<bool>,
    validated: Option<bool>,
}

impl RouteMatch {
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        let parameters = matcher.objects("query_parameters")?;
        let cookies = matcher.objects("cookies")?;
        Ok(Self {
            path: PathMatch::read(matcher)?,
            headers: HeaderMatch::read_all(matcher, "headers")?,
            parameters: parameters.iter().map(Parameter::read).collect::<Read<_>>()?,
            cookies: cookies.iter().map(Cookie::read).collect::<Read<_>>()?,
            fraction: matcher.runtime_fraction_if("runtime_fraction")?,
            grpc: matcher.has("grpc"),
            tls: matcher.object("tls_context")?.map(|tls| TlsMatch::read(&tls)).transpose()?,
            not_modelled: matcher.unread(),
        })
    }

    /// The first condition that a request fails.
    pub(super) fn failure(&self, exchange: &Exchange, path: &[u8], draw: &Draw) -> Known<Option<String>> {
        NotModelled::check(self.not_modelled.as_ref())?;
        // Templates are held against the whole path, with its parameters.
        let path = if self.path.is_template() { exchange.path_without_query() } else { path };
        if !self.path.matches(path)? {
            return Ok(Some(self.path.text()));
        }
        if self.fraction.is_some_and(|fraction| !draw.holds(fraction)) {
            return Ok(Some("runtime_fraction".into()));
        }
        if self.grpc && !exchange.is_grpc() {
            return Ok(Some("grpc".into()));
        }
        for header in &self.headers {
            if !header.matches(&exchange.headers)? {
                return Ok(Some(format!("header {}", header.name)));
            }
        }
        if let Some(failed) = self.fields(exchange)? {
            return Ok(Some(failed));
        }
        match &self.tls {
            Some(tls) if !tls.matches(exchange)? => Ok(Some("tls_context".into())),
            _ => Ok(None),
        }
    }

    /// Whether a request meets it as a rule of a filter, which looks at path, headers and query parameters alone.
    pub(super) fn holds_as_rule(&self, exchange: &Exchange) -> Known<bool> {
        NotModelled::check(self.not_modelled.as_ref())?;
        if !self.path.matches(exchange.path_without_query())? {
            return Ok(false);
        }
        for header in &self.headers {
            if !header.matches(&exchange.headers)? {
                return Ok(false);
            }
        }
        for condition in &self.parameters {
            if !condition.matches(parameter(exchange.path(), &condition.name))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fields(&self, exchange: &Exchange) -> Known<Option<String>> {
        for condition in &self.parameters {
            if !condition.matches(parameter(exchange.path(), &condition.name))? {
                return Ok(Some(format!("query parameter {}", condition.name)));
            }
        }
        for condition in &self.cookies {
            let value = cookie(&exchange.headers, &condition.name);
            let fits = value.map_or(Ok(false), |value| condition.value.matches(value))?;
            if fits == condition.invert {
                return Ok(Some(format!("cookie {}", condition.name)));
            }
        }
        Ok(None)
    }
}

impl Parameter {
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        let value = matcher.object("string_match")?;
        Ok(Self {
            name: matcher.text("name")?.into(),
            present: matcher.flag_if("present_match")?,
            value: value.map(|value| TextMatch::read(&value)).transpose()?,
        })
    }

    pub(super) fn matches(&self, value: Option<&[u8]>) -> Known<bool> {
        match (&self.value, value) {
            (None, value) => Ok(value.is_some() == self.present.unwrap_or(true)),
            (Some(_), None) => Ok(false),
            (Some(matcher), Some(value)) => matcher.matches(value),
        }
    }
}

impl Cookie {
    fn read(matcher: &Object) -> Read<Self> {
        let value = matcher.object("string_match")?;
        let value = value.ok_or_else(|| matcher.refuse("string_match", "value is required"))?;
        let invert = matcher.flag("invert_match")?;
        Ok(Self { name: matcher.text("name")?.into(), value: TextMatch::read(&value)?, invert })
    }
}

impl TlsMatch {
    fn read(matcher: &Object) -> Read<Self> {
        Ok(Self { presented: matcher.flag_if("presented")?, validated: matcher.flag_if("validated")? })
    }

    fn matches(&self, exchange: &Exchange) -> Known<bool> {
        if exchange.connection.asks_for_certificate {
            return NotModelled::because("a condition on the client certificate");
        }
        Ok(self.presented != Some(true) && self.validated != Some(true))
    }
}
