//! Shares of traffic become the integer weights of APISIX nodes.

use crate::apisix::Node;
use crate::model::endpoint::Endpoint;

/// Weights above this are rounded: a balancer's state grows with them.
const MAX_WEIGHT: u128 = 1_000_000;

/// Endpoints that share one part of the traffic in proportion to their weights.
pub(crate) struct Group<'a> {
    /// The part, as a fraction.
    part: (u128, u128),
    /// The APISIX priority of its nodes.
    priority: i32,
    /// Host, port and weight of each endpoint.
    endpoints: Vec<(&'a str, u32, u32)>,
    total: u128,
}

impl<'a> Group<'a> {
    /// A group with a share in any unit that all groups of one priority have in common.
    pub(crate) fn new(share: u32, endpoints: impl Iterator<Item = &'a Endpoint>, priority: i32) -> Self {
        Self::with_part(share, (1, 1), endpoints, priority)
    }

    /// A group with `share * part`.
    pub(crate) fn with_part(
        share: u32,
        part: (u64, u64),
        endpoints: impl Iterator<Item = &'a Endpoint>,
        priority: i32,
    ) -> Self {
        let endpoints: Vec<_> = endpoints.map(|e| (e.host.as_str(), e.port, e.weight)).collect();
        let total = endpoints.iter().map(|&(_, _, weight)| u128::from(weight)).sum();
        let part = (u128::from(share).saturating_mul(u128::from(part.0)), u128::from(part.1).max(1));
        Self { part, priority, endpoints, total }
    }

    fn is_used(&self) -> bool {
        self.part.0 > 0 && self.total > 0
    }

    /// What one unit of endpoint weight is worth, as a fraction.
    fn unit(&self) -> (u128, u128) {
        reduced(self.part.0, self.part.1.saturating_mul(self.total))
    }
}

/// The nodes of all groups; in each priority they are in proportion to the shares.
pub(crate) fn weigh(groups: Vec<Group<'_>>) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    let mut groups: Vec<_> = groups.into_iter().filter(Group::is_used).collect();
    groups.sort_by_key(|group| group.priority);
    for level in groups.chunk_by_mut(|a, b| a.priority == b.priority) {
        weigh_level(level, &mut nodes);
    }
    nodes
}

fn weigh_level<'a>(groups: &mut [Group<'a>], nodes: &mut Vec<Node<'a>>) {
    if let [only] = groups {
        only.part = (only.total, 1);
    }
    let common = groups.iter().map(|group| group.unit().1).try_fold(1, common_multiple);
    let scale = common.filter(|&common| largest(groups, common) <= MAX_WEIGHT);
    let scale = scale.map_or_else(|| Scale::rounding(groups), Scale::Exact);
    let mut level = Vec::new();
    for group in groups.iter_mut() {
        let (unit, priority) = (group.unit(), group.priority);
        let endpoints = std::mem::take(&mut group.endpoints);
        level.extend(endpoints.into_iter().map(|(host, port, weight)| {
            let weight = scale.weight(unit, weight);
            Node { host, port, weight, priority }
        }));
    }
    if groups.len() > 1 {
        reduce(&mut level);
    }
    nodes.append(&mut level);
}

/// Divides the weights by what they have in common.
fn reduce(nodes: &mut [Node<'_>]) {
    let common = nodes.iter().fold(0, |common, node| divisor(common, u128::from(node.weight)));
    let common = u32::try_from(common).unwrap_or(1);
    for node in nodes {
        node.weight = node.weight.checked_div(common).unwrap_or(node.weight);
    }
}

/// How fractions become integers.
enum Scale {
    /// Times a common denominator.
    Exact(u128),
    /// Times `MAX_WEIGHT` over the largest fraction.
    Rounding((u128, u128)),
}

impl Scale {
    fn rounding(groups: &[Group<'_>]) -> Self {
        let largest = groups.iter().map(|group| value(group.unit(), heaviest(group), 1_000_000_000)).max();
        Self::Rounding((MAX_WEIGHT.saturating_mul(1_000_000_000), largest.unwrap_or(1).max(1)))
    }

    fn weight(&self, unit: (u128, u128), weight: u32) -> u32 {
        let scaled = match self {
            Scale::Exact(common) => value(unit, weight, *common),
            Scale::Rounding((up, down)) => value(unit, weight, *up).checked_div(*down).unwrap_or_default(),
        };
        u32::try_from(scaled.clamp(1, MAX_WEIGHT)).unwrap_or(1)
    }
}

fn value((up, down): (u128, u128), weight: u32, scale: u128) -> u128 {
    let product = up.saturating_mul(u128::from(weight)).saturating_mul(scale);
    product.checked_div(down).unwrap_or_default()
}

fn heaviest(group: &Group<'_>) -> u32 {
    group.endpoints.iter().map(|&(_, _, weight)| weight).max().unwrap_or_default()
}

fn largest(groups: &[Group<'_>], scale: u128) -> u128 {
    groups.iter().map(|group| value(group.unit(), heaviest(group), scale)).max().unwrap_or_default()
}

fn common_multiple(a: u128, b: u128) -> Option<u128> {
    a.checked_div(divisor(a, b))?.checked_mul(b)
}

fn reduced(up: u128, down: u128) -> (u128, u128) {
    let divisor = divisor(up, down);
    (up.checked_div(divisor).unwrap_or(up), down.checked_div(divisor).unwrap_or(down))
}

/// The greatest common divisor; 1 where both are 0.
fn divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or_default());
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::{Group, weigh};
    use crate::model::endpoint::{Endpoint, HealthStatus};

    fn endpoints(weights: &[u32]) -> Vec<Endpoint> {
        let endpoint = |(i, &weight): (usize, &u32)| Endpoint {
            host: format!("10.0.0.{i}"),
            port: 80,
            weight,
            health: HealthStatus::Healthy,
            name: None,
            metadata: None,
        };
        weights.iter().enumerate().map(endpoint).collect()
    }

    fn weights(groups: &[(u32, (u64, u64), &[u32])]) -> Vec<u32> {
        let endpoints: Vec<_> = groups.iter().map(|(_, _, weights)| endpoints(weights)).collect();
        let groups = groups.iter().zip(&endpoints);
        let groups = groups.map(|(&(share, part, _), own)| Group::with_part(share, part, own.iter(), 0));
        weigh(groups.collect()).iter().map(|node| node.weight).collect()
    }

    #[test]
    fn one_group_keeps_its_weights() {
        assert_eq!(weights(&[(100, (1, 1), &[1, 5])]), [1, 5]);
    }

    #[test]
    fn groups_share_as_told() {
        assert_eq!(weights(&[(90, (1, 1), &[1, 1]), (10, (1, 1), &[1])]), [9, 9, 2]);
        assert_eq!(weights(&[(100, (9, 10), &[1]), (100, (1, 10), &[3, 1])]), [36, 3, 1]);
    }

    #[test]
    fn a_group_without_share_has_no_node() {
        assert_eq!(weights(&[(100, (0, 10), &[1]), (100, (10, 10), &[1])]), [1]);
    }

    #[test]
    fn enormous_weights_are_rounded_not_lost() {
        let made = weights(&[(50, (1, 1), &[4_000_000_000, 1]), (50, (1, 1), &[7])]);
        assert_eq!(made.len(), 3);
        assert!(made.iter().all(|&weight| (1..=1_000_000).contains(&weight)));
        assert!((f64::from(made[0]) / f64::from(made[2]) - 1.0).abs() < 0.001, "{made:?}");
    }
}
