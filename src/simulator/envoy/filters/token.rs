//! `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`: which requests need a token. Tokens are not looked at.

use std::collections::BTreeMap;

use super::{Kind, Verdict};
use crate::envoy::exchange::Exchange;
use crate::envoy::headers::Headers;
use crate::envoy::object::{Object, Read};
use crate::envoy::request_parts::{cookie, decoded_parameter};
use crate::envoy::route_match::RouteMatch;
use crate::envoy::stop::{Known, NotModelled};

/// The filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Jwt {
    rules: Vec<(RouteMatch, Requirement)>,
    named: BTreeMap<String, Requirement>,
    places: Vec<Place>,
    /// Headers that tell the upstream what is in a token.
    told: Vec<String>,
    bypasses_preflights: bool,
    silent: bool,
}

/// What a route says about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum JwtRoute {
    Disabled,
    Named(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Requirement {
    Nothing,
    /// A token that may be missing.
    Optional,
    Token,
    Any(Vec<Requirement>),
    All(Vec<Requirement>),
}

/// Where a token may be.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// A header with a text before the token.
    Header(String, String),
    Parameter(String),
    Cookie(String),
}

impl Jwt {
    pub(super) fn read(config: &Object) -> Read<Self> {
        config.ignore(&["stat_prefix"]);
        let (mut places, mut told, mut providers) = (Vec::new(), Vec::new(), Vec::new());
        for (name, provider) in &config.map("providers")? {
            providers.push((*name).to_owned());
            Self::provider(provider, &mut places, &mut told)?;
        }
        let read = |requirement: &Object| Requirement::read(requirement, &providers);
        let named: BTreeMap<_, _> = config
            .map("requirement_map")?
            .iter()
            .map(|(name, requirement)| Ok(((*name).to_owned(), read(requirement)?)))
            .collect::<Read<_>>()?;
        let rule = |rule: &Object| {
            let matcher = rule.object("match")?.ok_or_else(|| rule.refuse("match", "value is required"))?;
            let requirement = match (rule.object("requires")?, rule.text("requirement_name")?) {
                (Some(own), _) => read(&own)?,
                (None, "") => Requirement::Nothing,
                (None, name) => {
                    named.get(name).cloned().ok_or_else(|| rule.refuse("requirement_name", "Wrong requirement_name"))?
                }
            };
            Ok((RouteMatch::read(&matcher)?, requirement))
        };
        let rules = config.objects("rules")?.iter().map(rule).collect::<Read<_>>()?;
        let (bypasses_preflights, silent) =
            (config.flag("bypass_cors_preflight")?, config.flag("strip_failure_response")?);
        Ok(Self { rules, named, places, told, bypasses_preflights, silent })
    }

    fn provider(provider: &Object, places: &mut Vec<Place>, told: &mut Vec<String>) -> Read<()> {
        let before = places.len();
        for header in provider.objects("from_headers")? {
            let name = header.text("name")?.to_ascii_lowercase();
            places.push(Place::Header(name, header.text("value_prefix")?.into()));
        }
        places.extend(provider.texts("from_params")?.into_iter().map(|name| Place::Parameter(name.into())));
        places.extend(provider.texts("from_cookies")?.into_iter().map(|name| Place::Cookie(name.into())));
        if places.len() == before {
            places.push(Place::Header("authorization".into(), "Bearer ".into()));
            places.push(Place::Parameter("access_token".into()));
        }
        told.extend(
            Some(provider.text("forward_payload_header")?.to_ascii_lowercase()).filter(|name| !name.is_empty()),
        );
        for claim in provider.objects("claim_to_headers")? {
            told.push(claim.text("header_name")?.to_ascii_lowercase());
        }
        provider.ignore_all();
        Ok(())
    }

    /// What the filter does. Without a token it is known what becomes of a request.
    pub(super) fn act(chain: &Kind, own: Option<&JwtRoute>, exchange: &mut Exchange) -> Known<Verdict> {
        let Kind::Jwt(jwt) = chain else { return NotModelled::because("a requirement of a route alone") };
        for name in &jwt.told {
            exchange.headers.remove(name);
        }
        if jwt.bypasses_preflights && is_preflight(exchange) {
            return Ok(Verdict::Continue);
        }
        let requirement = match own {
            Some(JwtRoute::Disabled) => return Ok(Verdict::Continue),
            Some(JwtRoute::Named(name)) => match jwt.named.get(name) {
                Some(requirement) => requirement,
                None => return Ok(jwt.no_requirement(name)),
            },
            None => jwt.by_rule(exchange)?,
        };
        if *requirement != Requirement::Nothing && jwt.places.iter().any(|place| place.has_token(exchange)) {
            return NotModelled::because("a token");
        }
        Ok(if requirement.holds_without_token() { Verdict::Continue } else { jwt.missing(exchange) })
    }

