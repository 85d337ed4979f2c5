//! Plans what has become stale: first the routes, which decide what clusters are used, then the upstreams.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Translator;
use super::say::{at_table, label_of};
use super::state::{UnitKey, UsePart};
use crate::changes::Kind;
use crate::model::cluster::{Cluster, Discovery};
use crate::model::endpoint::LoadAssignment;
use crate::model::labels::Labels;
use crate::plan::{self, ClusterUse, HostNames, Scope, TableKey};
use crate::report::Report;
use crate::resource_type::ResourceType;
use crate::round::Round;
use crate::table::Planned;

impl Translator {
    /// Plans everything that is stale, once everything that is referred to is known. Until then nothing is planned,
    /// so that what is published is always whole.
    pub(super) fn settle(&mut self, round: &mut Round) {
        if !self.ready() {
            return;
        }
        if std::mem::take(&mut self.state.dirty.listeners) {
            self.bind(round);
        }
        let units = std::mem::take(&mut self.state.dirty.units);
        for unit in &units {
            self.plan_unit(unit, round);
        }
        if !units.is_empty() {
            round.whole(String::new(), self.state.patterns.report(&self.options.limits));
        }
        for cluster in std::mem::take(&mut self.state.dirty.clusters) {
            self.plan_cluster(&cluster, round);
        }
    }

    fn plan_unit(&mut self, unit: &UnitKey, round: &mut Round) {
        let (key, name) = unit;
        let Some(planned) = self.planned(key, name.as_deref()) else { return };
        let mut routes = Vec::with_capacity(planned.written.len());
        for (id, json) in planned.written {
            self.state.store.put(Kind::Routes, &id, json);
            routes.push(id);
        }
        let planned =
            Planned { routes, clusters: planned.clusters, patterns: planned.patterns, report: planned.report };
        self.say_planned(unit, &planned, round);
        self.replace_planned(unit, planned);
    }

    /// What a virtual host becomes; `None` where its table is not in use.
    fn planned(&self, key: &TableKey, unit: Option<&str>) -> Option<plan::Routes> {
        let parts = self.state.bound.get(key)?.0.iter().enumerate();
        let planned = parts.filter_map(|(index, part)| self.planned_part(key, index, part, unit));
        planned.reduce(plan::Routes::and)
    }

    fn planned_part(&self, key: &TableKey, index: usize, used: &UsePart, unit: Option<&str>) -> Option<plan::Routes> {
        let table = self.state.table(key)?;
        // The first part keeps its ids when others come and go.
        let kind = if index == 0 { Cow::Borrowed(key.kind()) } else { Cow::Owned(format!("{}/{index}", key.kind())) };
        let cluster = |name: &str| self.state.clusters.get(name).map(Cluster::view);
        let addresses = |name: &str| self.addresses(name);
        let host_names = |name: &str| self.host_names(name);
        let label = key.label();
        let scope = Scope {
            writer: &self.state.writer,
            instance: &self.options.instance,
            kind: &kind,
            table: &label,
            guard: &used.guard,
            requests: &used.requests,
            settings: &table.settings,
            cluster: &cluster,
            clusters: &|| self.state.clusters.models().map(|(name, _)| name.to_owned()).collect(),
            addresses: &addresses,
            host_names: &host_names,
            extra_entries: self.options.limits.extra_router_entries,
        };
        match unit {
            Some(name) => {
                let unit = table.unit(name)?;
                let around: Vec<_> = if unit.has_any_port {
                    table.units().filter(|(key, _)| ***key != *name).map(|(_, other)| &other.host).collect()
                } else {
                    table.neighbours(name).into_iter().filter_map(|key| Some(&table.unit(key)?.host)).collect()
                };
                Some(plan::own_routes(&scope, name, &unit.host, around.into_iter()))
            }
            None => Some(plan::shared_routes(&scope, &table.sharing())),
        }
    }

    fn say_planned(&self, (key, name): &UnitKey, planned: &Planned, round: &mut Round) {
        if planned.report.is_empty() {
            return;
        }
        let index = name.as_ref().and_then(|name| self.state.table(key)?.unit(name)).map(|unit| unit.index);
        at_table(key, |place| match index {
            Some(index) => round.report(label_of(key), &place.item("virtual_hosts", index), &planned.report),
            None => round.report(label_of(key), place, &planned.report),
        });
    }

