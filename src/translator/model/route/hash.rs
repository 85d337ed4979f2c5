//! `hash_policy`: what keeps requests of a client at one endpoint.

use amesh_xds::wire::envoy::config::route::v3::route_action::HashPolicy;
use amesh_xds::wire::envoy::config::route::v3::route_action::hash_policy::PolicySpecifier;

use crate::model::rules::{RuleError, filled, set};

/// `upstream.hash_on` and `upstream.key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HashKey {
    /// `header`, `cookie`, `vars` or `vars_combinations`.
    pub(crate) on: &'static str,
    /// A name, or a template of variables.
    pub(crate) key: String,
}

/// The key, and in what it differs; said only where a cluster hashes at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hashing {
    /// `None`: nothing that APISIX can hash.
    pub(crate) key: Option<HashKey>,
    /// What is left out.
    pub(crate) notes: Vec<&'static str>,
}

/// Converts the policies; `None` where there is none.
pub(super) fn convert(policies: &[HashPolicy]) -> Result<Option<Box<Hashing>>, RuleError> {
    if policies.is_empty() {
        return Ok(None);
    }
    let mut hashing = Hashing::default();
    let mut keys: Vec<(HashKey, String)> = Vec::new();
    for (index, policy) in policies.iter().enumerate() {
        let path = format!("route.hash_policy[{index}]");
        match set(policy.policy_specifier.as_ref(), format_args!("{path}.policy_specifier"))? {
            PolicySpecifier::Header(header) => {
                filled(&header.header_name, format_args!("{path}.header.header_name"))?;
                if header.regex_rewrite.is_some() {
                    hashing.notes.push("the header is hashed as it is, without regex_rewrite");
                }
                keys.extend(named("header", "http_", &header.header_name.to_ascii_lowercase(), &mut hashing.notes));
            }
            PolicySpecifier::Cookie(cookie) => {
                filled(&cookie.name, format_args!("{path}.cookie.name"))?;
                if cookie.ttl.is_some() {
                    hashing.notes.push("no cookie is made for clients that have none");
                }
                keys.extend(named("cookie", "cookie_", &cookie.name, &mut hashing.notes));
            }
            PolicySpecifier::ConnectionProperties(properties) if properties.source_ip => {
                let key = HashKey { on: "vars", key: "remote_addr".to_owned() };
                keys.push((key, "remote_addr".to_owned()));
            }
            PolicySpecifier::ConnectionProperties(_) => {}
            PolicySpecifier::QueryParameter(parameter) => {
                filled(&parameter.name, format_args!("{path}.query_parameter.name"))?;
                let found = named("vars", "arg_", &parameter.name, &mut hashing.notes);
                keys.extend(found.map(|(_, variable)| (HashKey { on: "vars", key: variable.clone() }, variable)));
            }
            PolicySpecifier::FilterState(_) => hashing.notes.push("filter state is not hashed"),
        }
        if policy.terminal && index.saturating_add(1) < policies.len() {
            hashing.notes.push("policies behind a terminal one count as well");
        }
    }
    hashing.key = joined(keys);
    Ok(Some(Box::new(hashing)))
}

/// What can be hashed by its name, and its variable.
fn named(on: &'static str, prefix: &str, name: &str, notes: &mut Vec<&'static str>) -> Option<(HashKey, String)> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Some((HashKey { on, key: name.to_owned() }, format!("{prefix}{name}")));
    }
    notes.push("a name with characters other than letters, digits, dashes and underscores is not hashed");
    None
}

fn joined(mut keys: Vec<(HashKey, String)>) -> Option<HashKey> {
    if keys.len() < 2 {
        return keys.pop().map(|(key, _)| key);
    }
    let key = keys.iter().flat_map(|(_, variable)| ["${", variable, "}"]).collect();
    Some(HashKey { on: "vars_combinations", key })
}
