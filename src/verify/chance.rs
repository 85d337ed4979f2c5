//! Chance, taken apart: the same draw for both proxies, and the spread of what stays open.
//!
//! Envoy draws one number for the route table of a request; a translation takes the first half of nginx's
//! `$request_id` for it, and of the second half twice six digits for what Envoy draws independently (faults), and the
//! last four for what hardly depends on the rest of the draw (clusters, beside samples).

/// How many values an axis is tried at before changes are searched between them.
const GRID: u32 = 16;
/// Changes are found to this width.
const WIDTH: f64 = 1.0 / 4_294_967_296.0;

/// A request id whose parts lie at these fractions of their ranges; each in [0, 1).
#[must_use]
pub fn request_id(route: f64, first: f64, second: f64) -> String {
    request_id_apart(route, first, second, route)
}

/// The same where the cluster is drawn apart.
pub(crate) fn request_id_apart(route: f64, first: f64, second: f64, cluster: f64) -> String {
    let [route, first, second, cluster] = [route, first, second, cluster].map(word);
    format!("{route:08x}{:08x}{:06x}{:06x}{:04x}", 0, first >> 8, second >> 8, cluster >> 16)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the product lies between 0 and 2^32")]
fn word(fraction: f64) -> u32 {
    (fraction.clamp(0.0, 1.0 - WIDTH) * 4_294_967_296.0) as u32
}

/// Where a function of [0, 1) changes its value: the ends of the pieces, from 0 to 1. A piece that lies between two points
/// of the grid, and does not begin at 0, is overlooked.
pub(crate) fn pieces<T: PartialEq>(value: impl Fn(f64) -> T) -> Vec<f64> {
    let mut ends = vec![0.0];
    let mut before = (0.0, value(0.0));
    for step in 1..=GRID {
        let at = if step == GRID { 1.0 - WIDTH } else { f64::from(step) / f64::from(GRID) };
        let here = value(at);
        if here != before.1 {
            ends.push(change(before.0, at, |fraction| value(fraction) == before.1));
        }
        before = (at, here);
    }
    ends.push(1.0);
    ends
}

/// The end of the piece that begins at `low`, up to `high`, where it has ended.
fn change(mut low: f64, mut high: f64, same: impl Fn(f64) -> bool) -> f64 {
    while high - low > WIDTH {
        let middle = f64::midpoint(low, high);
        if same(middle) { low = middle } else { high = middle }
    }
    high
}

/// The middles of pieces, with their widths.
pub(crate) fn middles(ends: &[f64]) -> Vec<(f64, f64)> {
    ends.windows(2)
        .filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
        .map(|(a, b)| (f64::midpoint(a, b), b - a))
        .collect()
}

/// Random numbers that stand for all of them, where `divisor` alone counts, with the fraction of the range at which each
/// lies: both sides of every change of `value`.
pub(crate) fn draws<T: PartialEq>(divisor: u64, value: impl Fn(u64) -> T) -> Vec<(u64, f64)> {
    let mut ends = vec![0, divisor.saturating_sub(1)];
    let mut before = 0;
    let steps = u64::from(GRID).min(divisor).max(1);
    let width = divisor.checked_div(steps).unwrap_or(1);
    for step in 1..=steps {
        let at = width.saturating_mul(step).min(divisor.saturating_sub(1));
        if value(at) != value(before) {
            let last = last_same(before, at, |number| value(number) == value(before));
            ends.extend([last, last.saturating_add(1)]);
        }
        before = at;
    }
    ends.sort_unstable();
    ends.dedup();
    ends.into_iter().map(|number| (number, fraction(number, divisor))).collect()
}

fn last_same(mut low: u64, mut high: u64, same: impl Fn(u64) -> bool) -> u64 {
    while high.saturating_sub(low) > 1 {
        let middle = u64::midpoint(low, high);
        if same(middle) { low = middle } else { high = middle }
    }
    low
}

#[allow(clippy::cast_precision_loss, reason = "divisors are far below 2^52")]
fn fraction(number: u64, divisor: u64) -> f64 {
    (number as f64 + 0.5) / divisor as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found() {
        let ends = pieces(|fraction| fraction < 0.05);
        assert_eq!(ends.len(), 3);
        assert!((ends[1] - 0.05).abs() < 1e-9);
        assert_eq!(middles(&[0.0, 0.5, 1.0]), [(0.25, 0.5), (0.75, 0.5)]);
    }

    #[test]
    fn both_sides_of_a_weight() {
        let numbers: Vec<u64> = draws(100, |number| number < 90).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [0, 89, 90, 99]);
        assert_eq!(draws(1, |_| ()).len(), 1);
    }

    #[test]
    fn ids_have_32_digits() {
        assert_eq!(request_id(0.5, 0.0, 0.999_999_999_9), "8000000000000000000000ffffff8000");
    }
}
