//! Which endpoints of a cluster with subsets a request may reach, given the metadata that its route asks for.
//!
//! As Envoy's subset load balancer does, but once, when something changes: first the subset that has just these keys and
//! values, then what the selector with these keys falls back to, then what the cluster falls back to. Where endpoints
//! are not known here, nothing is fallen back to: another subset than Envoy's would be used.

use std::collections::{BTreeMap, BTreeSet};

use super::upstream::nodes_of;
use crate::apisix::Node;
use crate::diagnostic::Code;
use crate::model::cluster::{Cluster, Fallback, Socket, Subsets};
use crate::model::endpoint::{Endpoint, LoadAssignment, Locality};
use crate::model::labels::{Label, Labels};
use crate::report::Report;

/// The route's list of what to try in turn.
const FALLBACK_LIST: &str = "fallback_list";
const INCOMPLETE: &str = "endpoints of the subset may be among those that are left out: its requests are answered 503";

/// Endpoints of a cluster.
pub(super) enum Chosen<'a> {
    /// All.
    All,
    /// Those of the default subset.
    Default(&'a Subsets),
    /// Those that have these labels, of a selector's keys.
    Subset(&'a Subsets, &'a Labels),
}

impl Chosen<'_> {
    /// True for an endpoint that is one of them.
    pub(super) fn holds(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::All => true,
            Self::Default(subsets) => has_default(subsets, endpoint),
            Self::Subset(subsets, labels) => selects(subsets, endpoint, labels).is_some(),
        }
    }

    /// The weight of a locality of which so many endpoints are chosen.
    pub(super) fn weight(&self, locality: &Locality, chosen: usize) -> u32 {
        match self {
            Self::Default(subsets) | Self::Subset(subsets, _) if subsets.scales_localities => {
                scaled(locality.weight, chosen, locality.endpoints.len())
            }
            _ => locality.weight,
        }
    }
}

/// `weight * part / whole`, rounded; 0 of none.
fn scaled(weight: u32, part: usize, whole: usize) -> u32 {
    let (part, whole) = (u64::try_from(part).unwrap_or(u64::MAX), u64::try_from(whole).unwrap_or(u64::MAX));
    let twice = u64::from(weight).saturating_mul(part).saturating_mul(2).saturating_add(whole);
    u32::try_from(twice.checked_div(whole.saturating_mul(2)).unwrap_or_default()).unwrap_or(u32::MAX)
}

fn labels(endpoint: &Endpoint) -> Option<&Labels> {
    endpoint.metadata.as_ref().map(|metadata| &metadata.load_balancing)
}

fn has_default(subsets: &Subsets, endpoint: &Endpoint) -> bool {
    let has = |(key, wanted): (&String, &Label)| match labels(endpoint).and_then(|labels| labels.get(key)) {
        Some(Label::List(values)) if subsets.list_as_any => values.contains(wanted),
        value => value == Some(wanted),
    };
    subsets.default.iter().all(has)
}

/// Whether a selector puts the endpoint into the subset with these labels, and whether that has one endpoint only.
fn selects(subsets: &Subsets, endpoint: &Endpoint, wanted: &Labels) -> Option<bool> {
    let own = labels(endpoint)?;
    let selector = subsets.selectors.iter().find(|selector| match places(&selector.keys, own, subsets.list_as_any) {
        Places::One(labels) => labels.iter().copied().eq(wanted),
        Places::Many(places) => places.iter().any(|labels| labels.iter().copied().eq(wanted)),
    });
    selector.map(|selector| selector.single)
}

/// Keys and values, in the order of the keys.
type Place<'a> = Vec<(&'a String, &'a Label)>;

/// The subsets that a selector puts an endpoint into.
enum Places<'a> {
    One(Place<'a>),
    Many(Vec<Place<'a>>),
}

/// An endpoint that lacks a key is in none. With `list_as_any` it is in one for each item of a list; an empty list
/// forgets, as in Envoy, the keys before it.
fn places<'a>(keys: &'a BTreeSet<String>, own: &'a Labels, list_as_any: bool) -> Places<'a> {
    let Some(values) = keys.iter().map(|key| Some((key, own.get(key)?))).collect::<Option<Place<'_>>>() else {
        return Places::Many(Vec::new());
    };
    if !list_as_any || !values.iter().any(|(_, value)| matches!(value, Label::List(_))) {
        return Places::One(values);
    }
    let mut places: Vec<Place<'_>> = Vec::new();
    for (key, value) in values {
        let items = match value {
            Label::List(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        if places.is_empty() {
            places.push(Vec::new());
        }
        let with = |place: &Place<'a>| {
            let place = place.clone();
            items.iter().map(move |item| place.iter().copied().chain([(key, item)]).collect())
        };
        places = places.iter().flat_map(with).collect();
    }
    Places::Many(places)
}

/// The nodes for a route that asks for the labels `wanted`.
pub(super) fn nodes<'a>(
    cluster: &Cluster,
    subsets: &Subsets,
    assignment: &'a LoadAssignment,
    wanted: &Labels,
    report: &mut Report,
) -> Vec<Node<'a>> {
    let mut choice = Choice { cluster, subsets, assignment, report };
    let list = wanted.get(FALLBACK_LIST).filter(|_| subsets.tries_list);
    let Some(list) = list else { return choice.nodes(wanted.clone()) };
    let mut rest = wanted.clone();
    rest.remove(FALLBACK_LIST);
    let tries = match list {
        Label::List(tries) if !tries.is_empty() => tries.as_slice(),
        _ => return choice.nodes(rest),
    };
    let with = |tried: &Label| match tried {
        Label::Members(members) => {
            rest.iter().chain(members).map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        _ => rest.clone(),
    };
    tries.iter().map(|tried| choice.nodes(with(tried))).find(|nodes| !nodes.is_empty()).unwrap_or_default()
}

