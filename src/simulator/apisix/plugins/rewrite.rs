//! The plugin proxy-rewrite.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::{Fields, scalar};
use crate::apisix::headers::{escape, is_unsafe_in_path};
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::substitute::Substitution;
use crate::apisix::template;

/// A configured proxy-rewrite.
#[derive(Debug)]
pub(in crate::apisix) struct Rewrite {
    uri: Option<String>,
    /// The first that matches counts.
    substitutions: Vec<Substitution>,
    /// `use_real_request_uri_unsafe`: the target as it came in, query and all.
    raw: bool,
    method: Option<String>,
    host: Option<String>,
    add: Vec<(String, Vec<String>)>,
    set: Vec<(String, Vec<String>)>,
    remove: Vec<String>,
}

const METHODS: [&str; 14] = [
    "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND", "LOCK", "UNLOCK", "PATCH",
    "TRACE",
];

impl Rewrite {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let uri = fields.text("uri")?;
        match uri.map(|uri| (uri.chars().count(), uri.starts_with('/'))) {
            Some((0 | 4097.., _)) => return Err(fields.refuse("uri", "expected 1 to 4096 characters")),
            Some((_, false)) => return Err(fields.refuse("uri", r#"failed to match pattern "^\/.*""#)),
            _ => {}
        }
        let host = fields.text("host")?;
        let host_pattern = Pattern::new(r"^[0-9a-zA-Z-.]+(:\d{1,5})?$", false);
        if host.is_some_and(|host| host_pattern.find(host.as_bytes()).is_none()) {
            return Err(fields.refuse("host", "failed to match pattern"));
        }
        let mut rewrite = Self {
            uri: uri.map(Into::into),
            substitutions: substitutions(fields)?,
            raw: fields.flag("use_real_request_uri_unsafe")?.unwrap_or(false),
            method: fields.choice("method", &METHODS)?.map(Into::into),
            host: host.map(Into::into),
            add: Vec::new(),
            set: Vec::new(),
            remove: Vec::new(),
        };
        if let Some(headers) = fields.child("headers")? {
            rewrite.read_headers(&headers)?;
        }
        Ok(rewrite)
    }

    /// Either `add`, `set` and `remove`, or a flat object of headers to set.
    fn read_headers(&mut self, headers: &Fields) -> Result<(), Refusal> {
        const MESSAGE: &str = "value should match only one schema, but matches none";
        if headers.names().next().is_none() {
            return Err(headers.refuse("", MESSAGE));
        }
        if ["add", "set", "remove"].iter().all(|name| headers.get(name).is_none_or(serde_json::Value::is_string)) {
            let single = |(name, value): (String, String)| (name, vec![value]);
            self.set = headers.scalars()?.into_iter().map(single).collect();
            let bad = |(name, values): &&(String, Vec<String>)| !is_fit(name, values);
            return match self.set.iter().find(bad) {
                Some((name, _)) => Err(headers.refuse(name, "invalid character in header")),
                None => Ok(()),
            };
        }
        headers.only(&["add", "set", "remove"])?;
        self.add = several(headers, "add")?;
        self.set = several(headers, "set")?;
        self.remove = headers.items("remove")?.unwrap_or_default().into_iter().map(Into::into).collect();
        Ok(())
    }

    /// The new target. `Vec` is what `$upstream_uri` becomes.
    fn rewrite_uri(&self, exchange: &mut Exchange) -> Result<Vec<u8>, Stop> {
        let vars = &exchange.vars;
        let path = vars.text(if self.raw { "real_request_uri" } else { "uri" })?;
        // Whether a question mark in the result begins a query; else it came in as `%3F`.
        let mut has_query = !path.contains(&b'?');
        let mut uri = path.clone();
        if let Some(template) = &self.uri {
            has_query = true;
            uri = template::resolve_with(template, vars, |value| escape_first_question_mark(&value))?;
            let query = if self.raw { query_of(&path) } else { &[] };
            if let Some((_, rest)) = query.split_first() {
                let joint = if uri.contains(&b'?') { b'&' } else { b'?' };
                uri.push(joint);
                uri.extend_from_slice(rest);
            }
        } else {
            for substitution in &self.substitutions {
                let found = substitution.once(&path).map_err(|_| Stop::not_modelled("a regex that gives up"))?;
                if let Some((text, groups)) = found {
                    exchange.captures = groups;
                    uri = text;
                    break;
                }
            }
        }
        if self.raw { Ok(uri) } else { normal(exchange, &uri, has_query) }
    }
}

/// Without raw mode: the path is escaped anew and the query appended.
fn normal(exchange: &mut Exchange, uri: &[u8], has_query: bool) -> Result<Vec<u8>, Stop> {
    let query = if has_query { query_of(uri) } else { &[] };
    let path = uri.get(..uri.len().saturating_sub(query.len())).unwrap_or_default();
    let mut uri = escape(path, is_unsafe_in_path);
    uri.extend(escape(query, |byte| byte.is_ascii_control()));
    if uri.is_empty() {
        return Err(Stop::raised("ngx.req.set_uri of an empty path"));
    }
    exchange.vars.path.clone_from(&uri);
    exchange.rewritten = true;
    if !exchange.vars.args.is_empty() {
        uri.push(if query.is_empty() { b'?' } else { b'&' });
        uri.extend_from_slice(&exchange.vars.args);
    }
    Ok(uri)
}

/// From the first question mark on.
fn query_of(uri: &[u8]) -> &[u8] {
    let at = uri.iter().position(|&byte| byte == b'?');
    at.and_then(|at| uri.get(at..)).unwrap_or_default()
}

fn escape_first_question_mark(value: &[u8]) -> Vec<u8> {
    let query = query_of(value);
    let Some((_, rest)) = query.split_first() else { return value.to_vec() };
    let before = value.get(..value.len().saturating_sub(query.len())).unwrap_or_default();
    [before, b"%3F", rest].concat()
}

impl Plugin for Rewrite {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    /// Headers are added, then set, then removed; then the method changes.
    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        if self.host.is_some() {
            exchange.host.clone_from(&self.host);
        }
        let uri = self.rewrite_uri(exchange)?;
        exchange.vars.upstream_uri = uri;
        for (name, templates) in &self.add {
            for template in templates {
                let value = template::resolve_captured(template, &exchange.captures, &exchange.vars)?;
                exchange.vars.add_header(name, &value)?;
            }
        }
        for (name, templates) in &self.set {
            let value = |template: &String| template::resolve_captured(template, &exchange.captures, &exchange.vars);
            let values: Vec<Vec<u8>> = templates.iter().map(value).collect::<Result<_, _>>()?;
            exchange.vars.set_header(name, &values)?;
        }
        for name in &self.remove {
            exchange.vars.set_header(name, &[])?;
        }
        if let Some(method) = &self.method {
            exchange.vars.method.clone_from(method);
        }
        Ok(Flow::Next)
    }
}

