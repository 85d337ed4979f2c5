//! How long to wait before the next attempt: exponential, with jitter, bounded.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits of 0.5 s, doubled each time up to 30 s, each shortened at random by up to a half.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    step: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { step: FIRST }
    }
}

impl Backoff {
    /// The next wait; `random` is from 0.0 to 1.0.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        let step = self.step;
        self.step = step.saturating_mul(2).min(LONGEST);
        step.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// Something worked.
    pub(crate) fn reset(&mut self) {
        self.step = FIRST;
    }

    /// The next attempt will most likely fail the same way.
    pub(crate) fn give_time(&mut self) {
        self.step = LONGEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_bound_and_starts_again() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.next(0.0).as_millis(), 250);
    }
}