    fn replace_planned(&mut self, unit: &UnitKey, planned: Planned) {
        let (key, name) = unit;
        for used in &planned.clusters {
            if self.state.used.entry(used.cluster.clone()).or_default().add(used, unit) {
                self.state.dirty.clusters.insert(used.cluster.clone());
            }
        }
        self.state.patterns.add(&planned.patterns);
        let Some(table) = self.state.table_mut(key) else { return };
        let slot = match name {
            Some(name) => table.unit_mut(name).map(|unit| &mut unit.planned),
            None => Some(&mut table.shared),
        };
        let Some(slot) = slot else { return };
        let gone = slot.without(&planned);
        let old = std::mem::replace(slot, planned);
        self.state.patterns.remove(&old.patterns);
        for id in gone.routes {
            self.state.store.remove(Kind::Routes, &id);
        }
        for cluster in gone.clusters {
            self.drop_user(&cluster, unit);
        }
    }

    /// One upstream for each way in which the cluster is used; all have the same nodes, unless it has subsets.
    fn plan_cluster(&mut self, name: &str, round: &mut Round) {
        let mut report = Report::default();
        let upstreams = self.upstreams(name, &mut report);
        if let Some(used) = self.state.used.get_mut(name) {
            let ids = upstreams.iter().map(|(id, _)| id.clone()).collect();
            let old = std::mem::replace(&mut used.upstreams, ids);
            for id in old.difference(&used.upstreams) {
                self.state.store.remove(Kind::Upstreams, id);
            }
            used.report = report;
            if used.ways.is_empty() {
                self.state.used.remove(name);
            }
        }
        for (id, json) in upstreams {
            self.state.store.put(Kind::Upstreams, &id, json);
        }
        round.whole(ResourceType::Cluster.label(name), self.state.cluster_report(name));
    }

    fn upstreams(&self, name: &str, report: &mut Report) -> Vec<(String, Box<str>)> {
        let cluster = self.state.clusters.get(name).filter(|cluster| !cluster.denied);
        let ways = self.state.used.get(name).map(|used| &used.ways).filter(|ways| !ways.is_empty());
        let (Some(cluster), Some(ways)) = (cluster, ways) else { return Vec::new() };
        let none = LoadAssignment::default();
        let assignment = self.assignment(name, cluster).unwrap_or(&none);
        let mut subsets = BTreeMap::new();
        for used in ways.keys() {
            subsets.entry(&used.variant.subset).or_insert_with_key(|subset| {
                let mut own = Report::default();
                let nodes = plan::nodes(cluster, assignment, subset, &mut own);
                report.unite(own);
                nodes
            });
        }
        let instance = &self.options.instance;
        let upstream = |used: &ClusterUse| {
            let id = used.id(instance);
            let nodes = subsets.get(&used.variant.subset)?;
            let json = plan::upstream(&self.state.writer, &id, used, instance, cluster, nodes)?;
            Some((id, json))
        };
        ways.keys().filter(|used| !used.is_held()).filter_map(upstream).collect()
    }

    fn assignment<'a>(&'a self, name: &str, cluster: &'a Cluster) -> Option<&'a LoadAssignment> {
        match &cluster.discovery {
            Discovery::Inline(assignment) => Some(assignment),
            Discovery::Eds(service) => self.state.endpoints.get(if service.is_empty() { name } else { service }),
        }
    }

    /// What the endpoints of a cluster are called.
    pub(super) fn host_names(&self, name: &str) -> HostNames {
        let cluster = self.state.clusters.get(name);
        let assignment = cluster.and_then(|cluster| Some((cluster, self.assignment(name, cluster)?)));
        assignment.map_or(HostNames::Unnamed, |(cluster, assignment)| HostNames::of(cluster, assignment))
    }

    /// Where a cluster can be reached, preferred first; `None` where it does not exist or must not be used.
    fn addresses(&self, name: &str) -> Option<Vec<String>> {
        let cluster = self.state.clusters.get(name).filter(|cluster| !cluster.denied)?;
        let Some(assignment) = self.assignment(name, cluster) else { return Some(Vec::new()) };
        // What there is to say is said with the cluster.
        let nodes = plan::nodes(cluster, assignment, &Labels::new(), &mut Report::default());
        Some(nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect())
    }
}
