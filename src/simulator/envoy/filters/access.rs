//! Filters that answer by themselves: health checks, API keys, passwords.

use std::collections::BTreeMap;

use super::{Kind, Verdict};
use crate::envoy::exchange::Exchange;
use crate::envoy::header_match::{HeaderMatch, name_of};
use crate::envoy::headers::Headers;
use crate::envoy::object::{Object, Read};
use crate::envoy::request_parts::{cookie, decoded_parameter};
use crate::envoy::stop::{Known, NotModelled};

/// `envoy.extensions.filters.http.health_check.v3.HealthCheck`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HealthCheck {
    passes: bool,
    headers: Vec<HeaderMatch>,
}

impl HealthCheck {
    pub(super) fn read(check: &Object) -> Read<Self> {
        Ok(Self { passes: check.flag("pass_through_mode")?, headers: HeaderMatch::read_all(check, "headers")? })
    }

    pub(super) fn act(&self, exchange: &Exchange) -> Known<Verdict> {
        for header in &self.headers {
            if !header.matches(&exchange.headers)? {
                return Ok(Verdict::Continue);
            }
        }
        if self.passes {
            return Ok(Verdict::Continue);
        }
        Ok(Verdict::Reply(200, String::new(), Headers::of_response(), "a health check"))
    }
}

/// `envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth`, and what a route says instead.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApiKey {
    /// The client of each key.
    clients: BTreeMap<String, String>,
    sources: Vec<Source>,
    allowed: Vec<String>,
    forwarding: Option<Forwarding>,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Header(String),
    Query(String),
    Cookie(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Forwarding {
    header: String,
    hides: bool,
}

impl ApiKey {
    pub(super) fn read(config: &Object) -> Read<Self> {
        let mut clients = BTreeMap::new();
        for credential in config.objects("credentials")? {
            let (key, client) = (credential.text("key")?, credential.text("client")?);
            if clients.insert(key.to_owned(), client.to_owned()).is_some() {
                return Err(config.refuse("credentials", "Duplicated API key"));
            }
        }
        let source = |source: &Object| {
            let (header, query) = (source.text("header")?, source.text("query")?);
            Ok(match (header, query) {
                ("", "") => Source::Cookie(source.text("cookie")?.into()),
                ("", query) => Source::Query(query.into()),
                (header, _) => Source::Header(name_of(header)),
            })
        };
        let forwarding = config.object("forwarding")?;
        let forwarding = forwarding.map(|it| {
            Ok(Forwarding { header: it.text("header")?.to_ascii_lowercase(), hides: it.flag("hide_credentials")? })
        });
        Ok(Self {
            clients,
            sources: config.objects("key_sources")?.iter().map(source).collect::<Read<_>>()?,
            allowed: config.texts("allowed_clients")?.into_iter().map(Into::into).collect(),
            forwarding: forwarding.transpose()?,
        })
    }

    /// The first key that is found has to be known. Keys and sources that a route does not name are as in the
    /// chain.
    pub(super) fn act(&self, chain: &Kind, exchange: &mut Exchange) -> Known<Verdict> {
        let Kind::ApiKey(chain) = chain else { return NotModelled::because("API keys of a route alone") };
        let sources = if self.sources.is_empty() { &chain.sources } else { &self.sources };
        let clients = if self.clients.is_empty() { &chain.clients } else { &self.clients };
        let reply = |status, body: &str| Ok(Verdict::Reply(status, body.into(), Headers::of_response(), "API key"));
        let found = sources.iter().find_map(|source| Some((source, source.key(exchange)?)));
        let Some((source, key)) = found else { return reply(401, "Client authentication failed.") };
        let Some(client) = clients.get(&key) else { return reply(401, "Client authentication failed.") };
        if !self.allowed.is_empty() && !self.allowed.contains(client) {
            return reply(403, "Client is forbidden.");
        }
        if let Some(forwarding) = &self.forwarding {
            if !forwarding.header.is_empty() {
                exchange.headers.set(&forwarding.header, client.clone());
            }
            match source {
                Source::Header(name) if forwarding.hides => exchange.headers.remove(name),
                _ if forwarding.hides => return NotModelled::because("a hidden API key outside of headers"),
                _ => {}
            }
        }
        Ok(Verdict::Continue)
    }
}

impl Source {
    fn key(&self, exchange: &Exchange) -> Option<String> {
        let value = match self {
            Self::Header(name) => {
                let value = exchange.headers.get(name)?;
                value.strip_prefix(b"Bearer ").filter(|_| name == "authorization").unwrap_or(value).to_vec()
            }
            Self::Query(name) => decoded_parameter(exchange.path(), name)?,
            Self::Cookie(name) => cookie(&exchange.headers, name)?.to_vec(),
        };
        Some(String::from_utf8_lossy(&value).into_owned()).filter(|key| !key.is_empty())
    }
}

/// `envoy.extensions.filters.http.basic_auth.v3.BasicAuth`. Passwords are not compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BasicAuth {
    header: String,
}

impl BasicAuth {
    pub(super) fn read(config: &Object) -> Read<Self> {
        config.ignore(&["users", "forward_username_header"]);
        let header = config.text("authentication_header")?.to_ascii_lowercase();
        Ok(Self { header: if header.is_empty() { "authorization".into() } else { header } })
    }

    pub(super) fn act(&self, exchange: &Exchange) -> Known<Verdict> {
        let scheme = exchange.headers.get(&self.header).and_then(|value| value.get(..6));
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Basic ")) {
            return NotModelled::because("a password");
        }
        let missing = scheme.is_none() && !exchange.headers.has(&self.header);
        let why = if missing { "Missing username and password." } else { "Expected 'Basic' authentication scheme." };
        let mut headers = Headers::of_response();
        let (scheme, host) = (exchange.headers.value(":scheme"), exchange.authority());
        let realm = [b"Basic realm=\"".as_slice(), scheme, b"://", host, exchange.path(), b"\""].concat();
        headers.set("www-authenticate", realm);
        Ok(Verdict::Reply(401, format!("User authentication failed. {why}"), headers, "basic_auth"))
    }
}
