//! How many patterns a worker of APISIX has to compile for the routes: those of conditions, and those that the router makes
//! of paths that end in `/*`.
//!
//! A worker keeps 8,192 compiled patterns (nginx's `lua_regex_cache_max_entries`), and the patterns of 1,000 paths
//! (lua-resty-radixtree). Beyond that nothing is wrong, but the others are made anew for each request that meets them.
//! Counted by hash, once each, and kept up to date with what changes. Patterns in plugins are few and are not counted.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Code;
use crate::names::text_hash;
use crate::options::Limits;
use crate::report::Report;
use crate::vars::Expr;

/// The patterns of some routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns {
    conditions: BTreeSet<u64>,
    paths: BTreeSet<u64>,
}

/// How often each pattern is used by what has been planned.
#[derive(Debug, Default)]
pub(crate) struct PatternCounts {
    conditions: BTreeMap<u64, u32>,
    paths: BTreeMap<u64, u32>,
}

impl Patterns {
    /// Adds those of one route.
    pub(super) fn add<'a>(&mut self, uris: &[String], conditions: impl IntoIterator<Item = &'a Expr>) {
        self.paths.extend(uris.iter().filter(|uri| uri.ends_with("/*")).map(|uri| text_hash(uri)));
        for condition in conditions {
            condition.patterns(&mut |pattern| {
                self.conditions.insert(text_hash(pattern));
            });
        }
    }

    /// Adds those of other routes.
    pub(super) fn extend(&mut self, other: Self) {
        self.conditions.extend(other.conditions);
        self.paths.extend(other.paths);
    }
}

impl PatternCounts {
    /// Routes with these patterns have come.
    pub(crate) fn add(&mut self, patterns: &Patterns) {
        for (counts, hashes) in self.with(patterns) {
            for hash in hashes {
                let count = counts.entry(*hash).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Routes with these patterns are gone.
    pub(crate) fn remove(&mut self, patterns: &Patterns) {
        for (counts, hashes) in self.with(patterns) {
            for hash in hashes {
                let left = counts.get(hash).map_or(0, |count| count.saturating_sub(1));
                if left == 0 {
                    counts.remove(hash);
                } else {
                    counts.insert(*hash, left);
                }
            }
        }
    }

    fn with<'a>(&'a mut self, patterns: &'a Patterns) -> [(&'a mut BTreeMap<u64, u32>, &'a BTreeSet<u64>); 2] {
        [(&mut self.conditions, &patterns.conditions), (&mut self.paths, &patterns.paths)]
    }

    /// What is to be said about them.
    pub(crate) fn report(&self, limits: &Limits) -> Report {
        let mut report = Report::default();
        let all = self.conditions.len().saturating_add(self.paths.len());
        if all > limits.compiled_patterns {
            let why = format!(
                "the routes have {all} patterns; a worker of APISIX keeps {} compiled, the others are compiled anew for \
                 each request that meets them",
                limits.compiled_patterns
            );
            report.add_with_hint(
                Code::PatternsMany,
                "",
                why,
                "raise lua_regex_cache_max_entries in APISIX's nginx.conf",
            );
        }
        if self.paths.len() > limits.path_patterns {
            let why = format!(
                "the routes have {} paths that end in /*; a worker of APISIX keeps the patterns of {}, the others are made \
                 anew for each request that meets them",
                self.paths.len(),
                limits.path_patterns
            );
            report.add(Code::PatternsMany, "", why);
        }
        report
    }
}
