//! How a cluster spreads its requests over the hosts of one priority.

use std::collections::BTreeMap;

use super::cluster::Host;
use super::object::{Object, Read};
use super::subset::Subsets;

/// What decides on the share of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spread {
    /// Its weight.
    ByHost,
    /// First the weight of its locality, then its own.
    ByLocality,
    /// Something else.
    NotModelled(String),
}

const FOLLOWED_POLICIES: [&str; 3] = ["least_request.v3.LeastRequest", "round_robin.v3.RoundRobin", "random.v3.Random"];
const LOCALITIES: &str = "locality_weighted_lb_config";

impl Spread {
    /// Reads a cluster's. `load_balancing_policy` is in place of what `common_lb_config` says.
    pub(super) fn read(cluster: &Object) -> Read<(Self, Option<Subsets>)> {
        let policy = cluster.object("load_balancing_policy")?;
        let common = cluster.object("common_lb_config")?;
        if let (Some(_), Some(common)) = (&policy, &common) {
            common.ignore_all();
        }
        let (spread, subsets) = match (policy, common) {
            (Some(policy), _) => Self::of_policy(&policy)?,
            (None, Some(common)) => {
                // Of the cluster, where it has hosts that are not healthy.
                common.ignore(&["close_connections_on_host_set_change", "healthy_panic_threshold"]);
                (Self::of_localities(&common)?, Subsets::of_cluster(cluster)?)
            }
            (None, None) => (Self::ByHost, Subsets::of_cluster(cluster)?),
        };
        Ok((spread, subsets))
    }

    fn of_policy(policy: &Object) -> Read<(Self, Option<Subsets>)> {
        let unknown = || Ok((Self::NotModelled("load_balancing_policy".into()), None));
        policy.ignore_all();
        let policies = policy.objects("policies")?;
        let Some(extension) =
            policies.first().map(|first| first.object("typed_extension_config")).transpose()?.flatten()
        else {
            return unknown();
        };
        let Some(config) = extension.object("typed_config")? else { return unknown() };
        let name = config.text("@type")?;
        if name.ends_with("subset.v3.Subset") {
            let subsets = Subsets::read(&config)?;
            let Some(inner) = config.object("subset_lb_policy")? else { return unknown() };
            let (spread, inner) = Self::of_policy(&inner)?;
            return if inner.is_none() { Ok((spread, Some(subsets))) } else { unknown() };
        }
        if !FOLLOWED_POLICIES.iter().any(|followed| name.ends_with(followed)) {
            config.ignore_all();
            return unknown();
        }
        config.ignore(&["choice_count"]);
        let localities = config.object("locality_lb_config")?;
        let spread = localities.map_or(Ok(Self::ByHost), |localities| Self::of_localities(&localities))?;
        Ok((config.unread().map_or(spread, Self::NotModelled), None))
    }

    fn of_localities(config: &Object) -> Read<Self> {
        let by_locality = config.object(LOCALITIES)?.is_some();
        let spread = if by_locality { Self::ByLocality } else { Self::ByHost };
        Ok(config.unread().map_or(spread, Self::NotModelled))
    }

    /// The share of each host; 0 for hosts of a locality without a weight, unless none has one.
    pub(super) fn shares(&self, hosts: &[&Host]) -> Vec<f64> {
        let mut localities: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for host in hosts {
            let (of_locality, of_hosts) = localities.entry(host.locality.as_str()).or_default();
            *of_locality = f64::from(host.locality_weight);
            *of_hosts += f64::from(host.weight);
        }
        let total: f64 = localities.values().map(|(weight, _)| weight).sum();
        if *self != Self::ByLocality || total == 0.0 {
            let total: f64 = hosts.iter().map(|host| f64::from(host.weight)).sum();
            return hosts.iter().map(|host| f64::from(host.weight) / total).collect();
        }
        let by_locality = |host: &&Host| {
            let (of_locality, of_hosts) = localities.get(host.locality.as_str()).copied().unwrap_or((0.0, 1.0));
            of_locality / total * f64::from(host.weight) / of_hosts
        };
        hosts.iter().map(by_locality).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::super::cluster::Cluster;
    use super::super::decision::Endpoints;
    use super::super::object::Object;

    /// The shares, in percent, of hosts in two localities of weights 3 and 1: one, and two of weights 1 and 3.
    fn shares(mut cluster: Value) -> Vec<f64> {
        let host = |port: u16, weight: u32| {
            let socket = json!({"address": "10.0.0.1", "port_value": port});
            json!({"endpoint": {"address": {"socket_address": socket}}, "load_balancing_weight": weight})
        };
        cluster["name"] = json!("c");
        cluster["load_assignment"] = json!({"cluster_name": "c", "endpoints": [
            {"locality": {"zone": "a"}, "load_balancing_weight": 3, "lb_endpoints": [host(1, 1)]},
            {"locality": {"zone": "b"}, "load_balancing_weight": 1, "lb_endpoints": [host(2, 1), host(3, 3)]},
            {"locality": {"zone": "c"}, "lb_endpoints": [host(4, 5)]},
        ]});
        let cluster = Cluster::read(&Object::new("c", &cluster).unwrap()).unwrap();
        let endpoints = cluster.endpoints(&BTreeMap::new(), false, &BTreeMap::new());
        let Some(Endpoints::Known(endpoints)) = endpoints else { return Vec::new() };
        endpoints.iter().map(|endpoint| endpoint.share * 100.0).collect()
    }

    fn policy(name: &str, config: &Value) -> Value {
        let mut config = config.clone();
        config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.load_balancing_policies.{name}"));
        json!({"load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "x", "typed_config": config}}]}})
    }

    #[test]
    fn hosts_count_by_their_weights_alone() {
        for cluster in [json!({}), json!({"common_lb_config": {}}), policy("random.v3.Random", &json!({}))] {
            assert_eq!(shares(cluster), [10.0, 10.0, 30.0, 50.0]);
        }
    }

    #[test]
    fn localities_come_first_where_they_are_weighted() {
        let weighted = json!({"locality_weighted_lb_config": {}});
        let new = policy("least_request.v3.LeastRequest", &json!({"locality_lb_config": weighted.clone()}));
        for cluster in [json!({"common_lb_config": weighted}), new] {
            assert_eq!(shares(cluster), [75.0, 6.25, 18.75]);
        }
    }

    #[test]
    fn what_is_not_followed_is_open() {
        let zones = json!({"zone_aware_lb_config": {}});
        for cluster in [
            json!({"common_lb_config": zones.clone()}),
            policy("maglev.v3.Maglev", &json!({})),
            policy("round_robin.v3.RoundRobin", &json!({"locality_lb_config": zones})),
            policy("round_robin.v3.RoundRobin", &json!({"slow_start_config": {}})),
        ] {
            assert!(shares(cluster.clone()).is_empty(), "{cluster}");
        }
    }
}