    fn by_rule(&self, exchange: &Exchange) -> Known<&Requirement> {
        for (matcher, requirement) in &self.rules {
            if matcher.holds_as_rule(exchange)? {
                return Ok(requirement);
            }
        }
        Ok(&Requirement::Nothing)
    }

    fn no_requirement(&self, name: &str) -> Verdict {
        let names: Vec<&str> = self.named.keys().map(String::as_str).collect();
        let why = format!("Wrong requirement_name: {name}. It should be one of [{}]", names.join(","));
        let body = if self.silent { String::new() } else { format!("Failed JWT authentication: {why}") };
        Verdict::Reply(403, body, Headers::of_response(), "no such requirement")
    }

    fn missing(&self, exchange: &Exchange) -> Verdict {
        let mut headers = Headers::of_response();
        if self.silent {
            return Verdict::Reply(401, String::new(), headers, "no token");
        }
        let (scheme, host) = (exchange.headers.value(":scheme"), exchange.authority());
        headers.set(
            "www-authenticate",
            [b"Bearer realm=\"".as_slice(), scheme, b"://", host, exchange.path(), b"\""].concat(),
        );
        Verdict::Reply(401, "Jwt is missing".into(), headers, "no token")
    }
}

impl JwtRoute {
    pub(super) fn read(config: &Object) -> Read<Self> {
        match (config.flag_if("disabled")?, config.text("requirement_name")?) {
            (Some(true), _) => Ok(Self::Disabled),
            (Some(false), _) => Err(config.refuse("disabled", "value must equal true")),
            (None, "") => Err(config.refuse("requirement_specifier", "is required")),
            (None, name) => Ok(Self::Named(name.into())),
        }
    }
}

impl Requirement {
    fn read(requirement: &Object, providers: &[String]) -> Read<Self> {
        for (name, kind) in
            [("requires_any", Self::Any as fn(Vec<Self>) -> Self), ("requires_all", Self::All as fn(Vec<Self>) -> Self)]
        {
            if let Some(list) = requirement.object(name)? {
                let list = list.objects("requirements")?;
                return Ok(kind(list.iter().map(|it| Self::read(it, providers)).collect::<Read<_>>()?));
            }
        }
        let optional = ["allow_missing", "allow_missing_or_failed", "extract_only_without_validation"];
        if optional.iter().any(|name| requirement.has(name)) {
            requirement.ignore_all();
            return Ok(Self::Optional);
        }
        let both = requirement.object("provider_and_audiences")?;
        let name = match &both {
            Some(both) => both.text_if("provider_name")?,
            None => requirement.text_if("provider_name")?,
        };
        match name {
            None => Ok(Self::Nothing),
            Some(name) if providers.iter().any(|known| known == name) => {
                requirement.ignore_all();
                Ok(Self::Token)
            }
            Some(_) => Err(requirement.refuse("provider_name", "is not configured")),
        }
    }

    fn holds_without_token(&self) -> bool {
        match self {
            Self::Nothing | Self::Optional => true,
            Self::Token => false,
            Self::Any(all) => all.iter().any(Self::holds_without_token),
            Self::All(all) => all.iter().all(Self::holds_without_token),
        }
    }
}

impl Place {
    fn has_token(&self, exchange: &Exchange) -> bool {
        match self {
            Self::Header(name, before) => exchange.headers.all(name).any(|value| contains(value, before.as_bytes())),
            Self::Parameter(name) => decoded_parameter(exchange.path(), name).is_some(),
            Self::Cookie(name) => cookie(&exchange.headers, name).is_some(),
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

fn is_preflight(exchange: &Exchange) -> bool {
    let filled = |name: &str| exchange.headers.get(name).is_some_and(|value| !value.is_empty());
    exchange.headers.value(":method") == b"OPTIONS" && filled("origin") && filled("access-control-request-method")
}
