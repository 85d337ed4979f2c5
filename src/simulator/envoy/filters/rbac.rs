//! `envoy.extensions.filters.http.rbac.v3.RBAC`.

use super::Verdict;
use crate::envoy::chain::Range;
use crate::envoy::exchange::Exchange;
use crate::envoy::header_match::HeaderMatch;
use crate::envoy::headers::Headers;
use crate::envoy::object::{Object, Read};
use crate::envoy::path_match::PathMatch;
use crate::envoy::stop::{Known, NotModelled};
use crate::envoy::text_match::TextMatch;
use crate::envoy::tree::Tree;

/// Who may do what.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rbac {
    Rules(Rules),
    /// The action of a leaf: whether it denies.
    Tree(Box<Tree<bool>>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules {
    denies: bool,
    only_logs: bool,
    /// Permission and principal of each policy.
    policies: Vec<(Rule, Rule)>,
}

/// A permission or a principal.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Any,
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Header(HeaderMatch),
    Path(TextMatch),
    Template(PathMatch),
    /// The local address.
    Destination(Range),
    /// Local ports, the last not among them.
    Ports(u32, u32),
    /// The address of the connection.
    Peer(Range),
    /// The address that Envoy takes for the client's.
    Client(Range),
    ServerName(TextMatch),
    NotModelled(String),
}

impl Rbac {
    /// `None`: everything is allowed.
    pub(super) fn read(config: &Object) -> Read<Option<Self>> {
        config.ignore(&["rules_stat_prefix", "shadow_rules", "shadow_matcher", "shadow_rules_stat_prefix"]);
        config.ignore(&["track_per_rule_stats"]);
        let (tree, rules) = (config.object("matcher")?, config.object("rules")?);
        let rules = rules.map(|rules| Rules::read(&rules)).transpose()?;
        // Beside a tree there are no rules.
        let Some(tree) = tree else { return Ok(rules.map(Self::Rules)) };
        Tree::read(&tree, &denies).map(|tree| Some(Self::Tree(Box::new(tree))))
    }

    pub(super) fn act(&self, exchange: &Exchange) -> Known<Verdict> {
        let allows = match self {
            Self::Rules(rules) => rules.allow(exchange)?,
            Self::Tree(tree) => tree.find(exchange)?.is_some_and(|denies| !denies),
        };
        if allows {
            return Ok(Verdict::Continue);
        }
        Ok(Verdict::Reply(403, "RBAC: access denied".into(), Headers::of_response(), "denied"))
    }
}

/// `envoy.config.rbac.v3.Action`.
fn denies(action: &Object) -> Read<bool> {
    if action.any_type()? != "envoy.config.rbac.v3.Action" {
        return Err(action.refuse("", "Didn't find a registered implementation"));
    }
    action.ignore(&["name"]);
    Ok(action.choice("action", &["ALLOW", "DENY", "LOG"])? == "DENY")
}

impl Rules {
    fn read(rules: &Object) -> Read<Self> {
        rules.ignore(&["audit_logging_options"]);
        let action = rules.choice("action", &["ALLOW", "DENY", "LOG"])?;
        let policies = rules.map("policies")?;
        let policies = policies.iter().map(|(_, policy)| Self::policy(policy)).collect::<Read<_>>()?;
        Ok(Self { denies: action == "DENY", only_logs: action == "LOG", policies })
    }

    fn policy(policy: &Object) -> Read<(Rule, Rule)> {
        let any = |name| Ok(Rule::Or(Rule::read_all(policy, name)?));
        let (permission, principal) = (any("permissions")?, any("principals")?);
        match policy.unread() {
            Some(other) => Ok((permission, Rule::NotModelled(other))),
            None => Ok((permission, principal)),
        }
    }

    fn allow(&self, exchange: &Exchange) -> Known<bool> {
        let mut matches = false;
        for (permission, principal) in &self.policies {
            if permission.holds(exchange)? && principal.holds(exchange)? {
                matches = true;
                break;
            }
        }
        Ok(matches != self.denies || self.only_logs)
    }
}

impl Rule {
    fn read_all(owner: &Object, name: &str) -> Read<Vec<Self>> {
        owner.objects(name)?.iter().map(Self::read).collect()
    }

    fn read(rule: &Object) -> Read<Self> {
        for (name, inner, kind) in [
            ("and_rules", "rules", Self::And as fn(Vec<Self>) -> Self),
            ("or_rules", "rules", Self::Or),
            ("and_ids", "ids", Self::And),
            ("or_ids", "ids", Self::Or),
        ] {
            if let Some(set) = rule.object(name)? {
                return Ok(kind(Self::read_all(&set, inner)?));
            }
        }
        for name in ["not_rule", "not_id"] {
            if let Some(inner) = rule.object(name)? {
                return Ok(Self::Not(Box::new(Self::read(&inner)?)));
            }
        }
        Self::leaf(rule)
    }

    fn leaf(rule: &Object) -> Read<Self> {
        if rule.flag("any")? {
            return Ok(Self::Any);
        }
        if let Some(header) = rule.object("header")? {
            return HeaderMatch::read(&header).map(Self::Header);
        }
        if let Some(text) = rule.object("url_path")?.map(|path| path.object("path")).transpose()?.flatten() {
            return TextMatch::read(&text).map(Self::Path);
        }
        if let Some(policy) = rule.object("uri_template")? {
            return PathMatch::policy(&policy).map(Self::Template);
        }
        if let Some(text) = rule.object("requested_server_name")? {
            return TextMatch::read(&text).map(Self::ServerName);
        }
        if let Some(port) = rule.number_if("destination_port")? {
            return Ok(Self::Ports(port, port.saturating_add(1)));
        }
        if let Some(ports) = rule.object("destination_port_range")? {
            return Ok(Self::Ports(ports.number("start")?, ports.number("end")?));
        }
        for (name, kind) in [
            ("destination_ip", Self::Destination as fn(Range) -> Self),
            ("direct_remote_ip", Self::Peer),
            ("remote_ip", Self::Client),
            ("source_ip", Self::Client),
        ] {
            if let Some(range) = rule.object(name)? {
                return Range::read(&range).map(kind);
            }
        }
        Ok(Self::NotModelled(rule.unread().unwrap_or_else(|| rule.path_of(""))))
    }

    fn holds(&self, exchange: &Exchange) -> Known<bool> {
        let connection = &exchange.connection;
        Ok(match self {
            Self::Any => true,
            Self::And(rules) => {
                for rule in rules {
                    if !rule.holds(exchange)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(rules) => {
                for rule in rules {
                    if rule.holds(exchange)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(rule) => !rule.holds(exchange)?,
            Self::Header(header) => header.matches(&exchange.headers)?,
            Self::Path(text) => text.matches(exchange.path_without_query())?,
            Self::Template(path) => path.matches(exchange.path_without_query())?,
            Self::Destination(range) => range.contains(connection.local),
            Self::Ports(start, end) => (*start..*end).contains(&u32::from(connection.port)),
            Self::Client(_) if exchange.headers.has("x-forwarded-for") => {
                return NotModelled::because("the client's address behind proxies");
            }
            Self::Peer(range) | Self::Client(range) => range.contains(connection.peer),
            Self::ServerName(text) => text.matches(connection.sni.as_deref().unwrap_or_default().as_bytes())?,
            Self::NotModelled(what) => return NotModelled::because(what),
        })
    }
}
