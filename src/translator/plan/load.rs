//! How much traffic each priority of a cluster gets, from the health that the control plane reports.
//!
//! The rules are Envoy's (docs: load balancing, priority levels, degraded endpoints, panic threshold), computed once at
//! translation. What changes at run time, such as an endpoint that APISIX cannot reach, is not known here.

/// Envoy's default overprovisioning factor, in percent.
pub(crate) const OVERPROVISIONING: u32 = 140;

/// The endpoints of one priority, counted by health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// All endpoints.
    pub(crate) total: u32,
    /// DRAINING ones, which do not count against the health of the priority.
    pub(crate) draining: u32,
    /// UNKNOWN and HEALTHY ones.
    pub(crate) healthy: u32,
    /// DEGRADED ones.
    pub(crate) degraded: u32,
}

impl Health {
    /// The endpoints that the health of the priority is measured by.
    fn counted(self) -> u64 {
        u64::from(self.total.saturating_sub(self.draining))
    }

    fn share(self, part: u32, factor: u32) -> u32 {
        let percent = u64::from(part).saturating_mul(u64::from(factor)).checked_div(self.counted());
        u32::try_from(percent.unwrap_or_default()).unwrap_or(u32::MAX).min(100)
    }

    /// Fewer than `threshold` percent of the endpoints are usable.
    fn is_below(self, threshold: u32) -> bool {
        let usable = u64::from(self.healthy.saturating_add(self.degraded));
        // Of no endpoints none is usable.
        usable.saturating_mul(100) < u64::from(threshold).saturating_mul(self.counted().max(1))
    }
}

/// What one priority gets, in percent of all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// For its healthy endpoints; for all of them when `panic` is set.
    pub(crate) healthy: u32,
    /// For its degraded endpoints.
    pub(crate) degraded: u32,
    /// Health is disregarded.
    pub(crate) panic: bool,
}

/// The load of each priority (index 0 is the preferred one). `threshold` is the panic threshold in percent.
pub(crate) fn distribute(levels: &[Health], factor: u32, threshold: u32) -> Vec<Load> {
    let healthy: Vec<u32> = levels.iter().map(|level| level.share(level.healthy, factor)).collect();
    let degraded: Vec<u32> = levels.iter().map(|level| level.share(level.degraded, factor)).collect();
    let available = healthy.iter().chain(&degraded).fold(0_u32, |sum, &part| sum.saturating_add(part)).min(100);
    let panics = |level: &Health| available < 100 && level.is_below(threshold);
    if threshold > 0 && levels.iter().all(panics) {
        return by_size(levels);
    }
    let mut left = 100;
    let mut loads: Vec<Load> = healthy.iter().map(|&part| healthy_load(part, available, &mut left)).collect();
    for (load, &part) in loads.iter_mut().zip(&degraded) {
        load.degraded = portion(part, available, &mut left);
    }
    for (load, level) in loads.iter_mut().zip(levels) {
        load.panic = panics(level);
    }
    give_rest(&mut loads, left);
    loads
}

fn healthy_load(part: u32, available: u32, left: &mut u32) -> Load {
    Load { healthy: portion(part, available, left), ..Load::default() }
}

fn portion(part: u32, available: u32, left: &mut u32) -> u32 {
    let wanted = part.saturating_mul(100).checked_div(available).unwrap_or_default();
    let given = wanted.min(*left);
    *left = left.saturating_sub(given);
    given
}

/// What integer division left over goes to the first priority that has load.
fn give_rest(loads: &mut [Load], left: u32) {
    if let Some(load) = loads.iter_mut().find(|load| load.healthy > 0) {
        load.healthy = load.healthy.saturating_add(left);
    } else if let Some(load) = loads.iter_mut().find(|load| load.degraded > 0) {
        load.degraded = load.degraded.saturating_add(left);
    }
}

/// Total panic: every priority gets load by the number of its endpoints.
fn by_size(levels: &[Health]) -> Vec<Load> {
    let total = levels.iter().fold(0_u32, |sum, level| sum.saturating_add(level.total));
    let mut left = 100;
    let mut loads: Vec<Load> = levels
        .iter()
        .map(|level| Load { healthy: portion(level.total, total, &mut left), degraded: 0, panic: true })
        .collect();
    give_rest(&mut loads, left);
    loads
}

#[cfg(test)]
mod tests {
    use super::{Health, Load, OVERPROVISIONING, distribute};

    fn loads(levels: &[(u32, u32, u32)]) -> Vec<(u32, u32, bool)> {
        let levels: Vec<_> =
            levels.iter().map(|&(total, healthy, degraded)| Health { total, healthy, degraded, draining: 0 }).collect();
        let as_tuple = |load: Load| (load.healthy, load.degraded, load.panic);
        distribute(&levels, OVERPROVISIONING, 50).into_iter().map(as_tuple).collect()
    }

    /// The table of Envoy's documentation on priority levels.
    #[test]
    fn priorities_share_as_documented() {
        assert_eq!(loads(&[(100, 100, 0), (100, 100, 0)]), [(100, 0, false), (0, 0, false)]);
        assert_eq!(loads(&[(100, 72, 0), (100, 72, 0)]), [(100, 0, false), (0, 0, false)]);
        assert_eq!(loads(&[(100, 71, 0), (100, 71, 0)]), [(99, 0, false), (1, 0, false)]);
        assert_eq!(loads(&[(100, 50, 0), (100, 50, 0)]), [(70, 0, false), (30, 0, false)]);
        assert_eq!(loads(&[(100, 0, 0), (100, 100, 0)]), [(0, 0, false), (100, 0, false)]);
        assert_eq!(loads(&[(100, 25, 0), (100, 25, 0)]), [(50, 0, true), (50, 0, true)]);
    }

    #[test]
    fn few_healthy_endpoints_are_panic() {
        assert_eq!(loads(&[(3, 1, 0)]), [(100, 0, true)]);
        assert_eq!(loads(&[(3, 1, 1)]), [(50, 50, false)]);
    }

    #[test]
    fn nothing_healthy_without_panic_is_no_load() {
        let levels = [Health { total: 2, ..Health::default() }];
        assert_eq!(distribute(&levels, OVERPROVISIONING, 0), [Load::default()]);
    }

    /// Shares measured on Envoy 1.40: 68 to 32 of 100; all draining ones used alike.
    #[test]
    fn draining_endpoints_do_not_count_until_nothing_else_is_left() {
        let one_of_each = [Health { total: 3, healthy: 1, degraded: 1, draining: 1 }];
        let shares = distribute(&one_of_each, OVERPROVISIONING, 50);
        assert_eq!(shares, [Load { healthy: 70, degraded: 30, panic: false }]);
        let none_left = [Health { total: 2, draining: 2, ..Health::default() }];
        assert!(distribute(&none_left, OVERPROVISIONING, 50)[0].panic);
    }
}
