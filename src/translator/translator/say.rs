//! What a translator says about itself on request.

use super::bind::said_of_open_port;
use super::state::{State, Summary, TypeSummary, count};
use crate::changes::Kind;
use crate::collection::{Collection, Entry};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::listener::ChainIndex;
use crate::options::Limits;
use crate::plan::TableKey;
use crate::report::{Place, Report};
use crate::resource_type::ResourceType;
use crate::table::Table;

impl State {
    pub(super) fn summary(&self) -> Summary {
        Summary {
            types: ResourceType::ALL.into_iter().map(|kind| self.type_summary(kind)).collect(),
            routes: count(self.store.target(Kind::Routes).count()),
            upstreams: count(self.store.target(Kind::Upstreams).count()),
            pending: count(self.store.pending_count()),
        }
    }

    fn type_summary(&self, kind: ResourceType) -> TypeSummary {
        let (resources, outstanding, refused) = match kind {
            ResourceType::Listener => sizes(&self.listeners),
            ResourceType::RouteConfiguration => sizes(&self.tables),
            ResourceType::Cluster => sizes(&self.clusters),
            ResourceType::ClusterLoadAssignment => sizes(&self.endpoints),
        };
        let version = self.heard.get(&kind).map(|heard| heard.version.clone()).unwrap_or_default();
        TypeSummary { type_url: kind.url().to_owned(), version, resources, outstanding, refused }
    }

    pub(super) fn diagnostics(&self, limits: &Limits) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = self.patterns.report(limits).diagnostics("").collect();
        self.listeners.entries().for_each(|(name, entry)| self.say_listener(name, entry, &mut all));
        self.tables.entries().for_each(|(name, entry)| say_table(name, entry, &mut all));
        for (name, entry) in self.clusters.entries() {
            say(ResourceType::Cluster, name, entry, &self.cluster_report(name), &mut all);
        }
        for (name, entry) in self.endpoints.entries() {
            say(ResourceType::ClusterLoadAssignment, name, entry, &entry.report, &mut all);
        }
        let refusal = |why: &String| Diagnostic::new(Code::ApplyRefused, String::new(), String::new(), why.clone());
        all.extend(self.abandoned.iter().map(refusal));
        all
    }

    fn say_listener<M>(&self, name: &str, entry: &Entry<M>, all: &mut Vec<Diagnostic>) {
        let mut report = entry.report.clone();
        if let Some((_, port)) = self.open.as_ref().filter(|(open, _)| open == name) {
            report.merge(&Place::ROOT, &said_of_open_port(*port));
        }
        let first = (name.into(), ChainIndex::new(0));
        for ((listener, chain), table) in
            self.inline.range(first..).take_while(|((listener, _), _)| **listener == *name)
        {
            let key = TableKey::Inline(listener.clone(), *chain);
            at_table(&key, |place| merge_table(place, table, &mut report));
        }
        say(ResourceType::Listener, name, entry, &report, all);
    }

    /// What is to be said about a cluster: nothing but that, where no route leads to it.
    pub(super) fn cluster_report(&self, name: &str) -> Report {
        let mut report = Report::default();
        let entry = self.clusters.entry(name);
        if let Some(used) = self.used.get(name).filter(|used| !used.ways.is_empty()) {
            let parts = entry.map(|entry| &entry.report).into_iter().chain([&used.report]);
            parts.for_each(|part| report.merge(&Place::ROOT, part));
        } else if entry.is_some_and(|entry| entry.model.is_some()) {
            report.add(Code::ClusterUnused, "", "no route leads to this cluster: it is not translated");
        }
        report
    }
}

fn say_table(name: &str, entry: &Entry<Table>, all: &mut Vec<Diagnostic>) {
    let mut report = entry.report.clone();
    if let Some(table) = &entry.model {
        merge_table(&Place::ROOT, table, &mut report);
    }
    say(ResourceType::RouteConfiguration, name, entry, &report, all);
}

fn sizes<M>(collection: &Collection<M>) -> (u32, u32, u32) {
    (count(collection.len()), count(collection.outstanding()), count(collection.refused()))
}

fn say<M>(kind: ResourceType, name: &str, entry: &Entry<M>, report: &Report, all: &mut Vec<Diagnostic>) {
    let label = kind.label(name);
    if let Some(why) = &entry.refused {
        all.push(Diagnostic::new(Code::ResourceInvalid, label.clone(), String::new(), why.clone()));
    }
    all.extend(report.diagnostics(&label));
}

fn merge_table(place: &Place<'_>, table: &Table, report: &mut Report) {
    report.merge(place, &table.shared.report);
    for (_, unit) in table.units() {
        let place = place.item("virtual_hosts", unit.index);
        report.merge(&place, &unit.report);
        report.merge(&place, &unit.planned.report);
    }
}

/// Says something where in its resource a table stands.
pub(super) fn at_table<T>(key: &TableKey, say: impl FnOnce(&Place<'_>) -> T) -> T {
    match key {
        TableKey::Named(_) => say(&Place::ROOT),
        TableKey::Inline(_, chain) => chain.at_routes(say),
    }
}

/// The resource that a table is, or is part of.
pub(super) fn label_of(key: &TableKey) -> String {
    match key {
        TableKey::Named(name) => ResourceType::RouteConfiguration.label(name),
        TableKey::Inline(listener, _) => ResourceType::Listener.label(listener),
    }
}
