//! The plugin redirect.

use std::sync::LazyLock;

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::headers::{escape, is_unsafe_in_path};
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::substitute::Substitution;
use crate::apisix::vars::{Value, Vars};

/// A configured redirect.
#[derive(Debug)]
pub(in crate::apisix) struct Redirect {
    to: To,
    status: u16,
    encode: bool,
    append_query: bool,
}

#[derive(Debug)]
enum To {
    Uri(String),
    Substituted(Substitution),
    /// `http_to_https`
    Https(bool),
}

/// `\$name`, `${name}`, `$name` and what stands between; a lone backslash is lost.
static SEGMENT: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"(\\\$[0-9a-z_]+)|\$\{([0-9a-z_]+)\}|\$([0-9a-z_]+)|(\$|[^$\\]+)", true));

impl Redirect {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let uri = fields.text("uri")?;
        if uri.is_some_and(|uri| uri.chars().count() < 2) {
            return Err(fields.refuse("uri", "string too short, expected at least 2"));
        }
        let https = fields.flag("http_to_https")?;
        let append_query = fields.flag("append_query_string")?.unwrap_or(false);
        let to = match (uri, substitution(fields)?, https) {
            (Some(uri), None, None) => To::Uri(uri.into()),
            (None, Some(substitution), None) => To::Substituted(substitution),
            (None, None, Some(https)) => To::Https(https),
            _ => return Err(fields.refuse("", "value should match only one schema")),
        };
        if https == Some(true) && append_query {
            let message = "only one of `http_to_https` and `append_query_string` can be configured.";
            return Err(fields.refuse("", message));
        }
        Ok(Self {
            to,
            status: fields.integer("ret_code", 200.0..=f64::from(u16::MAX))?.unwrap_or(302.0) as u16,
            encode: fields.flag("encode_uri")?.unwrap_or(false),
            append_query,
        })
    }

    /// The new location and the status, before the query is appended.
    fn location(&self, vars: &Vars) -> Result<Option<(Vec<u8>, u16)>, Stop> {
        match &self.to {
            To::Uri(template) => Ok(Some((resolve(template, vars)?, self.status))),
            To::Substituted(substitution) => {
                let found = substitution.once(&vars.text("uri")?);
                let found = found.map_err(|why| Stop::raised(format!("redirect: {why}")))?;
                Ok(found.map(|(location, _)| (location, self.status)))
            }
            To::Https(true) if vars.headers.first("X-Forwarded-Proto") != Some(b"https") => {
                let port = match vars.common.tls_port {
                    None | Some(443) => String::new(),
                    Some(port) => format!(":{port}"),
                };
                let status = if matches!(vars.method.as_str(), "GET" | "HEAD") { 301 } else { 308 };
                Ok(Some((resolve(&format!("https://$host{port}$request_uri"), vars)?, status)))
            }
            To::Https(_) => Ok(None),
        }
    }
}

impl Plugin for Redirect {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let vars = &exchange.vars;
        let Some((mut location, status)) = self.location(vars)? else { return Ok(Flow::Next) };
        let query = location.iter().position(|&byte| byte == b'?');
        if self.encode {
            let (path, query) = location.split_at(query.unwrap_or(location.len()));
            location = [&escape(path, is_unsafe_in_path), query].concat();
        }
        if self.append_query && !vars.args.is_empty() {
            location.push(if query.is_some() { b'&' } else { b'?' });
            location.extend_from_slice(&vars.args);
        }
        exchange.vars.response.set("Location", &location);
        Ok(Flow::Exit(Exit::new(status, None)))
    }
}

fn substitution(fields: &Fields) -> Result<Option<Substitution>, Refusal> {
    let Some(items) = fields.array("regex_uri")? else { return Ok(None) };
    let [Some(pattern), Some(replacement)] = items.iter().map(serde_json::Value::as_str).collect::<Vec<_>>()[..] else {
        return Err(fields.refuse("regex_uri", "expected two strings"));
    };
    Substitution::new(pattern, replacement).map(Some).map_err(|why| fields.refuse("regex_uri", why))
}

fn resolve(template: &str, vars: &Vars) -> Result<Vec<u8>, Stop> {
    let mut text = Vec::new();
    for segment in SEGMENT.captures(template.as_bytes()) {
        if let Some(name) = segment.get(2).or_else(|| segment.get(3)) {
            match vars.get(&String::from_utf8_lossy(name.as_bytes()))? {
                Value::Text(value) => text.extend(value),
                Value::True => return Err(Stop::raised("redirect with a query parameter that has no value")),
                Value::Absent => {}
            }
        } else if let Some(literal) = segment.get(1).or_else(|| segment.get(4)) {
            text.extend_from_slice(literal.as_bytes());
        }
    }
    Ok(text)
}
