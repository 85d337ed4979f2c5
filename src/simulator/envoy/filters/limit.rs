//! `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`. How many requests came before is not known, so
//! buckets are taken to be full: only those without tokens deny.

use std::ops::RangeInclusive;

use super::Verdict;
use crate::envoy::chain::Range;
use crate::envoy::exchange::Exchange;
use crate::envoy::header_match::HeaderMatch;
use crate::envoy::headers::Headers;
use crate::envoy::object::{Object, Read};
use crate::envoy::request_parts::parameter;
use crate::envoy::route_match::Parameter;
use crate::envoy::stop::{Known, NotModelled};

/// A local rate limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit {
    status: u16,
    /// For all requests; `None`: for a part of them.
    enforced: Option<bool>,
    /// Tokens of the default bucket.
    tokens: Option<u32>,
    always: bool,
    descriptors: Vec<Descriptor>,
    rates: Vec<Vec<Action>>,
    not_modelled: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Descriptor {
    entries: Vec<(String, String)>,
    tokens: u32,
    shadow: bool,
}

/// What makes an entry of a request: its key and how its value is found.
#[derive(Debug, Clone, PartialEq)]
struct Action {
    key: String,
    value: Value,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Header(String),
    Client,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    None,
    /// All of them hold, or not.
    Headers(Vec<HeaderMatch>, bool),
    Query(Vec<Parameter>, bool),
    Client(Vec<Range>, bool),
    NotModelled(String),
}

