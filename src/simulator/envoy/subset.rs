//! `envoy.config.cluster.v3.Cluster.LbSubsetConfig` and the load balancing policy `Subset`: the hosts that the metadata of
//! a route leaves to choose from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::cluster::Host;
use super::decision::Endpoints;
use super::object::{Object, Read};

/// Keys and values below `envoy.lb`.
pub(super) type Criteria = BTreeMap<String, Json>;

/// How the hosts of a cluster are divided.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "Envoy has as many switches")]
pub(super) struct Subsets {
    selectors: Vec<Selector>,
    fallback: &'static str,
    default: Criteria,
    pub(super) weighs_localities: bool,
    pub(super) scales_localities: bool,
    panic_mode_any: bool,
    list_as_any: bool,
    allow_redundant_keys: bool,
    fallback_list: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Selector {
    keys: BTreeSet<String>,
    fallback: &'static str,
    fallback_keys: BTreeSet<String>,
    single: bool,
}

/// Hosts of which one is chosen, and whether the first of them always is.
type Members<'h> = (bool, Vec<&'h Host>);

/// What becomes of a choice of hosts; `None`: there is none to choose.
type Weigh<'w, 'h> = &'w dyn Fn(&Members<'h>) -> Option<Endpoints>;

const POLICIES: [&str; 3] = ["NO_FALLBACK", "ANY_ENDPOINT", "DEFAULT_SUBSET"];
const SELECTOR_POLICIES: [&str; 5] = ["NOT_DEFINED", "NO_FALLBACK", "ANY_ENDPOINT", "DEFAULT_SUBSET", "KEYS_SUBSET"];

/// `filter_metadata["envoy.lb"]` of the metadata in a field.
pub(super) fn criteria(owner: &Object, field: &str) -> Criteria {
    let metadata = owner.get(field).and_then(|metadata| metadata.get("filter_metadata"));
    members(metadata.and_then(|filters| filters.get("envoy.lb")))
}

fn members(value: Option<&Json>) -> Criteria {
    let fields = value.and_then(Json::as_object).map(Map::iter);
    fields.into_iter().flatten().map(|(key, value)| (key.clone(), number_alike(value))).collect()
}

/// The same with all numbers in one form.
fn number_alike(value: &Json) -> Json {
    match value {
        Json::Number(number) => number.as_f64().map_or_else(|| value.clone(), Json::from),
        Json::Array(items) => items.iter().map(number_alike).collect(),
        Json::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), number_alike(value))).collect(),
        other => other.clone(),
    }
}

impl Subsets {
    /// `lb_subset_config`; one without selectors is none.
    pub(super) fn of_cluster(cluster: &Object) -> Read<Option<Self>> {
        let Some(config) = cluster.object("lb_subset_config")? else { return Ok(None) };
        let has_selectors = config.get("subset_selectors").and_then(Json::as_array).is_some_and(|all| !all.is_empty());
        Ok(Some(Self::read(&config)?).filter(|_| has_selectors))
    }

    pub(super) fn read(config: &Object) -> Read<Self> {
        let mut selectors = config.objects("subset_selectors")?.iter().map(Selector::read).collect::<Read<Vec<_>>>()?;
        selectors.retain(|selector| !selector.keys.is_empty());
        let allow_redundant_keys = config.flag("allow_redundant_keys")?;
        if allow_redundant_keys {
            selectors.sort_by_key(|selector| usize::MAX.saturating_sub(selector.keys.len()));
        }
        Ok(Self {
            selectors,
            fallback: config.choice("fallback_policy", &POLICIES)?,
            default: members(config.get("default_subset")),
            weighs_localities: config.flag("locality_weight_aware")?,
            scales_localities: config.flag("scale_locality_weight")?,
            panic_mode_any: config.flag("panic_mode_any")?,
            list_as_any: config.flag("list_as_any")?,
            allow_redundant_keys,
            fallback_list: config.choice("metadata_fallback_policy", &["METADATA_NO_FALLBACK", "FALLBACK_LIST"])?
                == "FALLBACK_LIST",
        })
    }

