//! `lb_subset_config`, and the policy `Subset`: which endpoints a request may reach, by their metadata.

use std::collections::BTreeSet;

use amesh_xds::wire::envoy::config::cluster::v3::cluster::LbSubsetConfig;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::lb_subset_config::lb_subset_selector::LbSubsetSelectorFallbackPolicy;
use amesh_xds::wire::envoy::config::cluster::v3::cluster::lb_subset_config::{
    LbSubsetFallbackPolicy, LbSubsetMetadataFallbackPolicy,
};
use amesh_xds::wire::envoy::extensions::load_balancing_policies::subset::v3 as wire;

use super::ClusterError;
use crate::model::labels::{Labels, labels};
use crate::model::rules::defined;

/// How the endpoints of a cluster are divided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "Envoy has as many switches")]
pub(crate) struct Subsets {
    /// `subset_selectors` that have keys, in the order in which they are looked at.
    pub(crate) selectors: Vec<Selector>,
    /// `fallback_policy`: for requests that no subset is for.
    pub(crate) fallback: Fallback,
    /// `default_subset`.
    pub(crate) default: Labels,
    /// `locality_weight_aware`.
    pub(crate) weighs_localities: bool,
    /// `scale_locality_weight`.
    pub(crate) scales_localities: bool,
    /// `panic_mode_any`: all endpoints where those that requests fall back to are of no use.
    pub(crate) falls_back_to_any: bool,
    /// `list_as_any`: an endpoint's list stands for each of its items.
    pub(crate) list_as_any: bool,
    /// `allow_redundant_keys`: a route may name keys that the selector has not.
    pub(crate) allows_redundant_keys: bool,
    /// `metadata_fallback_policy` is `FALLBACK_LIST`: routes may list what to try in turn.
    pub(crate) tries_list: bool,
}

/// One of `subset_selectors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    /// `keys`; at least one.
    pub(crate) keys: BTreeSet<String>,
    /// `fallback_policy`; `None`: as the cluster says.
    pub(crate) fallback: Option<Fallback>,
    /// `single_host_per_subset`.
    pub(crate) single: bool,
}

/// What is done where there is no such subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// The request has no endpoint.
    Nothing,
    /// All endpoints.
    Any,
    /// Those of the default subset.
    Default,
    /// Once more with these keys alone.
    Keys(BTreeSet<String>),
}

/// `Cluster.lb_subset_config`; `None` where there is no selector, and so no subset.
pub(super) fn of_cluster(config: LbSubsetConfig) -> Result<Option<Box<Subsets>>, ClusterError> {
    defined::<LbSubsetFallbackPolicy>(config.fallback_policy, "lb_subset_config.fallback_policy")?;
    let metadata = config.metadata_fallback_policy;
    defined::<LbSubsetMetadataFallbackPolicy>(metadata, "lb_subset_config.metadata_fallback_policy")?;
    let mut subset_selectors = Vec::with_capacity(config.subset_selectors.len());
    for (index, selector) in config.subset_selectors.into_iter().enumerate() {
        let place = format_args!("lb_subset_config.subset_selectors[{index}].fallback_policy").to_string();
        defined::<LbSubsetSelectorFallbackPolicy>(selector.fallback_policy, place)?;
        subset_selectors.push(wire::subset::LbSubsetSelector {
            keys: selector.keys,
            single_host_per_subset: selector.single_host_per_subset,
            fallback_policy: selector.fallback_policy,
            fallback_keys_subset: selector.fallback_keys_subset,
        });
    }
    if subset_selectors.is_empty() {
        return Ok(None);
    }
    // The enums have the same numbers.
    let config = wire::Subset {
        fallback_policy: config.fallback_policy,
        default_subset: config.default_subset,
        subset_selectors,
        allow_redundant_keys: false,
        locality_weight_aware: config.locality_weight_aware,
        scale_locality_weight: config.scale_locality_weight,
        panic_mode_any: config.panic_mode_any,
        list_as_any: config.list_as_any,
        metadata_fallback_policy: config.metadata_fallback_policy,
        subset_lb_policy: None,
    };
    Ok(Some(Box::new(subsets(config)?)))
}

/// The policy `Subset`. Envoy takes numbers that its enums do not have; they mean here what they do there.
pub(super) fn subsets(config: wire::Subset) -> Result<Subsets, ClusterError> {
    let mut selectors = Vec::with_capacity(config.subset_selectors.len());
    for (index, selector) in config.subset_selectors.into_iter().enumerate() {
        selectors.extend(self::selector(selector, index)?);
    }
    if config.allow_redundant_keys {
        // Those with most keys are looked at first.
        selectors.sort_by_key(|selector| std::cmp::Reverse(selector.keys.len()));
    }
    Ok(Subsets {
        selectors,
        fallback: match LbSubsetFallbackPolicy::try_from(config.fallback_policy) {
            Ok(LbSubsetFallbackPolicy::NoFallback) => Fallback::Nothing,
            Ok(LbSubsetFallbackPolicy::AnyEndpoint) => Fallback::Any,
            Ok(LbSubsetFallbackPolicy::DefaultSubset) | Err(_) => Fallback::Default,
        },
        default: config.default_subset.as_ref().map(labels).unwrap_or_default(),
        weighs_localities: config.locality_weight_aware,
        scales_localities: config.scale_locality_weight,
        falls_back_to_any: config.panic_mode_any,
        list_as_any: config.list_as_any,
        allows_redundant_keys: config.allow_redundant_keys,
        tries_list: config.metadata_fallback_policy == i32::from(LbSubsetMetadataFallbackPolicy::FallbackList),
    })
}

/// One selector; `None` where it has no keys, which selects nothing.
fn selector(selector: wire::subset::LbSubsetSelector, index: usize) -> Result<Option<Selector>, ClusterError> {
    if selector.keys.is_empty() {
        return Ok(None);
    }
    let keys: BTreeSet<String> = selector.keys.into_iter().collect();
    let fallback_keys: BTreeSet<String> = selector.fallback_keys_subset.into_iter().collect();
    let refused = |why| Err(ClusterError::FallbackKeys(index, why));
    let fallback = LbSubsetSelectorFallbackPolicy::try_from(selector.fallback_policy);
    if fallback != Ok(LbSubsetSelectorFallbackPolicy::KeysSubset) && !fallback_keys.is_empty() {
        return refused("is set, and fallback_policy is not KEYS_SUBSET");
    }
    let fallback = match fallback {
        Ok(LbSubsetSelectorFallbackPolicy::NotDefined) => None,
        Ok(LbSubsetSelectorFallbackPolicy::AnyEndpoint) => Some(Fallback::Any),
        Ok(LbSubsetSelectorFallbackPolicy::DefaultSubset) => Some(Fallback::Default),
        Ok(LbSubsetSelectorFallbackPolicy::NoFallback) | Err(_) => Some(Fallback::Nothing),
        Ok(LbSubsetSelectorFallbackPolicy::KeysSubset) if fallback_keys.is_empty() => return refused("is empty"),
        Ok(LbSubsetSelectorFallbackPolicy::KeysSubset) if !fallback_keys.is_subset(&keys) => {
            return refused("has a key that is none of keys");
        }
        Ok(LbSubsetSelectorFallbackPolicy::KeysSubset) if fallback_keys == keys => return refused("has all of keys"),
        Ok(LbSubsetSelectorFallbackPolicy::KeysSubset) => Some(Fallback::Keys(fallback_keys)),
    };
    Ok(Some(Selector { keys, fallback, single: selector.single_host_per_subset }))
}
