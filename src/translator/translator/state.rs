//! Everything a translator remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::apisix::Writer;
use crate::collection::Collection;
use crate::model::cluster::Cluster;
use crate::model::endpoint::LoadAssignment;
use crate::model::listener::{ChainIndex, Listener};
use crate::plan::{ClusterUse, PatternCounts, Requests, TableKey};
use crate::report::Report;
use crate::resource_type::ResourceType;
use crate::store::Store;
use crate::table::Table;
use crate::vars::Expr;
use crate::verdict::Subscription;

/// Which of the two xDS protocol variants a message belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// State of the world: `envoy.service.discovery.v3.DiscoveryResponse`.
    #[default]
    Sotw,
    /// Incremental: `envoy.service.discovery.v3.DeltaDiscoveryResponse`.
    Delta,
}

/// What the transport knows about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The protocol variant.
    pub variant: Variant,
    /// More parts of the same state-of-the-world response follow.
    pub more: bool,
}

/// The state of one resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeSummary {
    /// The type URL.
    pub type_url: String,
    /// The last version that was ingested.
    pub version: String,
    /// Resources in force or refused.
    pub resources: u32,
    /// Wanted resources that have not arrived.
    pub outstanding: u32,
    /// Resources whose newest version was refused.
    pub refused: u32,
}

/// The state of a translator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// One entry a type.
    pub types: Vec<TypeSummary>,
    /// Routes that should be in APISIX.
    pub routes: u32,
    /// Upstreams that should be in APISIX.
    pub upstreams: u32,
    /// Upserts and deletes that are not committed.
    pub pending: u32,
}

/// What has been heard of one type.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) version: String,
    /// A complete response has arrived, or none will.
    pub(super) complete: bool,
}

/// A virtual host of a table; `None`: those that share the host-less router.
pub(super) type UnitKey = (TableKey, Option<Arc<str>>);

/// The use of a table: one part for all filter chains that treat requests alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Use(pub(super) Vec<UsePart>);

/// The use of a table by some filter chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsePart {
    /// Which requests it is for.
    pub(super) guard: Expr,
    /// What happens to them before they are matched.
    pub(super) requests: Requests,
}

/// How a cluster is used, and what was made of it.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// The units that lead to it, by the way in which they use it.
    pub(super) ways: BTreeMap<ClusterUse, BTreeSet<UnitKey>>,
    /// The ids of its upstreams, one a way.
    pub(super) upstreams: BTreeSet<String>,
    /// What is to be said about its endpoints.
    pub(super) report: Report,
}

impl Used {
    /// A unit uses it in this way. True where none has done so before.
    pub(super) fn add(&mut self, way: &ClusterUse, unit: &UnitKey) -> bool {
        if let Some(units) = self.ways.get_mut(way) {
            units.insert(unit.clone());
            return false;
        }
        self.ways.insert(way.clone(), BTreeSet::from([unit.clone()]));
        true
    }

    /// A unit does not use it in this way any more. True where it was the last one.
    pub(super) fn drop(&mut self, way: &ClusterUse, unit: &UnitKey) -> bool {
        let Some(units) = self.ways.get_mut(way) else { return false };
        units.remove(unit);
        let is_last = units.is_empty();
        if is_last {
            self.ways.remove(way);
        }
        is_last
    }

    /// The units that use it in any way.
    pub(super) fn units(&self) -> impl Iterator<Item = &UnitKey> {
        self.ways.values().flatten()
    }
}

/// What has to be planned anew.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) listeners: bool,
    pub(super) units: BTreeSet<UnitKey>,
    pub(super) clusters: BTreeSet<String>,
}

/// Everything a translator remembers.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) heard: BTreeMap<ResourceType, Heard>,
    pub(super) listeners: Collection<Listener>,
    pub(super) clusters: Collection<Cluster>,
    pub(super) endpoints: Collection<LoadAssignment>,
    pub(super) tables: Collection<Table>,
    /// Routes that stand in listeners.
    pub(super) inline: BTreeMap<(Arc<str>, ChainIndex), Table>,
    /// EDS service name to the clusters that use it.
    pub(super) services: BTreeMap<String, BTreeSet<String>>,
    /// Tables in use, with the requests they are for.
    pub(super) bound: BTreeMap<TableKey, Use>,
    /// The listener that answers on every port, and its own port.
    pub(super) open: Option<(String, u16)>,
    /// Routes of chains without a table, by listener and chain.
    pub(super) closed: BTreeSet<String>,
    /// Clusters that units lead to, be they there or not, and what was made of them. Empty name: any cluster.
    pub(super) used: BTreeMap<String, Used>,
    /// What APISIX has to compile.
    pub(super) patterns: PatternCounts,
    pub(super) dirty: Dirty,
    pub(super) store: Store,
    pub(super) writer: Writer,
    /// Why APISIX refused the last change set, until one is taken.
    pub(super) abandoned: Option<String>,
}

impl State {
    /// The table under a key.
    pub(super) fn table(&self, key: &TableKey) -> Option<&Table> {
        match key {
            TableKey::Named(name) => self.tables.get(name),
            TableKey::Inline(listener, chain) => self.inline.get(&(listener.clone(), *chain)),
        }
    }

    /// The table under a key, to be changed.
    pub(super) fn table_mut(&mut self, key: &TableKey) -> Option<&mut Table> {
        match key {
            TableKey::Named(name) => self.tables.get_mut(name),
            TableKey::Inline(listener, chain) => self.inline.get_mut(&(listener.clone(), *chain)),
        }
    }

    pub(super) fn expire(&mut self, kind: ResourceType, names: &[String]) {
        if names.is_empty() {
            self.heard.entry(kind).or_default().complete = true;
        }
        for name in names {
            match kind {
                ResourceType::RouteConfiguration => self.tables.expire(name),
                ResourceType::ClusterLoadAssignment => self.endpoints.expire(name),
                ResourceType::Listener | ResourceType::Cluster => {}
            }
        }
    }

    /// How many wanted resources, or whole types, have not arrived.
    pub(super) fn outstanding(&self) -> usize {
        let types = ResourceType::ALL.into_iter().filter(|kind| self.is_awaited(*kind)).count();
        types.saturating_add(self.tables.outstanding()).saturating_add(self.endpoints.outstanding())
    }

    fn is_awaited(&self, kind: ResourceType) -> bool {
        kind.is_whole() && !self.heard.get(&kind).is_some_and(|heard| heard.complete)
    }

    pub(super) fn outstanding_names(&self) -> Vec<(String, Vec<String>)> {
        let owned = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect::<Vec<_>>();
        let whole = ResourceType::ALL.into_iter().filter(|kind| self.is_awaited(*kind)).map(|kind| (kind, Vec::new()));
        let named = [
            (ResourceType::ClusterLoadAssignment, owned(&mut self.endpoints.outstanding_names())),
            (ResourceType::RouteConfiguration, owned(&mut self.tables.outstanding_names())),
        ];
        let named = named.into_iter().filter(|(_, names)| !names.is_empty());
        whole.chain(named).map(|(kind, names)| (kind.url().to_owned(), names)).collect()
    }

    pub(super) fn subscriptions(&mut self) -> Vec<Subscription> {
        let endpoints = self.endpoints.subscription(ResourceType::ClusterLoadAssignment.url());
        let routes = self.tables.subscription(ResourceType::RouteConfiguration.url());
        endpoints.into_iter().chain(routes).collect()
    }
}

/// A count for people.
pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
