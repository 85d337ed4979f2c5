//! The routes of one `RouteConfiguration`, kept virtual host by virtual host.
//!
//! A route configuration is one resource however many virtual hosts it has. An update is decoded only where the bytes
//! of a virtual host differ from those in force, so it costs in proportion to what changed.

mod domains;
mod update;

pub(crate) use update::{Changed, Update};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::filter::Overrides;
use crate::model::headers::HeaderMutations;
use crate::model::route::{Mirror, VirtualHost, VirtualHostError};
use crate::names::ContentHash;
use crate::plan::{ClusterUse, Patterns};
use crate::report::Report;
use domains::{Domain, Domains};

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
    /// A direct response that is too long.
    #[error(
        "virtual_hosts {host:?}: routes[{route}].direct_response.body has {size} bytes; max_direct_response_body_size_bytes \
         is {limit}"
    )]
    Body {
        /// The virtual host.
        host: String,
        /// Place of the route.
        route: usize,
        /// Of the body, in bytes.
        size: usize,
        /// What it may be, in bytes.
        limit: u32,
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
    /// Clusters that the routes lead to, and how.
    pub(crate) clusters: BTreeSet<ClusterUse>,
    /// What APISIX has to compile for the routes.
    pub(crate) patterns: Patterns,
    /// What is to be said.
    pub(crate) report: Report,
}

/// What holds for all virtual hosts of a route configuration.
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the message")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `max_direct_response_body_size_bytes`, in bytes.
    pub(crate) largest_body: u32,
    /// `ignore_port_in_host_matching`.
    pub(crate) ignore_port: bool,
    /// `vhost_header`, as a variable; `None`: the host chooses virtual hosts.
    pub(crate) host_variable: Option<String>,
    /// `ignore_path_parameters_in_path_matching`.
    pub(crate) ignore_path_parameters: bool,
    /// `typed_per_filter_config`.
    pub(crate) filters: Overrides,
    /// Copies of the requests of virtual hosts that have none of their own.
    pub(crate) mirror: Option<Box<Mirror>>,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
    /// `most_specific_header_mutations_wins`.
    pub(crate) most_specific_wins: bool,
    /// Set where a setting cannot be translated safely: every route answers 503.
    pub(crate) denied: bool,
}

/// One place in the list of virtual hosts.
#[derive(Clone, Debug)]
struct Slot {
    hash: ContentHash,
    key: Arc<str>,
}

/// The routes of one route configuration.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// For all virtual hosts.
    pub(crate) settings: Settings,
    /// By name; where several have one name, the later ones have their place in the key too.
    units: BTreeMap<Arc<str>, Unit>,
    /// The virtual hosts in order.
    slots: Vec<Slot>,
    /// Some key is not a name.
    renamed: bool,
    domains: Domains,
    /// How many units have domains that stand for any port.
    any_ports: usize,
    /// What was made of the virtual hosts that share the host-less router.
    pub(crate) shared: Planned,
}

impl Planned {
    /// The routes and clusters that are not among another's.
    pub(crate) fn without(&self, other: &Planned) -> Planned {
        let kept: BTreeSet<&String> = other.routes.iter().collect();
        Planned {
            routes: self.routes.iter().filter(|id| !kept.contains(id)).cloned().collect(),
            clusters: self.clusters.difference(&other.clusters).cloned().collect(),
            patterns: Patterns::default(),
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
    pub(crate) fn units(&self) -> impl Iterator<Item = (&Arc<str>, &Unit)> {
        self.units.iter()
    }

    /// Takes out what was made of the virtual hosts; `None` is what they share.
    pub(crate) fn take_planned(&mut self) -> Vec<(Option<Arc<str>>, Planned)> {
        let shared = (None, std::mem::take(&mut self.shared));
        let own = self.units.iter_mut().map(|(key, unit)| (Some(key.clone()), std::mem::take(&mut unit.planned)));
        [shared].into_iter().chain(own).collect()
    }

    /// Virtual hosts that have a domain with the same name as this one, whatever the ports.
    pub(crate) fn neighbours(&self, key: &str) -> BTreeSet<&Arc<str>> {
        let domains = self.units.get(key).map(|unit| unit.domains.as_slice()).unwrap_or_default();
        self.domains.neighbours(domains, key)
    }

    /// Virtual hosts that share the router without hosts, and those that decide what belongs there.
    pub(crate) fn sharing(&self) -> Vec<SharingHost<'_>> {
        let all = self.any_ports > 0 || self.settings.host_variable.is_some();
        let sharing = self.units.iter().filter(|(_, unit)| all || unit.is_sharing);
        sharing.map(|(key, unit)| SharingHost { key, index: unit.index, host: &unit.host }).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
