//! The routes of one `RouteConfiguration`, kept virtual host by virtual host.
//!
//! A route configuration is one resource however many virtual hosts it has. An update is decoded only where the bytes
//! of a virtual host differ from those in force, so it costs in proportion to what changed.

use std::collections::{BTreeMap, BTreeSet};

use amesh_xds::wire::envoy::config::route::v3 as wire;
use bytes::Bytes;

use crate::hosts::has_host_key;
use crate::model::route::{VirtualHost, VirtualHostError, convert_virtual_host};
use crate::names::{self, ContentHash};
use crate::options::Limits;
use crate::report::Report;

/// Why a route configuration is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TableError {
    /// A virtual host Envoy would refuse.
    #[error("virtual_hosts[{index}]{}: {error}", name_of(.name))]
    VirtualHost {
        /// Its place.
        index: usize,
        /// Its name, where it could be read.
        name: String,
        /// What is wrong.
        error: VirtualHostError,
    },
    /// Two virtual hosts for one domain.
    #[error("domain {domain:?} stands in virtual_hosts {first:?} and {second:?}: a request can belong to one only")]
    DuplicateDomain {
        /// The domain, in lower case.
        domain: String,
        /// A virtual host that has it.
        first: String,
        /// Another, or the same.
        second: String,
    },
}

fn name_of(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({name:?})") }
}

/// A domain as a key: all domains of one name stand together. The hash tells almost all others apart without a look at
/// the text, which lies elsewhere in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Domain {
    /// The hash of the name in lower case, without port and trailing dot.
    name: u64,
    /// The domain in lower case.
    text: String,
}

impl Domain {
    fn new(domain: &str) -> Self {
        let text = domain.to_ascii_lowercase();
        Self { name: names::text_hash(name_without_port(&text)), text }
    }
}

/// One virtual host.
#[derive(Debug)]
pub(crate) struct Unit {
    hash: ContentHash,
    /// Its domains as the table sorts them.
    domains: Vec<Domain>,
    /// Its place among the virtual hosts.
    pub(crate) index: usize,
    /// Some of its domains have no host key.
    is_sharing: bool,
    /// Some of its domains stand for any port, which depends on all other domains.
    pub(crate) has_any_port: bool,
    /// Validated.
    pub(crate) host: VirtualHost,
    /// What is to be said about it, with paths from the virtual host on.
    pub(crate) report: Report,
    /// What was made of it.
    pub(crate) planned: Planned,
}

/// A virtual host that shares the router without hosts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharingHost<'a> {
    /// Tells it from others, which may have the same name.
    pub(crate) key: &'a str,
    /// Its place among the virtual hosts.
    pub(crate) index: usize,
    /// Validated.
    pub(crate) host: &'a VirtualHost,
}

/// What was made of a virtual host, or of the virtual hosts without a host name of their own.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// Ids of APISIX routes.
    pub(crate) routes: Vec<String>,
    /// Clusters that the routes lead to.
    pub(crate) clusters: BTreeSet<String>,
    /// What is to be said.
    pub(crate) report: Report,
}

/// What holds for all virtual hosts of a route configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `ignore_port_in_host_matching`.
    pub(crate) ignore_port: bool,
    /// Set where a setting cannot be translated safely: every route answers 503.
    pub(crate) denied: bool,
}

/// The routes of one route configuration.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// For all virtual hosts.
    pub(crate) settings: Settings,
    units: BTreeMap<String, Unit>,
    /// Domain to the unit that has it.
    domains: BTreeMap<Domain, String>,
    /// What was made of the virtual hosts that share the host-less router.
    pub(crate) shared: Planned,
}

/// A checked update; nothing has changed yet.
#[derive(Debug)]
pub(crate) struct Update {
    settings: Settings,
    order: Vec<String>,
    gone: Vec<String>,
    changed: Vec<(String, Unit)>,
}

/// What an update has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Everything has to be planned anew.
    pub(crate) all: bool,
    /// What virtual hosts share has to be planned anew.
    pub(crate) shared: bool,
    /// Units that have to be planned anew.
    pub(crate) units: BTreeSet<String>,
    /// Units that are gone, with what was made of them.
    pub(crate) gone: Vec<(String, Unit)>,
}

