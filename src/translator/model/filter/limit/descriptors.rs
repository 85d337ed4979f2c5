//! `descriptors` of a local rate limit, and the `rate_limits` that say which requests they are for.
//!
//! A rate limit makes of a request a list of keys and values, or nothing; a descriptor is for the requests of which
//! exactly its own list is made. So what remains of both is a condition, and what requests are counted apart by.

use std::collections::BTreeSet;
use std::net::IpAddr;

use amesh_xds::wire::envoy::config::route::v3::RateLimit;
use amesh_xds::wire::envoy::config::route::v3::rate_limit::action::ActionSpecifier;
use amesh_xds::wire::envoy::extensions::common::ratelimit::v3::{
    LocalRateLimitDescriptor, rate_limit_descriptor::Entry,
};
use amesh_xds::wire::xds::core::v3::CidrRange;

use super::{Bucket, LimitError};
use crate::model::findings::Denied;
use crate::model::route::{ConditionError, HeaderMatcherError, header_match, query_parameters};
use crate::model::rules::{RuleError, filled, set};
use crate::report::{Place, Report};
use crate::vars::{Expr, HeaderMatch};

/// A bucket for some of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// What all must hold.
    pub(crate) parts: Vec<Part>,
    /// `None`: it limits nothing, but these requests have been counted.
    pub(crate) bucket: Option<Bucket>,
}

/// One action of a rate limit, for one entry of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of these hold, or not all of them where the flag is `false`.
    Headers(Vec<HeaderMatch>, bool),
    /// This holds.
    Query(Expr),
    /// The client is in one of these ranges, or in none of them where the flag is `false`.
    Client(Vec<String>, bool),
    /// The header is there; each value is counted apart.
    EachHeader(String),
    /// Each client is counted apart.
    EachClient,
}

/// Why it cannot be told which requests a descriptor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untold(pub(crate) &'static str);

/// Why Envoy would refuse a descriptor or a rate limit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DescriptorError {
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A descriptor of nothing.
    #[error("descriptors[{0}].entries is empty")]
    NoEntries(usize),
    /// Two descriptors are the same.
    #[error("descriptors[{0}] is there already")]
    Repeated(usize),
    /// A rate limit of nothing.
    #[error("rate_limits[{0}].{1} is empty")]
    Empty(usize, &'static str),
    /// A field for another filter.
    #[error("rate_limits[{0}] has stage, disable_key or limit, which this filter does not take")]
    Foreign(usize),
    /// A bad header matcher.
    #[error("rate_limits[{0}].actions.header_value_match.headers[{1}]: {2}")]
    Header(usize, usize, HeaderMatcherError),
    /// A bad query parameter.
    #[error("rate_limits[{0}].actions.query_parameter_value_match.{1}")]
    Query(usize, ConditionError),
}

/// Keys and values, in order.
type Entries = Vec<(String, String)>;

/// What an action makes of a request.
struct Made {
    key: String,
    value: Value,
    /// For which requests it makes something.
    condition: Option<Part>,
}

enum Value {
    Text(String),
    Header(String),
    Client,
}

const ELSEWHERE: Untold = Untold("limits by rate_limits of routes and virtual hosts are not enforced");
const ACTION: Untold = Untold("limits by some kinds of actions are not enforced");
const FORMAT: Untold = Untold("limits by values made of a format string are not enforced");
const ADDRESS_FORMAT: &str = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%";