    /// What is left of `hosts`, which come in the order of their priorities.
    pub(super) fn choose<'h>(&self, hosts: &[&'h Host], wanted: &Criteria, weigh: Weigh<'_, 'h>) -> Option<Endpoints> {
        let chooser = Chooser { subsets: self, hosts, entries: self.entries(hosts), weigh };
        let Some(list) = wanted.get("fallback_list").filter(|_| self.fallback_list) else {
            return chooser.choose(wanted.clone());
        };
        let mut rest = wanted.clone();
        rest.remove("fallback_list");
        match list.as_array() {
            Some(list) if !list.is_empty() => list.iter().find_map(|other| {
                let mut wanted = rest.clone();
                wanted.extend(members(Some(other)));
                chooser.choose(wanted)
            }),
            _ => chooser.choose(rest),
        }
    }

    /// All subsets, by their keys and values.
    fn entries<'h>(&self, hosts: &[&'h Host]) -> BTreeMap<String, Members<'h>> {
        let mut entries: BTreeMap<String, Members<'h>> = BTreeMap::new();
        for host in hosts {
            for selector in &self.selectors {
                for subset in self.subsets_of(selector, &host.labels) {
                    let (_, members) = entries.entry(name(&subset)).or_insert((selector.single, Vec::new()));
                    if !members.contains(host) {
                        members.push(host);
                    }
                }
            }
        }
        entries
    }

    /// The subsets that a selector puts a host into.
    fn subsets_of(&self, selector: &Selector, labels: &Criteria) -> Vec<Criteria> {
        if selector.keys.iter().any(|key| !labels.contains_key(key)) {
            return Vec::new();
        }
        let mut all: Vec<Criteria> = Vec::new();
        for (key, value) in labels.iter().filter(|(key, _)| selector.keys.contains(*key)) {
            let values = match value {
                Json::Array(items) if self.list_as_any => items.clone(),
                other => vec![other.clone()],
            };
            let before = if all.is_empty() { vec![Criteria::new()] } else { all };
            let with = |value: &Json| {
                let mut subsets = before.clone();
                for subset in &mut subsets {
                    subset.insert(key.clone(), value.clone());
                }
                subsets
            };
            all = values.iter().flat_map(with).collect();
        }
        all
    }

    fn is_default(&self, host: &Host) -> bool {
        self.default.iter().all(|(key, wanted)| match host.labels.get(key) {
            Some(Json::Array(items)) if self.list_as_any => items.contains(wanted),
            value => value == Some(wanted),
        })
    }

    /// The policy of the selector with these keys, unless an earlier one begins with them.
    fn selector(&self, keys: &BTreeSet<String>) -> Option<&Selector> {
        let begins = |selector: &&Selector| selector.keys.iter().take(keys.len()).eq(keys);
        self.selectors.iter().find(begins).filter(|selector| selector.keys.len() == keys.len())
    }
}

/// A name that only these keys and values have.
fn name(subset: &Criteria) -> String {
    subset.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Json>().to_string()
}

impl Selector {
    fn read(selector: &Object) -> Read<Self> {
        let set =
            |name: &str| -> Read<BTreeSet<String>> { Ok(selector.texts(name)?.into_iter().map(Into::into).collect()) };
        let (keys, fallback_keys) = (set("keys")?, set("fallback_keys_subset")?);
        let fallback = selector.choice("fallback_policy", &SELECTOR_POLICIES)?;
        let why = match fallback {
            "KEYS_SUBSET" if fallback_keys.is_empty() => Some("cannot be empty"),
            "KEYS_SUBSET" if !fallback_keys.is_subset(&keys) => Some("must be a subset of selector keys"),
            "KEYS_SUBSET" if fallback_keys == keys => Some("cannot be equal to keys"),
            "KEYS_SUBSET" => None,
            _ if fallback_keys.is_empty() => None,
            _ => Some("can be set only for KEYS_SUBSET fallback_policy"),
        };
        if let (Some(why), false) = (why, keys.is_empty()) {
            return Err(selector.refuse("fallback_keys_subset", why));
        }
        Ok(Self { keys, fallback, fallback_keys, single: selector.flag("single_host_per_subset")? })
    }
}

/// The hosts of one cluster and all of its subsets.
struct Chooser<'c, 'h> {
    subsets: &'c Subsets,
    hosts: &'c [&'h Host],
    entries: BTreeMap<String, Members<'h>>,
    weigh: Weigh<'c, 'h>,
}

impl Chooser<'_, '_> {
    fn choose(&self, mut wanted: Criteria) -> Option<Endpoints> {
        if self.subsets.allow_redundant_keys {
            let has_all = |selector: &&Selector| selector.keys.iter().all(|key| wanted.contains_key(key));
            if let Some(selector) = self.subsets.selectors.iter().find(has_all) {
                wanted.retain(|key, _| selector.keys.contains(key));
            }
        }
        if let Some(members) = self.entries.get(&name(&wanted)) {
            return (self.weigh)(members);
        }
        let keys: BTreeSet<String> = wanted.keys().cloned().collect();
        let selector = self.subsets.selector(&keys).filter(|_| !keys.is_empty());
        match selector.map(|selector| (selector.fallback, selector)) {
            None | Some(("NOT_DEFINED", _)) => self.fall_back(),
            Some(("KEYS_SUBSET", selector)) => {
                wanted.retain(|key, _| selector.fallback_keys.contains(key));
                self.choose(wanted)
            }
            Some((policy, _)) => self.by_policy(policy),
        }
    }

    fn by_policy(&self, policy: &str) -> Option<Endpoints> {
        let members: Vec<&Host> = match policy {
            "ANY_ENDPOINT" => self.hosts.to_vec(),
            "DEFAULT_SUBSET" => self.hosts.iter().copied().filter(|host| self.subsets.is_default(host)).collect(),
            _ => return None,
        };
        (self.weigh)(&(false, members))
    }

    fn fall_back(&self) -> Option<Endpoints> {
        let panic = self.subsets.panic_mode_any && self.subsets.fallback != "NO_FALLBACK";
        let any = || if panic { self.by_policy("ANY_ENDPOINT") } else { None };
        self.by_policy(self.subsets.fallback).or_else(any)
    }
}