fn substitutions(fields: &Fields) -> Result<Vec<Substitution>, Refusal> {
    let Some(items) = fields.array("regex_uri")? else { return Ok(Vec::new()) };
    if items.len() < 2 {
        return Err(fields.refuse("regex_uri", "expect array to have at least 2 items"));
    }
    let texts: Option<Vec<&str>> = items.iter().map(serde_json::Value::as_str).collect();
    let texts = texts.ok_or_else(|| fields.refuse("regex_uri", "wrong type: expected string"))?;
    let pair = |pair: &[&str]| match pair {
        [pattern, replacement] => {
            Substitution::new(pattern, replacement).map_err(|why| fields.refuse("regex_uri", why))
        }
        _ => Err(fields.refuse("regex_uri", "The length of regex_uri should be an even number")),
    };
    texts.chunks(2).map(pair).collect()
}

/// An object of headers with one value or a list of them.
fn several(headers: &Fields, name: &str) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let Some(group) = headers.child(name)? else { return Ok(Vec::new()) };
    let values = |name: &str| {
        let values = match group.get(name) {
            Some(serde_json::Value::Array(items)) => items.iter().map(scalar).collect(),
            value => value.and_then(scalar).map(|value| vec![value]),
        };
        let values = values.filter(|values: &Vec<String>| !values.is_empty());
        Ok((name.to_owned(), values.ok_or_else(|| group.refuse(name, "value should match only one schema"))?))
    };
    group.names().map(values).collect()
}

/// The check of the flat form: printable names, values without control characters.
fn is_fit(name: &str, values: &[String]) -> bool {
    let name_fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    name_fits && values.iter().all(|value| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()))
}
