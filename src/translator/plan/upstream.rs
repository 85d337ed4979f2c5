//! One cluster with its endpoints becomes one APISIX upstream.

use super::load::{Health, Load, distribute};
use super::share::{Group, weigh};
use super::subset::{self, Chosen};
use super::variant::{ClusterUse, Variant};
use crate::apisix::{Balancing, Labels, Node, Upstream, Writer, seconds};
use crate::diagnostic::Code;
use crate::model::cluster::{Cluster, Socket};
use crate::model::endpoint::{Endpoint, HealthStatus, LoadAssignment, Locality};
use crate::model::labels;
use crate::names;
use crate::report::{Place, Report};

/// The upstream's JSON for one way to use the cluster.
pub(crate) fn upstream(
    writer: &Writer,
    id: &str,
    used: &ClusterUse,
    instance: &str,
    cluster: &Cluster,
    nodes: &[Node<'_>],
) -> Option<Box<str>> {
    let Variant { retries, retry_timeout, hash, .. } = &used.variant;
    let upstream = Upstream {
        id,
        name: names::name(&used.cluster),
        labels: Labels::new(instance),
        balancing: if hash.is_some() { Balancing::Hash } else { cluster.balancing },
        hash_on: hash.as_ref().map(|hash| hash.on),
        key: hash.as_ref().map(|hash| hash.key.as_str()),
        scheme: "http",
        retries: *retries,
        retry_timeout: (*retry_timeout > 0).then(|| seconds(*retry_timeout)),
        nodes,
    };
    writer.json(&upstream)
}

/// The nodes, sorted; endpoints at one address are one node. `subset`: what the route asks for.
pub(crate) fn nodes<'a>(
    cluster: &Cluster,
    assignment: &'a LoadAssignment,
    subset: &labels::Labels,
    report: &mut Report,
) -> Vec<Node<'a>> {
    match &cluster.subsets {
        Some(subsets) => subset::nodes(cluster, subsets, assignment, subset, report),
        None => nodes_of(cluster, assignment, &Chosen::All, report),
    }
}

/// The nodes of the endpoints that are chosen.
pub(super) fn nodes_of<'a>(
    cluster: &Cluster,
    assignment: &'a LoadAssignment,
    chosen: &Chosen<'_>,
    report: &mut Report,
) -> Vec<Node<'a>> {
    let levels = levels(cluster, assignment, chosen, report);
    let health: Vec<Health> = levels.iter().map(Level::health).collect();
    let loads = distribute(&health, assignment.overprovisioning, cluster.panic_threshold);
    let shared = loads.iter().filter(|load| load.healthy.saturating_add(load.degraded) > 0).count();
    let mut groups = Vec::new();
    for (level, load) in levels.iter().zip(&loads) {
        level.groups(cluster, assignment.overprovisioning, *load, shared, &mut groups);
    }
    if levels.len() > 1 || health.iter().any(|level| level.healthy < level.total) {
        report.add(Code::EndpointsApproximated, "endpoints", FIXED_HEALTH);
    }
    let mut nodes = weigh(groups);
    nodes.sort_by(|a, b| (b.priority, a.host, a.port).cmp(&(a.priority, b.host, b.port)));
    merge(nodes)
}

const FIXED_HEALTH: &str = "the shares of priorities and of degraded endpoints follow the health that the control \
    plane reports; APISIX does not shift them when an endpoint fails";

/// The endpoints of one priority.
struct Level<'a> {
    priority: u32,
    localities: Vec<Local<'a>>,
}

/// The endpoints of one locality that are used.
struct Local<'a> {
    weight: u32,
    endpoints: Vec<&'a Endpoint>,
}

/// The priorities, preferred first. Endpoints that need TLS are left out and reported.
fn levels<'a>(
    cluster: &Cluster,
    assignment: &'a LoadAssignment,
    chosen: &Chosen<'_>,
    report: &mut Report,
) -> Vec<Level<'a>> {
    let mut levels: Vec<Level<'a>> = Vec::new();
    for (index, locality) in assignment.localities.iter().enumerate() {
        let usable = usable(cluster, locality, chosen, index, report);
        match levels.iter_mut().find(|level| level.priority == locality.priority) {
            Some(level) => level.localities.push(usable),
            None => levels.push(Level { priority: locality.priority, localities: vec![usable] }),
        }
    }
    levels.sort_by_key(|level| level.priority);
    levels
}