impl Planned {
    /// The routes and clusters that are not among another's.
    pub(crate) fn without(&self, other: &Planned) -> Planned {
        let kept: BTreeSet<&String> = other.routes.iter().collect();
        Planned {
            routes: self.routes.iter().filter(|id| !kept.contains(id)).cloned().collect(),
            clusters: self.clusters.difference(&other.clusters).cloned().collect(),
            report: Report::default(),
        }
    }
}

impl Unit {
    /// It has to do with the router without hosts.
    fn is_shared(&self) -> bool {
        self.is_sharing || self.has_any_port
    }
}

impl Table {
    /// One virtual host.
    pub(crate) fn unit(&self, key: &str) -> Option<&Unit> {
        self.units.get(key)
    }

    /// One virtual host, to be changed.
    pub(crate) fn unit_mut(&mut self, key: &str) -> Option<&mut Unit> {
        self.units.get_mut(key)
    }

    /// All virtual hosts.
    pub(crate) fn units(&self) -> impl Iterator<Item = (&str, &Unit)> {
        self.units.iter().map(|(key, unit)| (key.as_str(), unit))
    }

    /// Takes out what was made of the virtual hosts; `None` is what they share.
    pub(crate) fn take_planned(&mut self) -> Vec<(Option<String>, Planned)> {
        let shared = (None, std::mem::take(&mut self.shared));
        let own = self.units.iter_mut().map(|(key, unit)| (Some(key.clone()), std::mem::take(&mut unit.planned)));
        [shared].into_iter().chain(own).collect()
    }

    /// Virtual hosts that have a domain with the same name as this one, whatever the ports.
    pub(crate) fn neighbours(&self, key: &str) -> BTreeSet<&str> {
        let domains = self.units.get(key).map(|unit| unit.domains.as_slice()).unwrap_or_default();
        let names: BTreeSet<u64> = domains.iter().map(|domain| domain.name).collect();
        names.into_iter().flat_map(|name| self.owners(name)).filter(|owner| *owner != key).collect()
    }

    /// The owners of all domains whose names have this hash.
    fn owners(&self, name: u64) -> impl Iterator<Item = &str> {
        let first = Domain { name, text: String::new() };
        let domains = self.domains.range(first..);
        domains.take_while(move |(domain, _)| domain.name == name).map(|(_, owner)| owner.as_str())
    }

