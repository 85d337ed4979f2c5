//! Domains that are compared as text, in the order in which Envoy tries them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::domain::Class;
use super::plan::HostlessGroup;
use crate::vars::Expr;

/// Bytes of one alternation pattern; PCRE2 limits a compiled pattern to 64 KiB.
const PATTERN_MAX: usize = 16_384;
/// Alternatives of one pattern, each of which may cost a step of nginx's match limit.
pub(super) const ALTERNATIVES_MAX: usize = 256;

/// Domains without key and their virtual hosts, in the order in which Envoy tries them: class, longest first, then a
/// fixed order.
pub(super) type Texts = BTreeMap<(Class, Reverse<usize>, String), usize>;

/// The domains as conditions on a variable, in the same order.
pub(super) fn in_order(texts: &Texts, var: &str, pattern: impl Fn(Class, &str) -> String) -> Vec<HostlessGroup> {
    let mut groups: Vec<HostlessGroup> = Vec::new();
    let mut run = Run::default();
    for ((class, _, text), virtual_host) in texts {
        let pattern = pattern(*class, text);
        if !run.takes(*virtual_host, &pattern) {
            groups.extend(run.finish(var));
        }
        run.push(*virtual_host, pattern);
    }
    groups.extend(run.finish(var));
    groups
}

/// Consecutive domains of one virtual host, joined into one alternation.
#[derive(Default)]
struct Run {
    virtual_host: usize,
    patterns: Vec<String>,
    bytes: usize,
}

impl Run {
    fn takes(&self, virtual_host: usize, pattern: &str) -> bool {
        self.virtual_host == virtual_host
            && self.patterns.len() < ALTERNATIVES_MAX
            && self.bytes.saturating_add(pattern.len()) <= PATTERN_MAX
    }

    fn push(&mut self, virtual_host: usize, pattern: String) {
        self.virtual_host = virtual_host;
        self.bytes = self.bytes.saturating_add(pattern.len());
        self.patterns.push(pattern);
    }

    fn finish(&mut self, var: &str) -> Option<HostlessGroup> {
        let run = std::mem::take(self);
        let pattern = match run.patterns.as_slice() {
            [] => return None,
            [only] => only.clone(),
            many => format!("(?:{})", many.join("|")),
        };
        Some(HostlessGroup { virtual_host: run.virtual_host, guard: Expr::matches_caseless(var, pattern) })
    }
}