fn usable<'a>(
    cluster: &Cluster,
    locality: &'a Locality,
    chosen: &Chosen<'_>,
    index: usize,
    report: &mut Report,
) -> Local<'a> {
    let own: Vec<_> = locality.endpoints.iter().filter(|endpoint| chosen.holds(endpoint)).collect();
    let weight = chosen.weight(locality, own.len());
    let is_plain = |endpoint: &&&Endpoint| cluster.sockets.of(endpoint) == Socket::Plain;
    let endpoints: Vec<_> = own.iter().filter(is_plain).copied().collect();
    if endpoints.len() < own.len() {
        let place = Place::ROOT.item("endpoints", index);
        report.add(Code::EndpointDropped, place, "endpoints that are reached with TLS are left out");
    }
    Local { weight, endpoints }
}

impl<'a> Level<'a> {
    fn endpoints(&self) -> impl Iterator<Item = &'a Endpoint> + use<'a, '_> {
        self.localities.iter().flat_map(|locality| locality.endpoints.iter().copied())
    }

    fn health(&self) -> Health {
        count(self.endpoints())
    }

    /// The groups that share traffic, or one group of lower APISIX priority where this level has no load.
    fn groups(&self, cluster: &Cluster, factor: u32, load: Load, shared: usize, groups: &mut Vec<Group<'a>>) {
        if load.panic {
            groups.push(Group::new(load.healthy.max(1), self.endpoints(), 0));
        } else if load == Load::default() {
            self.standby(shared, groups);
        } else {
            self.share(cluster, factor, load.healthy, HealthStatus::Healthy, groups);
            self.share(cluster, factor, load.degraded, HealthStatus::Degraded, groups);
        }
    }

    /// Without load: behind the levels that have some; never where there is none, as Envoy sends nothing then.
    fn standby(&self, shared: usize, groups: &mut Vec<Group<'a>>) {
        let healthy = self.endpoints().filter(|endpoint| endpoint.health == HealthStatus::Healthy);
        if shared > 0 {
            let behind = i32::try_from(self.priority).unwrap_or(i32::MAX).saturating_neg();
            groups.push(Group::new(1, healthy, behind.min(-1)));
        }
    }

    fn share(&self, cluster: &Cluster, factor: u32, load: u32, health: HealthStatus, groups: &mut Vec<Group<'a>>) {
        if load == 0 {
            return;
        }
        let weights: Vec<u64> = self.localities.iter().map(|locality| effective(locality, factor, health)).collect();
        let total: u64 = weights.iter().sum();
        // Where no locality has a weight, Envoy does not weigh them.
        if !cluster.weighs_localities() || total == 0 {
            groups.push(Group::new(load, self.endpoints().filter(|endpoint| endpoint.health == health), 0));
            return;
        }
        for (locality, weight) in self.localities.iter().zip(weights) {
            let usable = locality.endpoints.iter().copied().filter(|endpoint| endpoint.health == health);
            groups.push(Group::with_part(load, (weight, total), usable, 0));
        }
    }
}

/// A locality's weight, reduced when few of its endpoints are available, in ten-thousandths.
fn effective(locality: &Local<'_>, factor: u32, health: HealthStatus) -> u64 {
    let health_counts = count(locality.endpoints.iter().copied());
    let available = if health == HealthStatus::Healthy { health_counts.healthy } else { health_counts.degraded };
    let availability = u64::from(available)
        .saturating_mul(u64::from(factor).saturating_mul(100))
        .checked_div(u64::from(health_counts.total.saturating_sub(health_counts.draining)))
        .unwrap_or_default();
    availability.min(10_000).saturating_mul(u64::from(locality.weight))
}

fn count<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Health {
    let mut health = Health::default();
    for endpoint in endpoints {
        health.total = health.total.saturating_add(1);
        match endpoint.health {
            HealthStatus::Healthy => health.healthy = health.healthy.saturating_add(1),
            HealthStatus::Degraded => health.degraded = health.degraded.saturating_add(1),
            HealthStatus::Draining => health.draining = health.draining.saturating_add(1),
            HealthStatus::Unhealthy => {}
        }
    }
    health
}

/// APISIX keeps only the last of two nodes at one address: add their weights. `nodes` is sorted.
fn merge(nodes: Vec<Node<'_>>) -> Vec<Node<'_>> {
    let mut merged: Vec<Node<'_>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        match merged.last_mut() {
            Some(last) if last.host == node.host && last.port == node.port && last.priority == node.priority => {
                last.weight = last.weight.saturating_add(node.weight);
            }
            _ => merged.push(node),
        }
    }
    merged
}
