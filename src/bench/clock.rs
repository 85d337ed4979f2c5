//! Wall-clock times of things that are done several times, in turn, so that noise meets all of them alike.

use std::time::{Duration, Instant};

/// The times of one thing.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The shortest time: what the machine takes when nobody else uses it.
    pub fn best(&self) -> Duration {
        self.0.iter().copied().min().unwrap_or_default()
    }

    /// The time in the middle.
    pub fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The first time.
    pub fn first(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// How far the median is above the best, as a share of the best.
    pub fn noise(&self) -> f64 {
        ratio(self.median(), self.best()) - 1.0
    }

    /// Adds a time.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// One time as a multiple of another.
pub fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// The time of one call. What it returns is dropped outside of the measurement.
pub fn time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = run();
    (start.elapsed(), std::hint::black_box(result))
}

/// Does each thing once a round.
pub fn rounds<const N: usize>(rounds: usize, mut things: [&mut dyn FnMut() -> Duration; N]) -> [Times; N] {
    let mut all = std::array::from_fn(|_| Times::default());
    for _ in 0..rounds {
        for (times, thing) in all.iter_mut().zip(&mut things) {
            times.push(thing());
        }
    }
    all
}
