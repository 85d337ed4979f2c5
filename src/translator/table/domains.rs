//! Which virtual host has which domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::names;

/// A domain as a key: all domains of one name stand together. The hash tells almost all others apart without a look at
/// the text, which lies elsewhere in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Domain {
    /// The hash of the name in lower case, without port and trailing dot.
    pub(super) name: u64,
    /// The domain in lower case.
    pub(super) text: Arc<str>,
}

impl Domain {
    pub(super) fn new(domain: &str) -> Self {
        let text: Arc<str> = if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
            domain.to_ascii_lowercase().into()
        } else {
            domain.into()
        };
        Self { name: names::text_hash(name_without_port(&text)), text }
    }
}

/// The name in a domain, without port and trailing dot.
fn name_without_port(domain: &str) -> &str {
    let is_port = |port: &str| port == "*" || port.bytes().all(|byte| byte.is_ascii_digit());
    let name = domain.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(domain, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

/// All domains of a table.
#[derive(Debug, Default)]
pub(super) struct Domains {
    /// Domain to the key of its virtual host.
    owners: BTreeMap<Domain, Arc<str>>,
    /// The names, as hashes, that several virtual hosts have, whatever the ports. They are few.
    crowded: BTreeSet<u64>,
}

/// A domain that two virtual hosts claim.
pub(super) struct Conflict<'a> {
    pub(super) domain: &'a Domain,
    pub(super) first: &'a str,
    pub(super) second: &'a str,
}

impl Domains {
    /// The first of the claims that another virtual host has made: one that stands and is not `replaced`, or an earlier
    /// claim.
    pub(super) fn conflict<'a>(
        &'a self,
        claims: impl Iterator<Item = (&'a Domain, &'a str)>,
        replaced: &BTreeSet<&str>,
    ) -> Option<Conflict<'a>> {
        let claims: Vec<_> = claims.collect();
        let standing = claims.iter().enumerate().find_map(|(at, &(domain, second))| {
            let owner = self.owners.get(domain).filter(|owner| !replaced.contains(&***owner));
            owner.map(|first| (at, Conflict { domain, first, second }))
        });
        let mut sorted: Vec<_> = claims.into_iter().enumerate().map(|(at, (domain, key))| (domain, at, key)).collect();
        sorted.sort_unstable();
        let twice = sorted.iter().zip(sorted.iter().skip(1)).filter(|(one, other)| one.0 == other.0);
        let twice = twice.map(|(one, other)| (other.1, Conflict { domain: one.0, first: one.2, second: other.2 }));
        standing.into_iter().chain(twice.min_by_key(|(at, _)| *at)).min_by_key(|(at, _)| *at).map(|(_, found)| found)
    }

    /// Adds domains that are free.
    pub(super) fn extend(&mut self, mut claims: Vec<(Domain, Arc<str>)>) {
        if self.owners.is_empty() {
            claims.sort_unstable();
            let pairs = claims.iter().zip(claims.iter().skip(1));
            let crowded = pairs.filter(|((one, first), (other, second))| one.name == other.name && first != second);
            self.crowded = crowded.map(|((domain, _), _)| domain.name).collect();
            // Built at once from what is sorted.
            self.owners = claims.into_iter().collect();
            return;
        }
        for (domain, key) in claims {
            if self.owners(domain.name).any(|owner| *owner != key) {
                self.crowded.insert(domain.name);
            }
            self.owners.insert(domain, key);
        }
    }

    /// Takes away what a virtual host has.
    pub(super) fn remove(&mut self, domains: &[Domain], key: &str) {
        for domain in domains {
            if self.owners.get(domain).is_some_and(|owner| **owner == *key) {
                self.owners.remove(domain);
            }
            if self.crowded.contains(&domain.name) && !self.is_crowded(domain.name) {
                self.crowded.remove(&domain.name);
            }
        }
    }

    fn is_crowded(&self, name: u64) -> bool {
        let mut owners = self.owners(name);
        let first = owners.next();
        owners.any(|owner| Some(owner) != first)
    }

    /// Virtual hosts but for this one that have a domain of the same name as one of these.
    pub(super) fn neighbours(&self, domains: &[Domain], key: &str) -> BTreeSet<&Arc<str>> {
        if self.crowded.is_empty() {
            return BTreeSet::new();
        }
        let names = domains.iter().map(|domain| domain.name).filter(|name| self.crowded.contains(name));
        let names: BTreeSet<u64> = names.collect();
        names.into_iter().flat_map(|name| self.owners(name)).filter(|owner| &***owner != key).collect()
    }

    /// The owners of all domains whose names have this hash.
    fn owners(&self, name: u64) -> impl Iterator<Item = &Arc<str>> {
        let first = Domain { name, text: Arc::from("") };
        let domains = self.owners.range(first..);
        domains.take_while(move |(domain, _)| domain.name == name).map(|(_, owner)| owner)
    }
}