/// `envoy.type.v3.StatusCode`.
const STATUSES: [RangeInclusive<u64>; 12] = [
    100..=100,
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

/// Some of their names.
const NAMES: [(&str, u64); 4] =
    [("Forbidden", 403), ("NotFound", 404), ("TooManyRequests", 429), ("ServiceUnavailable", 503)];

impl Limit {
    pub(super) fn read(config: &Object) -> Read<Self> {
        config.ignore(&["stat_prefix", "stage", "vh_rate_limits", "max_dynamic_descriptors"]);
        config.ignore(&["response_headers_to_add", "request_headers_to_add_when_not_enforced"]);
        let (status, unknown_status) = status(config)?;
        let part = |name: &str| -> Read<(u32, u32)> {
            Ok(config.runtime_fraction_if(name)?.map_or((0, 1), |fraction| (fraction.share, fraction.of)))
        };
        let parts = [part("filter_enabled")?, part("filter_enforced")?];
        let enforced = if parts.iter().any(|(share, _)| *share == 0) {
            Some(false)
        } else {
            parts.iter().all(|(share, of)| share >= of).then_some(true)
        };
        let rewrites = ["enable_x_ratelimit_headers", "local_rate_limit_per_downstream_connection"];
        let not_modelled = rewrites.iter().find(|field| config.has(field)).map(|field| config.path_of(field));
        config.ignore(&rewrites);
        let not_modelled = not_modelled.or(unknown_status);
        Ok(Self {
            status: if status < 400 { 429 } else { status },
            enforced,
            tokens: config.object("token_bucket")?.map(|bucket| tokens(&bucket)).transpose()?,
            always: config.flag_if("always_consume_default_token_bucket")?.unwrap_or(true),
            descriptors: config.objects("descriptors")?.iter().map(Descriptor::read).collect::<Read<_>>()?,
            rates: config.objects("rate_limits")?.iter().map(actions).collect::<Read<_>>()?,
            not_modelled,
        })
    }

    pub(super) fn act(&self, exchange: &Exchange) -> Known<Verdict> {
        NotModelled::check(self.not_modelled.as_ref())?;
        if self.enforced == Some(false) {
            return Ok(Verdict::Continue);
        }
        let mut counted = Vec::new();
        for rate in &self.rates {
            let made = made(rate, exchange)?;
            counted.extend(made.and_then(|made| self.descriptors.iter().find(|it| it.is_for(&made))));
        }
        let default = self.tokens.filter(|_| self.always || counted.is_empty());
        let empty = |it: &&Descriptor| !it.shadow && it.tokens == 0;
        if default != Some(0) && !counted.iter().any(empty) {
            return Ok(Verdict::Continue);
        }
        if self.enforced.is_none() {
            return NotModelled::because("a limit for a part of the requests");
        }
        Ok(Verdict::Reply(self.status, "local_rate_limited".into(), Headers::of_response(), "limited"))
    }
}

/// The status, or what is not known about it: it may be named.
fn status(config: &Object) -> Read<(u16, Option<String>)> {
    let status = config.object("status")?;
    let Some(code) = status.as_ref().and_then(|status| status.get("code")) else { return Ok((429, None)) };
    let named = |name: &str| NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
    let code = code.as_u64().or_else(|| code.as_str().and_then(named));
    match code.map(|code| (STATUSES.iter().any(|known| known.contains(&code)), u16::try_from(code))) {
        Some((true, Ok(code))) => Ok((code, None)),
        Some(_) => Err(config.refuse("status.code", "value must be one of the defined enum values")),
        None => Ok((429, Some(config.path_of("status")))),
    }
}

fn tokens(bucket: &Object) -> Read<u32> {
    bucket.ignore(&["tokens_per_fill", "fill_interval"]);
    bucket.number("max_tokens")
}

impl Descriptor {
    fn read(descriptor: &Object) -> Read<Self> {
        let bucket = descriptor.object("token_bucket")?;
        let bucket = bucket.ok_or_else(|| descriptor.refuse("token_bucket", "value is required"))?;
        let entries = descriptor.objects("entries")?;
        let entry = |entry: &Object| Ok((entry.text("key")?.to_owned(), entry.text("value")?.to_owned()));
        Ok(Self {
            entries: entries.iter().map(entry).collect::<Read<_>>()?,
            tokens: tokens(&bucket)?,
            shadow: descriptor.flag("shadow_mode")?,
        })
    }

    /// An entry without a value is for all values.
    fn is_for(&self, made: &[(String, String)]) -> bool {
        let fits = |((key, value), own): (&(String, String), &(String, String))| {
            *key == own.0 && (own.1.is_empty() || *value == own.1)
        };
        made.len() == self.entries.len() && made.iter().zip(&self.entries).all(fits)
    }
}

fn actions(rate: &Object) -> Read<Vec<Action>> {
    rate.ignore(&["stage"]);
    rate.objects("actions")?.iter().map(Action::read).collect()
}

impl Action {
    fn read(action: &Object) -> Read<Self> {
        let key = |own: &Object, default: &str| -> Read<String> {
            Ok(own.text_if("descriptor_key")?.filter(|key| !key.is_empty()).unwrap_or(default).to_owned())
        };
        let text = |own: &Object| Ok(Value::Text(own.text("descriptor_value")?.to_owned()));
        if let Some(own) = action.object("generic_key")? {
            return Ok(Self { key: key(&own, "generic_key")?, value: text(&own)?, condition: Condition::None });
        }
        if action.object("remote_address")?.is_some() {
            return Ok(Self { key: "remote_address".into(), value: Value::Client, condition: Condition::None });
        }
        if let Some(own) = action.object("request_headers")? {
            let value = Value::Header(own.text("header_name")?.to_ascii_lowercase());
            return Ok(Self { key: key(&own, "")?, value, condition: Condition::None });
        }
        if let Some(own) = action.object("header_value_match")? {
            let expected = own.flag_if("expect_match")?.unwrap_or(true);
            let condition = Condition::Headers(HeaderMatch::read_all(&own, "headers")?, expected);
            return Ok(Self { key: key(&own, "header_match")?, value: text(&own)?, condition });
        }
        if let Some(own) = action.object("query_parameter_value_match")? {
            let parameters = own.objects("query_parameters")?;
            let parameters = parameters.iter().map(Parameter::read).collect::<Read<_>>()?;
            let condition = Condition::Query(parameters, own.flag_if("expect_match")?.unwrap_or(true));
            return Ok(Self { key: key(&own, "query_match")?, value: text(&own)?, condition });
        }
        if let Some(own) = action.object("remote_address_match")? {
            let matcher = own.object("address_matcher")?;
            let matcher = matcher.ok_or_else(|| own.refuse("address_matcher", "value is required"))?;
            let condition = Condition::Client(Range::read_all(&matcher, "ranges")?, !matcher.flag("invert_match")?);
            let is_format = own.text("descriptor_value")? == "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%";
            let value = if is_format { Value::Client } else { text(&own)? };
            return Ok(Self { key: key(&own, "remote_address_match")?, value, condition });
        }
        let what = action.path_of("");
        Ok(Self { key: String::new(), value: Value::Client, condition: Condition::NotModelled(what) })
    }

    /// The value for a request; `None`: there is none.
    fn value(&self, exchange: &Exchange) -> Known<Option<String>> {
        if !self.condition.holds(exchange)? {
            return Ok(None);
        }
        Ok(match &self.value {
            Value::Text(text) if text.contains('%') => return NotModelled::because("a format string as a value"),
            Value::Text(text) => Some(text.clone()),
            Value::Header(name) => exchange.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned()),
            Value::Client if exchange.headers.has("x-forwarded-for") => {
                return NotModelled::because("the client's address behind proxies");
            }
            Value::Client => Some(exchange.connection.peer.to_string()),
        })
    }
}

impl Condition {
    fn holds(&self, exchange: &Exchange) -> Known<bool> {
        match self {
            Self::None => Ok(true),
            Self::Headers(headers, expected) => {
                for header in headers {
                    if !header.matches(&exchange.headers)? {
                        return Ok(!expected);
                    }
                }
                Ok(*expected)
            }
            Self::Query(parameters, expected) => {
                for condition in parameters {
                    if !condition.matches(parameter(exchange.path(), &condition.name))? {
                        return Ok(!expected);
                    }
                }
                Ok(*expected)
            }
            Self::Client(..) if exchange.headers.has("x-forwarded-for") => {
                NotModelled::because("the client's address behind proxies")
            }
            Self::Client(ranges, inside) => {
                Ok(ranges.iter().any(|range| range.contains(exchange.connection.peer)) == *inside)
            }
            Self::NotModelled(what) => NotModelled::because(what),
        }
    }
}

/// The list that a rate limit makes of a request; `None`: one of its actions makes nothing.
fn made(rate: &[Action], exchange: &Exchange) -> Known<Option<Vec<(String, String)>>> {
    let mut made = Vec::with_capacity(rate.len());
    for action in rate {
        match action.value(exchange)? {
            Some(value) => made.push((action.key.clone(), value)),
            None => return Ok(None),
        }
    }
    Ok(Some(made))
}
