//! The plugins key-auth, basic-auth and jwt-auth. Signatures of tokens are not checked: what depends on
//! one is not modelled.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use crate::apisix::consumer::Consumer;
use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::vars::{Value, Vars};

/// A configured auth plugin.
#[derive(Debug)]
pub(in crate::apisix) struct Auth {
    scheme: Scheme,
    realm: String,
    hides: bool,
    /// `anonymous_consumer` is not modelled.
    anonymous: bool,
}

#[derive(Debug)]
enum Scheme {
    Key { header: String, query: String },
    Basic,
    Jwt { header: String, query: String, cookie: String, claim: String },
}

/// What a request proves: a consumer, by name, or why none.
type Found<'c> = Result<Result<&'c Consumer, &'static str>, Stop>;

impl Auth {
    pub(in crate::apisix) fn key(fields: &Fields) -> Result<Self, Refusal> {
        let text = |name| Ok::<_, Refusal>(fields.text(name)?.unwrap_or("apikey").to_owned());
        Self::read(fields, Scheme::Key { header: text("header")?, query: text("query")? }, "key")
    }

    pub(in crate::apisix) fn basic(fields: &Fields) -> Result<Self, Refusal> {
        Self::read(fields, Scheme::Basic, "basic")
    }

    pub(in crate::apisix) fn jwt(fields: &Fields) -> Result<Self, Refusal> {
        let text = |name, default: &str| Ok::<_, Refusal>(fields.text(name)?.unwrap_or(default).to_owned());
        let scheme = Scheme::Jwt {
            header: text("header", "authorization")?,
            query: text("query", "jwt")?,
            cookie: text("cookie", "jwt")?,
            claim: text("key_claim_name", "key")?,
        };
        Self::read(fields, scheme, "jwt")
    }

    fn read(fields: &Fields, scheme: Scheme, realm: &str) -> Result<Self, Refusal> {
        Ok(Self {
            scheme,
            realm: fields.text("realm")?.unwrap_or(realm).into(),
            hides: fields.flag("hide_credentials")?.unwrap_or(false),
            anonymous: fields.has("anonymous_consumer"),
        })
    }

    fn find<'c>(&self, vars: &Vars, consumers: &'c [Consumer]) -> Found<'c> {
        match &self.scheme {
            Scheme::Key { header, query } => {
                let key = match vars.headers.first(header) {
                    Some(key) => key.to_vec(),
                    None => match vars.argument(query) {
                        Value::Absent => return Ok(Err("Missing API key in request")),
                        Value::True => return Err(Stop::not_modelled("an API key without a value")),
                        Value::Text(key) => key,
                    },
                };
                Ok(by(consumers, "key-auth", "key", &key).ok_or("Invalid API key in request"))
            }
            Scheme::Basic => Ok(basic(vars, consumers)),
            Scheme::Jwt { header, query, cookie, claim } => {
                let token = match vars.headers.first(header) {
                    Some(token) => without_bearer(token).to_vec(),
                    None => match (vars.argument(query), vars.get(&format!("cookie_{cookie}"))?) {
                        (Value::Text(token), _) | (Value::Absent, Value::Text(token)) => token,
                        (Value::True, _) => return Err(Stop::not_modelled("a token without a value")),
                        _ => return Ok(Err("Missing JWT token in request")),
                    },
                };
                jwt(&token, claim, consumers)
            }
        }
    }

    /// Removes what proved the consumer, when the plugin shall hide it.
    fn hide(&self, vars: &mut Vars) -> Result<(), Stop> {
        match &self.scheme {
            Scheme::Basic => vars.set_header("Authorization", &[]),
            Scheme::Key { header, .. } if vars.headers.first(header).is_some() => vars.set_header(header, &[]),
            Scheme::Key { query, .. } => vars.remove_argument(query),
            Scheme::Jwt { .. } => Err(Stop::not_modelled("hide_credentials of jwt-auth")),
        }
    }
}

impl Plugin for Auth {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let common = exchange.vars.common.clone();
        let name = match self.find(&exchange.vars, &common.consumers)? {
            Ok(consumer) if consumer.has_plugins => return Err(Stop::not_modelled("plugins of a consumer")),
            Ok(consumer) => consumer.name.clone(),
            Err(_) if self.anonymous => return Err(Stop::not_modelled("anonymous_consumer")),
            Err(why) => {
                let scheme = match self.scheme {
                    Scheme::Key { .. } => "apikey",
                    Scheme::Basic => "Basic",
                    Scheme::Jwt { .. } => "Bearer",
                };
                let challenge = format!("{scheme} realm=\"{}\"", self.realm);
                exchange.vars.response.set("WWW-Authenticate", challenge.as_bytes());
                return Ok(Flow::Exit(Exit::json(401, "message", why)));
            }
        };
        if self.hides {
            self.hide(&mut exchange.vars)?;
            exchange.rewritten = exchange.rewritten || exchange.vars.args != exchange.vars.received.target.args;
        }
        exchange.vars.set_header("X-Consumer-Username", &[name.into_bytes()])?;
        exchange.vars.set_header("X-Credential-Identifier", &[])?;
        exchange.vars.set_header("X-Consumer-Custom-ID", &[])?;
        Ok(Flow::Next)
    }
}

fn by<'c>(consumers: &'c [Consumer], plugin: &str, name: &str, value: &[u8]) -> Option<&'c Consumer> {
    consumers.iter().find(|consumer| consumer.credential(plugin, name).is_some_and(|own| own.as_bytes() == value))
}

fn basic<'c>(vars: &Vars, consumers: &'c [Consumer]) -> Result<&'c Consumer, &'static str> {
    const INVALID: &str = "Invalid authorization in request";
    let header = vars.headers.first("Authorization").ok_or("Missing authorization in request")?;
    let pattern = Pattern::new(r"(?i:basic)\s(.+)", false);
    let groups = pattern.groups(header).ok().flatten().map(|(_, groups)| groups).unwrap_or_default();
    let encoded = groups.get(1).and_then(Option::as_ref).ok_or(INVALID)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| INVALID)?;
    let mut parts = decoded
        .split(|&byte| byte == b':')
        .map(|part| part.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
    let (user, password) = parts.next().zip(parts.next()).ok_or(INVALID)?;
    let consumer = by(consumers, "basic-auth", "username", &user).ok_or("Invalid user authorization")?;
    match consumer.credential("basic-auth", "password") {
        Some(own) if own.as_bytes() == password => Ok(consumer),
        _ => Err("Invalid user authorization"),
    }
}

fn without_bearer(token: &[u8]) -> &[u8] {
    token.strip_prefix(b"Bearer ").or_else(|| token.strip_prefix(b"bearer ")).unwrap_or(token)
}

/// A token names its consumer before its signature counts.
fn jwt<'c>(token: &[u8], claim: &str, consumers: &'c [Consumer]) -> Found<'c> {
    let mut parts = token.split(|&byte| byte == b'.');
    let mut object = || {
        let decoded = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice(&decoded).ok().filter(Json::is_object)
    };
    let Some((_, payload)) = object().zip(object()) else {
        return Err(Stop::not_modelled("a token that is none"));
    };
    let Some(key) = payload.get(claim).and_then(Json::as_str) else {
        return Ok(Err("missing user key in JWT token"));
    };
    match by(consumers, "jwt-auth", "key", key.as_bytes()) {
        None => Ok(Err("Invalid user key in JWT token")),
        Some(_) => Err(Stop::not_modelled("the signature of a token")),
    }
}
