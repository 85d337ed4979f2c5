//! `envoy.extensions.filters.http.rbac.v3.RBAC`: who may do what, as one tree of rules.

use std::net::IpAddr;

use amesh_xds::wire::envoy::config::core::v3::CidrRange;
use amesh_xds::wire::envoy::config::rbac::v3 as wire;
use amesh_xds::wire::envoy::config::rbac::v3::permission::Rule as Permitted;
use amesh_xds::wire::envoy::config::rbac::v3::principal::Identifier;
use amesh_xds::wire::envoy::r#type::matcher::v3::path_matcher::Rule as PathRule;
use amesh_xds::wire::envoy::r#type::matcher::v3::{PathMatcher, StringMatcher};
use amesh_xds::wire::envoy::r#type::v3::Int32Range;

use crate::model::condition::Condition;
use crate::model::findings::Denied;
use crate::model::route::{HeaderMatcherError, TemplateError, header_match, template_matcher, text_match};
use crate::report::{Place, Report};
use crate::vars::TextMatch;

/// What the filter decides on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rbac {
    /// Requests that meet the rule are denied; else those that do not meet it.
    pub(crate) denies: bool,
    /// Holds where one of the policies does.
    pub(crate) rule: Condition,
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RbacError {
    /// A policy for nothing or for nobody.
    #[error("policies[{0:?}] has no permissions or no principals")]
    EmptyPolicy(String),
    /// A rule in a policy is bad.
    #[error("policies[{0:?}]: {1}")]
    Policy(String, RuleError),
}

