//! What is seen of a proxy, in one form for a real Envoy and both models, and held against what is expected.

use std::collections::BTreeSet;

use crate::tasks::case::Expected;

/// Where something may be late, the machine is taken to be no later than this, in seconds.
const LATE: f64 = 3.0;
/// How many standard deviations a share may be off; the draws of the models have fixed seeds, those of Envoy do not.
const DEVIATIONS: f64 = 5.0;

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// How much it counts among all.
    pub(crate) weight: f64,
    pub(crate) after: f64,
    /// The versions that may have answered: one, with a real Envoy.
    pub(crate) from: BTreeSet<String>,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) received: Vec<(String, String)>,
    pub(crate) answered: Vec<(String, String)>,
    pub(crate) tries: u32,
    /// Who gets a copy, and how often.
    pub(crate) copies: Vec<(String, f64)>,
}

/// What one proxy did with one request, repeated.
pub(crate) struct Observed {
    pub(crate) seen: Vec<Seen>,
    /// How many draws there were.
    pub(crate) draws: usize,
    /// Measured: times are not exact, and a version answers where others might.
    pub(crate) real: bool,
}

/// `reviews v1` for `127.0.31.2:9080`.
pub(crate) fn version(address: &str) -> String {
    let number: usize = address.split('.').nth(2).and_then(|number| number.parse().ok()).unwrap_or_default();
    let service = ["", "productpage", "details", "reviews", "ratings"].get(number / 10).copied().unwrap_or_default();
    format!("{service} v{}", number % 10)
}

fn has_lines(expected: &[String], lines: &[(String, String)]) -> bool {
    let is_there =
        |name: &str| lines.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).collect::<Vec<_>>();
    expected.iter().all(|line| match line.split_once(": ") {
        Some((name, value)) => is_there(name).iter().any(|(_, found)| found == value),
        None => is_there(line.strip_prefix("no ").expect("`name: value` or `no name`")).is_empty(),
    })
}

impl Observed {
    /// Whether it is this, apart from when.
    fn is(&self, seen: &Seen, expected: &Expected) -> bool {
        let from: BTreeSet<String> = expected.from.iter().cloned().collect();
        let is_from = if self.real && !seen.from.is_empty() { seen.from.is_subset(&from) } else { seen.from == from };
        is_from
            && seen.status == expected.status
            && expected.body.as_ref().is_none_or(|body| *body == seen.body)
            && expected.host.as_ref().is_none_or(|host| *host == seen.host)
            && expected.path.as_ref().is_none_or(|path| *path == seen.path)
            && expected.tries.is_none_or(|tries| tries == seen.tries)
            && has_lines(&expected.receives, &seen.received)
            && has_lines(&expected.answers, &seen.answered)
    }

    fn in_time(&self, seen: &Seen, expected: &Expected) -> bool {
        let over = seen.after - expected.after;
        if self.real { (-0.02..LATE).contains(&over) } else { over.abs() < 0.005 }
    }

    /// Which of these it is; of several the one that takes longest.
    fn which(&self, seen: &Seen, expected: &[Expected]) -> Option<usize> {
        let fits = expected.iter().enumerate().filter(|(_, it)| self.is(seen, it) && self.in_time(seen, it));
        fits.max_by(|(_, one), (_, other)| one.after.total_cmp(&other.after)).map(|(index, _)| index)
    }

    /// What is not as expected.
    pub(crate) fn problems(&self, expected: &[Expected]) -> Vec<String> {
        let (mut problems, mut weights) = (Vec::new(), vec![0.0; expected.len()]);
        for seen in &self.seen {
            match self.which(seen, expected) {
                Some(index) => weights[index] += seen.weight,
                None => problems.push(format!("not expected: {seen:?}")),
            }
        }
        problems.truncate(2);
        for (expected, weight) in expected.iter().zip(weights) {
            problems.extend(self.is_as_often(expected, weight));
            problems.extend(self.is_copied(expected));
        }
        problems
    }

    fn is_as_often(&self, expected: &Expected, weight: f64) -> Option<String> {
        if expected.only_under_load {
            return (self.real && weight == 0.0).then(|| format!("never happened: {}", expected.words()));
        }
        // A busy machine makes what is measured later, and a request that was not delayed seem so.
        let slow = if self.real && expected.share < 100.0 && expected.after > 0.0 { 0.1 } else { 0.0 };
        let share = expected.share / 100.0;
        let off = (weight - share).abs();
        (off > self.tolerance(share) + slow && !self.under_load())
            .then(|| format!("in {} % of all: {}", weight * 100.0, expected.words()))
    }

    fn under_load(&self) -> bool {
        self.real && self.draws == 0
    }

    #[allow(clippy::cast_precision_loss, reason = "a few thousand draws")]
    fn tolerance(&self, share: f64) -> f64 {
        DEVIATIONS * (share * (1.0 - share) / self.draws.max(1) as f64).sqrt() + 1e-9
    }

    fn is_copied(&self, expected: &Expected) -> Option<String> {
        let found: Vec<(String, f64)> = self.seen.iter().flat_map(|seen| seen.copies.clone()).collect();
        let Some(to) = &expected.half_copied_to else {
            return (!found.is_empty()).then(|| format!("nothing should be copied: {found:?}"));
        };
        let share: f64 = self.seen.iter().flat_map(|it| it.copies.iter().map(|(_, share)| share * it.weight)).sum();
        let is_so = found.iter().all(|(version, _)| version == to) && (share - 0.5).abs() <= self.tolerance(0.5);
        (!is_so).then(|| format!("copies: {share} to {:?}", found.first()))
    }
}
