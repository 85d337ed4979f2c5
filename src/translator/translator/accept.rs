//! A checked resource takes the place of its last version, and what depends on it becomes stale.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use amesh_xds::wire::envoy::config::route::v3 as route;
use prost::Message as _;

use super::Translator;
use super::absorb::Fresh;
use super::say::{at_table, label_of};
use super::state::Used;
use crate::diagnostic::Code;
use crate::model::cluster::{Cluster, Discovery};
use crate::model::findings::Denied;
use crate::model::listener::{ChainIndex, Listener, RouteSource};
use crate::model::{cluster, endpoint, listener, route as route_model};
use crate::plan::{ClusterUse, HostNames, TableKey};
use crate::report::Report;
use crate::resource_type::ResourceType;
use crate::round::Round;
use crate::table::{Changed, Table, Update};

impl Translator {
    pub(super) fn take_listener(&mut self, fresh: &Fresh<'_>, round: &mut Round) -> Result<(), String> {
        let mut report = Report::default();
        let listener = listener::convert(&fresh.resource.value, &mut report).map_err(|error| error.to_string())?;
        self.check_port(&listener, &mut report);
        let updates = self.inline_updates(fresh.name, &listener, &mut report)?;
        self.drop_inline(fresh.name, &updates.iter().map(|(chain, _)| *chain).collect::<Vec<_>>());
        for (chain, update) in updates {
            let changed = self.state.inline.entry((fresh.name.into(), chain)).or_default().apply(update);
            self.mark(&TableKey::Inline(fresh.name.into(), chain), changed, round);
        }
        round.about(ResourceType::Listener, fresh.name, &report);
        named_routes(&listener).for_each(|name| self.state.tables.want(name));
        let old = self.state.listeners.accept(fresh.name, fresh.hash, listener, report);
        self.unwant_routes(old.as_ref());
        self.state.dirty.listeners = true;
        Ok(())
    }

    fn check_port(&self, listener: &Listener, report: &mut Report) {
        let ports = self.options.listen_ports.as_deref();
        if listener.bound && !listener.chains.is_empty() && ports.is_some_and(|ports| !ports.contains(&listener.port)) {
            let why = format!("APISIX does not listen on port {}: no request reaches this listener", listener.port);
            report.add_with_hint(Code::ListenerPortNotBound, "address", why, "add the port to apisix.node_listen");
        }
    }

    fn inline_updates(
        &self,
        name: &str,
        listener: &Listener,
        report: &mut Report,
    ) -> Result<Vec<(ChainIndex, Update)>, String> {
        let mut updates = Vec::new();
        for chain in &listener.chains {
            let index = chain.index;
            let RouteSource::Inline(config) = &chain.routes else { continue };
            let located = |error: &dyn fmt::Display| index.at_routes(|place| format!("{place}: {error}"));
            let settings = index.at_routes(|place| route_model::settings(config, Denied(false), place, report));
            let settings = settings.map_err(|error| located(&error))?;
            let empty = Table::default();
            let table = self.state.inline.get(&(name.into(), index)).unwrap_or(&empty);
            let update = table.prepare(settings, config, &self.options.limits);
            updates.push((index, update.map_err(|error| located(&error))?));
        }
        Ok(updates)
    }

    /// Forgets the inline routes of a listener, but for those of the chains in `kept`.
    fn drop_inline(&mut self, listener: &str, kept: &[ChainIndex]) {
        let first = (listener.into(), ChainIndex::new(0));
        let own = self.state.inline.range(first..).take_while(|((owner, _), _)| **owner == *listener);
        let stale: Vec<_> = own.map(|(key, _)| key.clone()).filter(|(_, chain)| !kept.contains(chain)).collect();
        for key in stale {
            if let Some(table) = self.state.inline.remove(&key) {
                self.forget(&TableKey::Inline(key.0, key.1), &table);
            }
        }
    }

    fn unwant_routes(&mut self, listener: Option<&Listener>) {
        for name in listener.into_iter().flat_map(named_routes) {
            if self.state.tables.unwant(name)
                && let Some(table) = self.state.tables.remove(name)
            {
                self.forget(&TableKey::Named(name.into()), &table);
            }
        }
    }

    pub(super) fn take_table(&mut self, fresh: &Fresh<'_>, round: &mut Round) -> Result<(), String> {
        let mut report = Report::default();
        let value = fresh.resource.value.clone();
        let config = route::RouteConfiguration::decode(value).map_err(|error| error.to_string())?;
        let settings = route_model::scanned_settings(&fresh.resource.value, &config, &mut report);
        let settings = settings.map_err(|error| error.to_string())?;
        let empty = Table::default();
        let table = self.state.tables.get(fresh.name).unwrap_or(&empty);
        let update = table.prepare(settings, &config, &self.options.limits).map_err(|error| error.to_string())?;
        let mut table = self.state.tables.take(fresh.name).unwrap_or_else(|| {
            self.state.dirty.listeners = true;
            Table::default()
        });
        let changed = table.apply(update);
        round.about(ResourceType::RouteConfiguration, fresh.name, &report);
        self.state.tables.accept(fresh.name, fresh.hash, table, report);
        self.mark(&TableKey::Named(fresh.name.into()), changed, round);
        Ok(())
    }