/// Why Envoy would refuse a rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    /// A rule that says nothing.
    #[error("a rule is not set")]
    Unset,
    /// `any: false`.
    #[error("any must be true")]
    AnyFalse,
    /// A set without members.
    #[error("a set of rules is empty")]
    EmptySet,
    /// A port out of range.
    #[error("destination_port is {0}; it must be 0 to 65535")]
    Port(u32),
    /// Ports out of range, or none at all.
    #[error("destination_port_range is {0} to {1}; it must be a range in 0 to 65536")]
    Ports(i32, i32),
    /// Not an address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// A bad matcher.
    #[error("{0}")]
    Header(#[from] HeaderMatcherError),
    /// A bad path template.
    #[error("uri_template: {0}")]
    Template(#[from] TemplateError),
}

/// Why a rule is not there.
enum Lack {
    /// Envoy would refuse it.
    Error(RuleError),
    /// It is good and cannot be translated, which is reported.
    Untold,
}

impl<E: Into<RuleError>> From<E> for Lack {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Validates the rules, of which every field is one that is read; `None` where a pattern cannot be translated.
pub(super) fn convert(rules: wire::Rbac, place: &Place<'_>, report: &mut Report) -> Result<Option<Rbac>, RbacError> {
    let denies = rules.action() == wire::rbac::Action::Deny;
    let only_logs = rules.action() == wire::rbac::Action::Log;
    let place = place.field("rules");
    let mut policies = Vec::with_capacity(rules.policies.len());
    let mut told = true;
    for (name, policy) in rules.policies {
        if policy.permissions.is_empty() || policy.principals.is_empty() {
            return Err(RbacError::EmptyPolicy(name));
        }
        match self::policy(policy, &place.field("policies"), report) {
            Ok(rule) => policies.push(rule),
            Err(Lack::Untold) => told = false,
            Err(Lack::Error(error)) => return Err(RbacError::Policy(name, error)),
        }
    }
    let rbac = if only_logs {
        Rbac { denies: true, rule: Condition::Any(Vec::new()) }
    } else {
        Rbac { denies, rule: Condition::Any(policies) }
    };
    Ok((told || only_logs).then_some(rbac))
}

fn policy(policy: wire::Policy, place: &Place<'_>, report: &mut Report) -> Result<Condition, Lack> {
    let permissions = policy.permissions.into_iter().map(|rule| permission(rule, place, report));
    let permissions = permissions.collect::<Result<_, _>>()?;
    let principals = policy.principals.into_iter().map(|rule| principal(rule, place, report));
    Ok(Condition::All(vec![Condition::Any(permissions), Condition::Any(principals.collect::<Result<_, _>>()?)]))
}

fn permission(rule: wire::Permission, place: &Place<'_>, report: &mut Report) -> Result<Condition, Lack> {
    Ok(match rule.rule.ok_or(RuleError::Unset)? {
        Permitted::Any(true) => Condition::All(Vec::new()),
        Permitted::Any(false) => return Err(RuleError::AnyFalse.into()),
        Permitted::AndRules(set) => Condition::All(permissions(set.rules, place, report)?),
        Permitted::OrRules(set) => Condition::Any(permissions(set.rules, place, report)?),
        Permitted::NotRule(rule) => Condition::Not(Box::new(permission(*rule, place, report)?)),
        Permitted::Header(header) => {
            Condition::Header(header_match(header, Denied(false), place, report)?.ok_or(Lack::Untold)?)
        }
        Permitted::UrlPath(path) => self::path(path, place, report)?,
        Permitted::DestinationPort(port) => {
            let port = u16::try_from(port).map_err(|_| RuleError::Port(port))?;
            Condition::Port(port, port)
        }
        Permitted::DestinationPortRange(range) => ports(range)?,
        Permitted::UriTemplate(config) => {
            let (_, pattern) = template_matcher(&config, &place.field("uri_template"), report)?;
            Condition::Template(pattern.ok_or(Lack::Untold)?)
        }
        Permitted::DestinationIp(range) => Condition::Destination(cidr(&range)?),
        Permitted::RequestedServerName(name) => Condition::ServerName(text(name, place, report)?),
    })
}

/// The end is not one of them.
fn ports(range: Int32Range) -> Result<Condition, RuleError> {
    let bad = || RuleError::Ports(range.start, range.end);
    let last = range.end.checked_sub(1).filter(|last| *last >= range.start).ok_or_else(bad)?;
    let port = |number: i32| u16::try_from(number).map_err(|_| bad());
    Ok(Condition::Port(port(range.start)?, port(last)?))
}

fn permissions(rules: Vec<wire::Permission>, place: &Place<'_>, report: &mut Report) -> Result<Vec<Condition>, Lack> {
    if rules.is_empty() {
        return Err(RuleError::EmptySet.into());
    }
    rules.into_iter().map(|rule| permission(rule, place, report)).collect()
}

fn principal(rule: wire::Principal, place: &Place<'_>, report: &mut Report) -> Result<Condition, Lack> {
    Ok(match rule.identifier.ok_or(RuleError::Unset)? {
        Identifier::Any(true) => Condition::All(Vec::new()),
        Identifier::Any(false) => return Err(RuleError::AnyFalse.into()),
        Identifier::AndIds(set) => Condition::All(principals(set.ids, place, report)?),
        Identifier::OrIds(set) => Condition::Any(principals(set.ids, place, report)?),
        Identifier::NotId(rule) => Condition::Not(Box::new(principal(*rule, place, report)?)),
        Identifier::Header(header) => {
            Condition::Header(header_match(header, Denied(false), place, report)?.ok_or(Lack::Untold)?)
        }
        Identifier::UrlPath(path) => self::path(path, place, report)?,
        Identifier::RemoteIp(range) => Condition::Client(cidr(&range)?),
        Identifier::SourceIp(range) | Identifier::DirectRemoteIp(range) => Condition::Peer(cidr(&range)?),
    })
}

fn principals(rules: Vec<wire::Principal>, place: &Place<'_>, report: &mut Report) -> Result<Vec<Condition>, Lack> {
    if rules.is_empty() {
        return Err(RuleError::EmptySet.into());
    }
    rules.into_iter().map(|rule| principal(rule, place, report)).collect()
}

fn path(path: PathMatcher, place: &Place<'_>, report: &mut Report) -> Result<Condition, Lack> {
    let PathRule::Path(matcher) = path.rule.ok_or(RuleError::Unset)?;
    Ok(Condition::Path(text(matcher, place, report)?))
}

fn text(matcher: StringMatcher, place: &Place<'_>, report: &mut Report) -> Result<TextMatch, Lack> {
    if matcher.match_pattern.is_none() {
        return Err(RuleError::Unset.into());
    }
    text_match(matcher, place, report)?.ok_or(Lack::Untold)
}

/// `address/length`; a length that is too large is the largest, as in Envoy.
fn cidr(range: &CidrRange) -> Result<String, RuleError> {
    let bad = |_| RuleError::Address(range.address_prefix.clone());
    let address: IpAddr = range.address_prefix.parse().map_err(bad)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    Ok(format!("{address}/{}", range.prefix_len.unwrap_or(0).min(longest)))
}