/// What is to be chosen from.
struct Choice<'a, 'c> {
    cluster: &'c Cluster,
    subsets: &'c Subsets,
    assignment: &'a LoadAssignment,
    report: &'c mut Report,
}

impl<'a> Choice<'a, '_> {
    fn nodes(&mut self, wanted: Labels) -> Vec<Node<'a>> {
        let subsets = self.subsets;
        let mut wanted = self.without_redundant(wanted);
        loop {
            if let Some(nodes) = self.subset(&wanted) {
                return nodes;
            }
            if self.assignment.incomplete {
                self.report.add(Code::EndpointDropped, "endpoints", INCOMPLETE);
                return Vec::new();
            }
            match selector_fallback(subsets, &wanted) {
                Some(Fallback::Keys(keys)) => {
                    wanted.retain(|key, _| keys.contains(key));
                    wanted = self.without_redundant(wanted);
                }
                Some(fallback) => return self.fallen_back(fallback),
                None => break,
            }
        }
        let nodes = self.fallen_back(&subsets.fallback);
        if nodes.is_empty() && subsets.falls_back_to_any && subsets.fallback != Fallback::Nothing {
            return self.fallen_back(&Fallback::Any);
        }
        nodes
    }

    /// The labels that the first selector has keys for, where a route may name others besides.
    fn without_redundant(&self, mut wanted: Labels) -> Labels {
        let mut selectors = self.subsets.selectors.iter().filter(|_| self.subsets.allows_redundant_keys);
        if let Some(selector) = selectors.find(|selector| selector.keys.iter().all(|key| wanted.contains_key(key))) {
            wanted.retain(|key, _| selector.keys.contains(key));
        }
        wanted
    }

    /// The nodes of the subset; `None`: there is no such subset.
    fn subset(&mut self, wanted: &Labels) -> Option<Vec<Node<'a>>> {
        if wanted.is_empty() {
            return None;
        }
        let mut localities: Vec<&Locality> = self.assignment.localities.iter().collect();
        localities.sort_by_key(|locality| locality.priority);
        let endpoints = localities.into_iter().flat_map(|locality| &locality.endpoints);
        let mut own = endpoints.filter_map(|endpoint| Some((endpoint, selects(self.subsets, endpoint, wanted)?)));
        let (first, is_single) = own.next()?;
        if is_single {
            return Some(self.single(first).into_iter().collect());
        }
        Some(nodes_of(self.cluster, self.assignment, &Chosen::Subset(self.subsets, wanted), self.report))
    }

    /// The only endpoint of its subset; as in Envoy its health does not count.
    fn single(&mut self, endpoint: &'a Endpoint) -> Option<Node<'a>> {
        if self.cluster.sockets.of(endpoint) == Socket::Tls {
            self.report.add(Code::EndpointDropped, "endpoints", "endpoints that are reached with TLS are left out");
            return None;
        }
        Some(Node { host: &endpoint.host, port: endpoint.port, weight: 1, priority: 0 })
    }

    fn fallen_back(&mut self, fallback: &Fallback) -> Vec<Node<'a>> {
        let chosen = match fallback {
            Fallback::Nothing | Fallback::Keys(_) => return Vec::new(),
            Fallback::Any => Chosen::All,
            Fallback::Default => Chosen::Default(self.subsets),
        };
        nodes_of(self.cluster, self.assignment, &chosen, self.report)
    }
}

/// What the selector with just these keys falls back to. As in Envoy it has no say where an earlier selector has all of
/// its keys and further ones behind them.
fn selector_fallback<'s>(subsets: &'s Subsets, wanted: &Labels) -> Option<&'s Fallback> {
    let mut known: BTreeMap<Vec<&String>, Option<&Fallback>> = BTreeMap::new();
    for selector in &subsets.selectors {
        let keys: Vec<&String> = selector.keys.iter().collect();
        for length in 1..=keys.len() {
            let fallback = selector.fallback.as_ref().filter(|_| length == keys.len());
            known.entry(keys.iter().take(length).copied().collect()).or_insert(fallback);
        }
    }
    known.get(&wanted.keys().collect::<Vec<_>>()).copied().flatten()
}
