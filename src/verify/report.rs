//! What came of a comparison.

use std::collections::BTreeMap;
use std::fmt;

use amesh_translator::Code;

use crate::compare::Difference;

/// Counter-examples that are kept.
const KEPT: usize = 20;

/// A request about which the proxies differ although nothing says so, as small as could be found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CounterExample {
    /// The request line and headers.
    pub request: String,
    /// Where it arrives, such as `port 80`.
    pub at: String,
    /// Envoy's virtual host and route.
    pub route: String,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Requests that were put to both.
    pub requests: usize,
    /// Both do the same.
    pub identical: usize,
    /// They differ, and diagnostics say so: by code, each request counted once, for its first difference.
    pub declared: BTreeMap<Code, usize>,
    /// They differ, and nothing says so.
    pub undeclared: usize,
    /// A model does not know something: why, and how often. These requests are not compared.
    pub not_modelled: BTreeMap<String, usize>,
    /// Some of the undeclared ones.
    pub counter_examples: Vec<CounterExample>,
}

impl Report {
    /// Keeps a counter-example if there is room.
    pub(crate) fn keep(&mut self, example: impl FnOnce() -> CounterExample) {
        self.undeclared = self.undeclared.saturating_add(1);
        if self.counter_examples.len() < KEPT {
            self.counter_examples.push(example());
        }
    }

    /// Differences that diagnostics declare.
    #[must_use]
    pub fn declared(&self) -> usize {
        self.declared.values().sum()
    }

    /// Requests that a model could not follow.
    #[must_use]
    pub fn not_modelled(&self) -> usize {
        self.not_modelled.values().sum()
    }

    /// Adds another report.
    pub fn merge(&mut self, other: Report) {
        self.requests = self.requests.saturating_add(other.requests);
        self.identical = self.identical.saturating_add(other.identical);
        self.undeclared = self.undeclared.saturating_add(other.undeclared);
        for (code, count) in other.declared {
            let sum = self.declared.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
        for (why, count) in other.not_modelled {
            let sum = self.not_modelled.entry(why).or_default();
            *sum = sum.saturating_add(count);
        }
        let room = KEPT.saturating_sub(self.counter_examples.len());
        self.counter_examples.extend(other.counter_examples.into_iter().take(room));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>8} requests", self.requests)?;
        writeln!(f, "{:>8} identical", self.identical)?;
        writeln!(f, "{:>8} different, and declared:", self.declared())?;
        for (code, count) in &self.declared {
            writeln!(f, "{count:>16} {} {}", code.text(), code.title())?;
        }
        writeln!(f, "{:>8} different, and not declared", self.undeclared)?;
        if self.not_modelled() > 0 {
            writeln!(f, "{:>8} not compared, because a model does not know:", self.not_modelled())?;
        }
        for (why, count) in &self.not_modelled {
            writeln!(f, "{count:>16} {why}")?;
        }
        for example in &self.counter_examples {
            write!(f, "\n{example}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CounterExample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}; {})", self.request, self.at, self.route)?;
        for difference in &self.differences {
            writeln!(f, "    {difference}")?;
        }
        Ok(())
    }
}