/// The descriptors that some request meets, once for each rate limit by which it may.
pub(super) fn convert(
    descriptors: Vec<LocalRateLimitDescriptor>,
    limits: Vec<RateLimit>,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Result<Vec<Descriptor>, Untold>, LimitError> {
    let mut checked = Vec::with_capacity(descriptors.len());
    let mut seen = BTreeSet::new();
    for (index, descriptor) in descriptors.into_iter().enumerate() {
        let entries = entries(descriptor.entries, index)?;
        if !seen.insert(entries.clone()) {
            return Err(DescriptorError::Repeated(index).into());
        }
        let bucket = set(descriptor.token_bucket, format_args!("descriptors[{index}].token_bucket"))?;
        let bucket = super::bucket(bucket)?;
        checked.push((entries, bucket.filter(|_| !descriptor.shadow_mode)));
    }
    let is_elsewhere = limits.is_empty() && !checked.is_empty();
    let mut rates = Vec::with_capacity(limits.len());
    for (index, limit) in limits.into_iter().enumerate() {
        rates.push(rate_limit(limit, index, &place.item("rate_limits", index), report)?);
    }
    if is_elsewhere {
        return Ok(Err(ELSEWHERE));
    }
    Ok(matching(&checked, rates))
}

fn matching(
    checked: &[(Entries, Option<Bucket>)],
    rates: Vec<Result<Vec<Made>, Untold>>,
) -> Result<Vec<Descriptor>, Untold> {
    let mut all = Vec::new();
    // Without descriptors it does not matter what rate limits say.
    for rate in rates.into_iter().filter(|_| !checked.is_empty()) {
        let made = rate?;
        for (entries, bucket) in checked {
            all.extend(parts(&made, entries).map(|parts| Descriptor { parts, bucket: *bucket }));
        }
    }
    Ok(all)
}

fn entries(entries: Vec<Entry>, index: usize) -> Result<Entries, DescriptorError> {
    if entries.is_empty() {
        return Err(DescriptorError::NoEntries(index));
    }
    for (at, entry) in entries.iter().enumerate() {
        filled(&entry.key, format_args!("descriptors[{index}].entries[{at}].key"))?;
    }
    Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

fn rate_limit(
    limit: RateLimit,
    index: usize,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Result<Vec<Made>, Untold>, DescriptorError> {
    if limit.actions.is_empty() {
        return Err(DescriptorError::Empty(index, "actions"));
    }
    if limit.stage.is_some() || !limit.disable_key.is_empty() {
        return Err(DescriptorError::Foreign(index));
    }
    let mut made = Ok(Vec::with_capacity(limit.actions.len()));
    for (at, action) in limit.actions.into_iter().enumerate() {
        let specifier = action.action_specifier;
        let one = self::action(specifier, index, &place.item("actions", at), report)?;
        made = made.and_then(|mut made| {
            one.map(|one| {
                made.push(one);
                made
            })
        });
    }
    Ok(made)
}

fn action(
    action: Option<ActionSpecifier>,
    index: usize,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Result<Made, Untold>, DescriptorError> {
    let filled = |text: &str, name: &'static str| {
        if text.is_empty() { Err(DescriptorError::Empty(index, name)) } else { Ok(()) }
    };
    let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    let plain = |key, value: String, condition| {
        if value.contains('%') { Err(FORMAT) } else { Ok(Made { key, value: Value::Text(value), condition }) }
    };
    Ok(match action {
        // One that is not read has been reported.
        None => Err(ACTION),
        Some(ActionSpecifier::RemoteAddress(_)) => {
            Ok(Made { key: "remote_address".to_owned(), value: Value::Client, condition: None })
        }
        Some(ActionSpecifier::GenericKey(own)) => {
            filled(&own.descriptor_value, "actions.generic_key.descriptor_value")?;
            plain(or(own.descriptor_key, "generic_key"), own.descriptor_value, None)
        }
        Some(ActionSpecifier::RequestHeaders(own)) => {
            filled(&own.header_name, "actions.request_headers.header_name")?;
            filled(&own.descriptor_key, "actions.request_headers.descriptor_key")?;
            if own.skip_if_absent {
                return Ok(Err(ACTION));
            }
            Ok(Made { key: own.descriptor_key, value: Value::Header(own.header_name), condition: None })
        }
        Some(ActionSpecifier::HeaderValueMatch(own)) => {
            filled(&own.descriptor_value, "actions.header_value_match.descriptor_value")?;
            if own.headers.is_empty() {
                return Err(DescriptorError::Empty(index, "actions.header_value_match.headers"));
            }
            let mut headers = Vec::with_capacity(own.headers.len());
            for (at, header) in own.headers.into_iter().enumerate() {
                let read = header_match(header, Denied(false), &place.item("headers", at), report);
                let Some(header) = read.map_err(|error| DescriptorError::Header(index, at, error))? else {
                    return Ok(Err(ACTION));
                };
                headers.push(header);
            }
            let condition = Part::Headers(headers, own.expect_match.unwrap_or(true));
            plain(or(own.descriptor_key, "header_match"), own.descriptor_value, Some(condition))
        }
        Some(ActionSpecifier::QueryParameterValueMatch(own)) => {
            filled(&own.descriptor_value, "actions.query_parameter_value_match.descriptor_value")?;
            if own.query_parameters.is_empty() {
                return Err(DescriptorError::Empty(index, "actions.query_parameter_value_match.query_parameters"));
            }
            let read = query_parameters(&own.query_parameters, place, report);
            let Some(all) = read.map_err(|error| DescriptorError::Query(index, error))? else {
                return Ok(Err(ACTION));
            };
            let condition = Part::Query(if own.expect_match == Some(false) { all.negate() } else { all });
            plain(or(own.descriptor_key, "query_match"), own.descriptor_value, Some(condition))
        }
        Some(ActionSpecifier::RemoteAddressMatch(own)) => {
            filled(&own.descriptor_value, "actions.remote_address_match.descriptor_value")?;
            let matcher = set(own.address_matcher, format_args!("rate_limits[{index}].actions.address_matcher"))?;
            let Some(ranges) = matcher.ranges.iter().map(range).collect::<Option<Vec<_>>>() else {
                return Ok(Err(ACTION));
            };
            let condition = Some(Part::Client(ranges, !matcher.invert_match));
            let key = or(own.descriptor_key, "remote_address_match");
            if own.descriptor_value == ADDRESS_FORMAT {
                return Ok(Ok(Made { key, value: Value::Client, condition }));
            }
            plain(key, own.descriptor_value, condition)
        }
    })
}

fn whole(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

fn range(range: &CidrRange) -> Option<String> {
    let address: IpAddr = range.address_prefix.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    Some(format!("{address}/{}", range.prefix_len.unwrap_or(0).min(longest)))
}

/// For which requests the list of a rate limit is that of a descriptor; `None`: for none.
fn parts(made: &[Made], entries: &[(String, String)]) -> Option<Vec<Part>> {
    let differs = |(made, (key, value)): (&Made, &(String, String))| {
        made.key != *key || matches!(&made.value, Value::Text(text) if !value.is_empty() && text != value)
    };
    if made.len() != entries.len() || made.iter().zip(entries).any(differs) {
        return None;
    }
    let mut parts = Vec::new();
    for (made, (_, value)) in made.iter().zip(entries) {
        parts.extend(made.condition.clone());
        match &made.value {
            Value::Text(_) => {}
            Value::Header(name) if value.is_empty() => parts.push(Part::EachHeader(name.clone())),
            Value::Header(name) => parts.push(Part::Headers(vec![HeaderMatch::exact(name, value)], true)),
            Value::Client if value.is_empty() => parts.push(Part::EachClient),
            Value::Client => match value.parse() {
                Ok(address) => parts.push(Part::Client(vec![whole(address)], true)),
                Err(_) => return None,
            },
        }
    }
    Some(parts)
}