    /// Notes what an update of a table makes stale.
    fn mark(&mut self, key: &TableKey, changed: Changed, round: &mut Round) {
        for (name, unit) in &changed.gone {
            self.unplan(key, &unit.planned, Some(name));
        }
        let Some(table) = self.state.table(key) else { return };
        let units = changed.units.iter().filter_map(|unit| table.unit(unit));
        for unit in units.filter(|unit| !unit.report.is_empty()) {
            at_table(key, |place| {
                round.report(label_of(key), &place.item("virtual_hosts", unit.index), &unit.report);
            });
        }
        let all = changed.all.then(|| table.units().map(|(unit, _)| unit.clone()).collect());
        let units: BTreeSet<Arc<str>> = all.unwrap_or(changed.units);
        self.state.dirty.units.extend(units.into_iter().map(|unit| (key.clone(), Some(unit))));
        if changed.shared || changed.all {
            self.state.dirty.units.insert((key.clone(), None));
        }
    }

    pub(super) fn take_cluster(&mut self, fresh: &Fresh<'_>) -> Result<(), String> {
        let mut report = Report::default();
        let cluster = cluster::convert(&fresh.resource.value, &mut report).map_err(|error| error.to_string())?;
        let service = service(fresh.name, &cluster);
        if let Some(service) = &service {
            self.state.endpoints.want(service);
            self.state.services.entry(service.clone()).or_default().insert(fresh.name.to_owned());
        }
        let view = cluster.view();
        let old = self.state.clusters.accept(fresh.name, fresh.hash, cluster, report);
        if old.as_ref().map(Cluster::view) != Some(view) {
            self.mark_users(fresh.name);
        }
        self.mark_holders(&ClusterUse::copied(fresh.name));
        self.mark_holders(&ClusterUse::named(fresh.name));
        self.unwant_endpoints(fresh.name, old.as_ref(), service.as_deref());
        self.state.dirty.clusters.insert(fresh.name.to_owned());
        Ok(())
    }

    fn unwant_endpoints(&mut self, name: &str, old: Option<&Cluster>, now: Option<&str>) {
        let Some(service) = old.and_then(|old| service(name, old)) else { return };
        if now != Some(&service)
            && let Some(users) = self.state.services.get_mut(&service)
        {
            users.remove(name);
        }
        if self.state.endpoints.unwant(&service) {
            self.state.services.remove(&service);
            self.state.endpoints.remove(&service);
        }
    }

    fn mark_users(&mut self, cluster: &str) {
        let used = [cluster, ""].into_iter().filter_map(|name| self.state.used.get(name));
        self.state.dirty.units.extend(used.flat_map(Used::units).cloned());
    }

    /// Routes that copy requests to a cluster hold its address, others the host name of its endpoints.
    fn mark_holders(&mut self, held: &ClusterUse) {
        let users = self.state.used.get(&held.cluster).and_then(|used| used.ways.get(held));
        let users = users.into_iter().flatten().cloned();
        self.state.dirty.units.extend(users);
    }

    pub(super) fn take_endpoints(&mut self, fresh: &Fresh<'_>, round: &mut Round) -> Result<(), String> {
        let mut report = Report::default();
        let value = fresh.resource.value.clone();
        let assignment = endpoint::convert(value, &mut report).map_err(|error| error.to_string())?;
        round.about(ResourceType::ClusterLoadAssignment, fresh.name, &report);
        let users: Vec<String> = self.state.services.get(fresh.name).into_iter().flatten().cloned().collect();
        let names: Vec<_> = users.iter().filter_map(|cluster| self.held_names(cluster)).collect();
        self.state.endpoints.accept(fresh.name, fresh.hash, assignment, report);
        for cluster in &users {
            self.mark_holders(&ClusterUse::copied(cluster));
        }
        for (held, names) in names {
            if self.host_names(&held.cluster) != names {
                self.mark_holders(&held);
            }
        }
        self.state.dirty.clusters.extend(users);
        Ok(())
    }

    /// The host names of a cluster's endpoints, where routes hold them.
    fn held_names(&self, cluster: &str) -> Option<(ClusterUse, HostNames)> {
        let held = ClusterUse::named(cluster);
        let is_held = self.state.used.get(cluster)?.ways.contains_key(&held);
        is_held.then(|| (held, self.host_names(cluster)))
    }

    pub(super) fn remove(&mut self, kind: ResourceType, name: &str) {
        match kind {
            ResourceType::Listener => {
                let old = self.state.listeners.remove(name);
                self.drop_inline(name, &[]);
                self.unwant_routes(old.as_ref());
                self.state.dirty.listeners = true;
            }
            ResourceType::Cluster => {
                let old = self.state.clusters.remove(name);
                self.unwant_endpoints(name, old.as_ref(), None);
                self.mark_users(name);
                self.state.dirty.clusters.insert(name.to_owned());
            }
            ResourceType::RouteConfiguration | ResourceType::ClusterLoadAssignment => {}
        }
    }
}

fn named_routes(listener: &Listener) -> impl Iterator<Item = &str> {
    listener.chains.iter().filter_map(|chain| match &chain.routes {
        RouteSource::Named(name) => Some(name.as_str()),
        RouteSource::Inline(_) | RouteSource::Nowhere => None,
    })
}

/// The EDS service name of a cluster; its own name where it gives none.
fn service(name: &str, cluster: &Cluster) -> Option<String> {
    match &cluster.discovery {
        Discovery::Eds(service) if service.is_empty() => Some(name.to_owned()),
        Discovery::Eds(service) => Some(service.clone()),
        Discovery::Inline(_) => None,
    }
}
