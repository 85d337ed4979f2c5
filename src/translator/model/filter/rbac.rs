//! `envoy.extensions.filters.http.rbac.v3.RBAC`: who may do what, as one tree of rules.

use std::net::IpAddr;

use amesh_xds::wire::envoy::config::core::v3::CidrRange;
use amesh_xds::wire::envoy::config::rbac::v3 as wire;
use amesh_xds::wire::envoy::config::rbac::v3::permission::Rule as Permitted;
use amesh_xds::wire::envoy::config::rbac::v3::principal::Identifier;
use amesh_xds::wire::envoy::r#type::matcher::v3::path_matcher::Rule as PathRule;
use amesh_xds::wire::envoy::r#type::matcher::v3::{PathMatcher, StringMatcher};

use crate::model::findings::Denied;
use crate::model::route::{HeaderMatcherError, header_match, text_match};
use crate::report::{Place, Report};
use crate::vars::{HeaderMatch, TextMatch};

/// What the filter decides on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rbac {
    /// Requests that meet the rule are denied; else those that do not meet it.
    pub(crate) denies: bool,
    /// Holds where one of the policies does.
    pub(crate) rule: Rule,
}

/// A condition on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All of them hold; none: always.
    All(Vec<Rule>),
    /// One of them holds; none: never.
    Any(Vec<Rule>),
    /// It does not hold.
    Not(Box<Rule>),
    /// A header.
    Header(HeaderMatch),
    /// The path without its query.
    Path(TextMatch),
    /// The port that the client connected to: first and last.
    Port(u16, u16),
    /// The client's address, by what the connection manager trusts; `address/length`.
    Client(String),
    /// The address that the connection comes from.
    Peer(String),
    /// The server name that the client asked TLS for; empty without TLS.
    ServerName(TextMatch),
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
    /// Not an address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// A bad matcher.
    #[error("{0}")]
    Header(#[from] HeaderMatcherError),
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
        Rbac { denies: true, rule: Rule::Any(Vec::new()) }
    } else {
        Rbac { denies, rule: Rule::Any(policies) }
    };
    Ok((told || only_logs).then_some(rbac))
}

fn policy(policy: wire::Policy, place: &Place<'_>, report: &mut Report) -> Result<Rule, Lack> {
    let permissions = policy.permissions.into_iter().map(|rule| permission(rule, place, report));
    let permissions = permissions.collect::<Result<_, _>>()?;
    let principals = policy.principals.into_iter().map(|rule| principal(rule, place, report));
    Ok(Rule::All(vec![Rule::Any(permissions), Rule::Any(principals.collect::<Result<_, _>>()?)]))
}

fn permission(rule: wire::Permission, place: &Place<'_>, report: &mut Report) -> Result<Rule, Lack> {
    Ok(match rule.rule.ok_or(RuleError::Unset)? {
        Permitted::Any(true) => Rule::All(Vec::new()),
        Permitted::Any(false) => return Err(RuleError::AnyFalse.into()),
        Permitted::AndRules(set) => Rule::All(permissions(set.rules, place, report)?),
        Permitted::OrRules(set) => Rule::Any(permissions(set.rules, place, report)?),
        Permitted::NotRule(rule) => Rule::Not(Box::new(permission(*rule, place, report)?)),
        Permitted::Header(header) => {
            Rule::Header(header_match(header, Denied(false), place, report)?.ok_or(Lack::Untold)?)
        }
        Permitted::UrlPath(path) => self::path(path, place, report)?,
        Permitted::DestinationPort(port) => {
            let port = u16::try_from(port).map_err(|_| RuleError::Port(port))?;
            Rule::Port(port, port)
        }
        Permitted::RequestedServerName(name) => Rule::ServerName(text(name, place, report)?),
    })
}

fn permissions(rules: Vec<wire::Permission>, place: &Place<'_>, report: &mut Report) -> Result<Vec<Rule>, Lack> {
    if rules.is_empty() {
        return Err(RuleError::EmptySet.into());
    }
    rules.into_iter().map(|rule| permission(rule, place, report)).collect()
}

fn principal(rule: wire::Principal, place: &Place<'_>, report: &mut Report) -> Result<Rule, Lack> {
    Ok(match rule.identifier.ok_or(RuleError::Unset)? {
        Identifier::Any(true) => Rule::All(Vec::new()),
        Identifier::Any(false) => return Err(RuleError::AnyFalse.into()),
        Identifier::AndIds(set) => Rule::All(principals(set.ids, place, report)?),
        Identifier::OrIds(set) => Rule::Any(principals(set.ids, place, report)?),
        Identifier::NotId(rule) => Rule::Not(Box::new(principal(*rule, place, report)?)),
        Identifier::Header(header) => {
            Rule::Header(header_match(header, Denied(false), place, report)?.ok_or(Lack::Untold)?)
        }
        Identifier::UrlPath(path) => self::path(path, place, report)?,
        Identifier::RemoteIp(range) => Rule::Client(cidr(&range)?),
        Identifier::SourceIp(range) | Identifier::DirectRemoteIp(range) => Rule::Peer(cidr(&range)?),
    })
}

fn principals(rules: Vec<wire::Principal>, place: &Place<'_>, report: &mut Report) -> Result<Vec<Rule>, Lack> {
    if rules.is_empty() {
        return Err(RuleError::EmptySet.into());
    }
    rules.into_iter().map(|rule| principal(rule, place, report)).collect()
}

fn path(path: PathMatcher, place: &Place<'_>, report: &mut Report) -> Result<Rule, Lack> {
    let PathRule::Path(matcher) = path.rule.ok_or(RuleError::Unset)?;
    Ok(Rule::Path(text(matcher, place, report)?))
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
