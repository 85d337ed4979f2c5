//! Which tables are in use, and for which requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Translator;
use super::state::{UnitKey, Use, UsePart};
use crate::changes::Kind;
use crate::diagnostic::Code;
use crate::model::listener::Listener;
use crate::names;
use crate::plan::{Binding, ClusterUse, Requests, TableKey, bindings, closed_route};
use crate::report::Report;
use crate::resource_type::ResourceType;
use crate::round::Round;
use crate::table::{Planned, Table};
use crate::vars::Expr;

/// The status for all requests of a filter chain whose routes never arrived, as in Envoy.
const NO_ROUTES: u16 = 404;
/// The status for all requests of a filter chain that cannot be translated safely.
const DENIED: u16 = 503;

/// What is to be said about a listener that answers on every port.
pub(super) fn said_of_open_port(port: u16) -> Report {
    let mut report = Report::default();
    let why =
        format!("requests on every port that APISIX listens on reach this listener, not only those on port {port}");
    report.add_with_hint(Code::ListenerOnEveryPort, "address", why, "say in listen_ports on which ports clients come");
    report
}

impl Use {
    /// One more filter chain uses the table.
    fn add(&mut self, guard: Expr, requests: Requests) {
        match self.0.iter_mut().find(|part| part.requests == requests) {
            Some(part) => part.guard = Expr::any([std::mem::take(&mut part.guard), guard]),
            None => self.0.push(UsePart { guard, requests }),
        }
    }

    fn everywhere() -> Self {
        Self(vec![UsePart { guard: Expr::True, requests: Requests::DEFAULT }])
    }
}

impl Translator {
    /// Works out the use of every table anew after listeners changed. Their number is small beside that of routes.
    pub(super) fn bind(&mut self, round: &mut Round) {
        let listeners: BTreeMap<&str, &Listener> = self.state.listeners.models().collect();
        let mut bound: BTreeMap<TableKey, Use> = BTreeMap::new();
        let mut closed = Vec::new();
        let bindings = bindings(&listeners, self.options.listen_ports.is_some());
        let open = bindings.iter().find_map(|binding| Some((binding.chain.0.clone(), binding.open_port?)));
        for binding in bindings {
            match binding.table.clone().filter(|key| self.state.table(key).is_some()) {
                Some(key) => bound.entry(key).or_default().add(binding.guard, binding.requests),
                None => closed.push(binding),
            }
        }
        if self.options.unbound_routes {
            let unbound = self.state.tables.models().map(|(name, _)| TableKey::Named(name.into()));
            for key in unbound {
                bound.entry(key).or_insert_with(Use::everywhere);
            }
        }
        if let Some((listener, port)) = &open {
            round.about(ResourceType::Listener, listener, &said_of_open_port(*port));
        }
        self.state.open = open;
        self.close(&closed);
        self.rebind(bound);
    }

    /// One route each for the filter chains without a table: it answers all of their requests.
    fn close(&mut self, closed: &[Binding]) {
        let mut ids = BTreeSet::new();
        for binding in closed {
            let (listener, chain) = &binding.chain;
            let id = names::id(&self.options.instance, "listener", &["listener", listener, &chain.to_string()]);
            let status = if binding.table.is_some() { NO_ROUTES } else { DENIED };
            if let Some(json) =
                closed_route(&self.state.writer, &id, listener, &self.options.instance, &binding.guard, status)
            {
                self.state.store.put(Kind::Routes, &id, json);
            }
            ids.insert(id);
        }
        for id in std::mem::replace(&mut self.state.closed, ids.clone()) {
            if !ids.contains(&id) {
                self.state.store.remove(Kind::Routes, &id);
            }
        }
    }

    fn rebind(&mut self, bound: BTreeMap<TableKey, Use>) {
        let old = std::mem::replace(&mut self.state.bound, bound);
        for key in old.keys().filter(|key| !self.state.bound.contains_key(*key)).cloned().collect::<Vec<_>>() {
            self.unplan_table(&key);
        }
        let changed = self.state.bound.iter().filter(|(key, guard)| old.get(*key) != Some(*guard));
        for key in changed.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            let units: Vec<UnitKey> = self
                .state
                .table(&key)
                .map(|table| table.units().map(|(unit, _)| (key.clone(), Some(unit.clone()))).collect())
                .unwrap_or_default();
            self.state.dirty.units.extend(units);
            self.state.dirty.units.insert((key, None));
        }
    }

    /// Takes back what was made of a table that is kept.
    fn unplan_table(&mut self, key: &TableKey) {
        let Some(table) = self.state.table_mut(key) else { return };
        let planned = table.take_planned();
        for (unit, planned) in planned {
            self.unplan(key, &planned, unit.as_ref());
        }
    }

    /// Takes back what was made of a table that is gone.
    pub(super) fn forget(&mut self, key: &TableKey, table: &Table) {
        self.unplan(key, &table.shared, None);
        for (name, unit) in table.units() {
            self.unplan(key, &unit.planned, Some(name));
        }
        self.state.bound.remove(key);
    }

    /// Takes back what was made of a virtual host.
    pub(super) fn unplan(&mut self, key: &TableKey, planned: &Planned, unit: Option<&Arc<str>>) {
        for id in &planned.routes {
            self.state.store.remove(Kind::Routes, id);
        }
        self.state.patterns.remove(&planned.patterns);
        let user = (key.clone(), unit.cloned());
        for cluster in &planned.clusters {
            self.drop_user(cluster, &user);
        }
        self.state.dirty.units.remove(&user);
    }

    /// A virtual host does not lead to a cluster any more.
    pub(super) fn drop_user(&mut self, lead: &ClusterUse, user: &UnitKey) {
        let Some(cluster) = self.state.used.get_mut(&lead.cluster) else { return };
        if cluster.drop(lead, user) {
            self.state.dirty.clusters.insert(lead.cluster.clone());
        }
    }
}