    /// Virtual hosts that share the router without hosts, and those that decide what belongs there.
    pub(crate) fn sharing(&self) -> Vec<SharingHost<'_>> {
        let any_port = self.units.values().any(|unit| unit.has_any_port);
        let sharing = self.units.iter().filter(|(_, unit)| any_port || unit.is_sharing);
        sharing.map(|(key, unit)| SharingHost { key, index: unit.index, host: &unit.host }).collect()
    }

    /// Checks a new version against the one in force.
    pub(crate) fn prepare(
        &self,
        settings: Settings,
        config: &wire::RouteConfiguration,
        limits: &Limits,
    ) -> Result<Update, TableError> {
        let mut keys = BTreeSet::new();
        let mut update = Update { settings, order: Vec::new(), gone: Vec::new(), changed: Vec::new() };
        for (index, bytes) in config.virtual_hosts.iter().enumerate() {
            let hash = ContentHash::of(bytes);
            let key = unique_key(bytes, index, &mut keys);
            if self.units.get(&key).is_none_or(|unit| unit.hash != hash) {
                update.changed.push((key.clone(), unit(hash, bytes, index, limits)?));
            }
            update.order.push(key);
        }
        update.gone = self.units.keys().filter(|key| !keys.contains(*key)).cloned().collect();
        self.check_domains(&update.gone, &update.changed)?;
        Ok(update)
    }

    fn check_domains(&self, gone: &[String], changed: &[(String, Unit)]) -> Result<(), TableError> {
        let replaced: BTreeSet<&str> =
            gone.iter().chain(changed.iter().map(|(key, _)| key)).map(String::as_str).collect();
        let mut claimed: BTreeMap<(u64, &str), &str> = BTreeMap::new();
        for (key, unit) in changed {
            for domain in &unit.domains {
                let standing = self.domains.get(domain).filter(|owner| !replaced.contains(owner.as_str()));
                let claim = (domain.name, domain.text.as_str());
                if let Some(first) = standing.map(String::as_str).or_else(|| claimed.insert(claim, key)) {
                    let (domain, first) = (domain.text.clone(), first.to_owned());
                    return Err(TableError::DuplicateDomain { domain, first, second: key.clone() });
                }
            }
        }
        Ok(())
    }

    /// Puts a checked update in force.
    pub(crate) fn apply(&mut self, update: Update) -> Changed {
        let mut changed = Changed { all: self.settings != update.settings, ..Changed::default() };
        self.settings = update.settings;
        let touched = update.gone.iter().chain(update.changed.iter().map(|(key, _)| key));
        let around: BTreeSet<String> = touched.flat_map(|key| self.neighbours(key)).map(str::to_owned).collect();
        for key in &update.gone {
            changed.shared |= self.units.get(key).is_some_and(Unit::is_shared);
            changed.gone.extend(self.remove(key).map(|unit| (key.clone(), unit)));
        }
        for (key, mut unit) in update.changed {
            changed.shared |= unit.is_shared();
            if let Some(old) = self.remove(&key) {
                changed.shared |= old.is_shared();
                unit.planned = old.planned;
            }
            for domain in &unit.domains {
                self.domains.insert(domain.clone(), key.clone());
            }
            changed.units.insert(key.clone());
            self.units.insert(key, unit);
        }
        // Where everything has changed there is nothing else around it.
        if changed.units.len() < self.units.len() {
            let around_now: Vec<_> =
                changed.units.iter().flat_map(|key| self.neighbours(key)).map(str::to_owned).collect();
            changed.units.extend(around.into_iter().chain(around_now).filter(|key| self.units.contains_key(key)));
        }
        let any_port = self.units.iter().filter(|(_, unit)| unit.has_any_port).map(|(key, _)| key.clone());
        changed.units.extend(any_port.inspect(|_| changed.shared = true).collect::<Vec<_>>());
        for (index, key) in update.order.iter().enumerate() {
            if let Some(unit) = self.units.get_mut(key) {
                unit.index = index;
            }
        }
        changed
    }

    fn remove(&mut self, key: &str) -> Option<Unit> {
        let unit = self.units.remove(key)?;
        for domain in &unit.domains {
            if self.domains.get(domain).is_some_and(|owner| owner == key) {
                self.domains.remove(domain);
            }
        }
        Some(unit)
    }
}

/// The virtual host's name; where several have one name, the later ones get their place added.
fn unique_key(bytes: &Bytes, index: usize, keys: &mut BTreeSet<String>) -> String {
    let mut key = crate::intake::peek_name(bytes).unwrap_or_default();
    while !keys.insert(key.clone()) {
        key = format!("{key}#{index}");
    }
    key
}

fn unit(hash: ContentHash, bytes: &Bytes, index: usize, limits: &Limits) -> Result<Unit, TableError> {
    let mut report = Report::default();
    let host = convert_virtual_host(bytes, limits, &mut report).map_err(|error| {
        let name = crate::intake::peek_name(bytes).unwrap_or_default();
        TableError::VirtualHost { index, name, error }
    })?;
    let domains = host.domains.iter().map(|domain| Domain::new(domain)).collect();
    let is_sharing = !host.domains.iter().all(|domain| has_host_key(domain));
    let has_any_port = host.domains.iter().any(|domain| domain.ends_with(":*"));
    Ok(Unit { hash, domains, index, is_sharing, has_any_port, host, report, planned: Planned::default() })
}

/// The name in a domain, without port and trailing dot.
fn name_without_port(domain: &str) -> &str {
    let is_port = |port: &str| port == "*" || port.bytes().all(|byte| byte.is_ascii_digit());
    let name = domain.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(domain, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}
