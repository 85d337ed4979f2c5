//! How much a backtracking matcher does in the worst case, for texts of at most [`SUBJECT_MAX`] bytes.

use super::set::ByteSet;

/// nginx takes request lines and header lines of up to 8 KiB (`large_client_header_buffers`).
pub(super) const SUBJECT_MAX: u64 = 8192;
/// nginx gives up after 100,000 attempts (`lua_regex_match_limit` of APISIX) and the text counts as not matching.
const ATTEMPTS_MAX: u64 = 90_000;
/// Bytes compared, which nothing limits: some milliseconds of a worker.
const STEPS_MAX: u64 = 4_000_000;

/// Attempts are what PCRE2 counts against its match limit: the choices tried. Steps are bytes compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) attempts: u64,
    pub(super) steps: u64,
}

impl Work {
    pub(super) fn new(attempts: u64, steps: u64) -> Self {
        Self { attempts, steps }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self::new(self.attempts.saturating_add(other.attempts), self.steps.saturating_add(other.steps))
    }

    pub(super) fn times(self, factor: u64) -> Self {
        Self::new(self.attempts.saturating_mul(factor), self.steps.saturating_mul(factor))
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self::new(self.attempts.max(other.attempts), self.steps.max(other.steps))
    }
}

/// What is known about an expression from some place in it to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tail {
    /// Bytes with which it can begin.
    pub(super) first: ByteSet,
    /// It can match the empty rest of a text.
    pub(super) end: bool,
    /// It is the end of the expression itself.
    pub(super) last: bool,
    /// Work of one run outside unbounded loops.
    pub(super) fixed: Work,
    /// Work of one run inside unbounded loops, as a sum over the bytes of the text.
    pub(super) loops: Work,
    /// Work after which the match is certain, so that it is done once however often the rest is repeated.
    pub(super) once: Work,
    /// Bytes that the unbounded loops can consume.
    pub(super) loop_bytes: ByteSet,
    /// Bytes that one run can consume outside unbounded loops.
    pub(super) width: u64,
    /// There is a place at which the next byte does not tell which way to go.
    pub(super) forks: bool,
}

impl Tail {
    /// The end of the expression.
    pub(super) const END: Self = Self {
        first: ByteSet::EMPTY,
        end: true,
        last: true,
        fixed: Work { attempts: 0, steps: 0 },
        loops: Work { attempts: 0, steps: 0 },
        once: Work { attempts: 0, steps: 0 },
        loop_bytes: ByteSet::EMPTY,
        width: 0,
        forks: false,
    };

    /// One byte of `set`, then this.
    pub(super) fn after_set(self, set: ByteSet) -> Self {
        let fixed = self.fixed.plus(Work::new(0, 1));
        Self { first: set, end: false, last: false, fixed, width: self.width.saturating_add(1), ..self }
    }

    /// Up to `count` bytes of `set`, taken without looking back, then this.
    pub(super) fn after_possessive(self, set: ByteSet, count: u64) -> Self {
        let fixed = self.fixed.plus(Work::new(1, count));
        Self { first: set.union(self.first), last: false, fixed, width: self.width.saturating_add(count), ..self }
    }

    /// Either of two ways; `exclusive` ones begin with different bytes.
    pub(super) fn or(self, other: Self) -> Self {
        let exclusive = self.excludes(other);
        let join = if exclusive { Work::max } else { Work::plus };
        Self {
            first: self.first.union(other.first),
            end: self.end || other.end,
            last: false,
            fixed: join(self.fixed, other.fixed).plus(Work::new(1, 1)),
            loops: join(self.loops, other.loops),
            once: self.once.max(other.once),
            loop_bytes: self.loop_bytes.union(other.loop_bytes),
            width: self.width.max(other.width),
            forks: self.forks || other.forks || !exclusive,
        }
    }

    /// The next byte, or its absence, tells this from the other.
    pub(super) fn excludes(self, other: Self) -> bool {
        self.first.is_disjoint(other.first) && !(self.end && other.end)
    }

    /// An unbounded loop over `bytes`, whose own work is `own`, with one way out, then this.
    pub(super) fn after_loop(self, first: ByteSet, bytes: ByteSet, own: Work) -> Self {
        Self {
            first: first.union(self.first),
            last: false,
            fixed: self.fixed.plus(Work::new(2, 1)),
            loops: self.loops.plus(own),
            loop_bytes: self.loop_bytes.union(bytes),
            ..self
        }
    }

    /// An unbounded loop that may be left at `exits` places, at each of which this is tried.
    ///
    /// The fixed work is done at each of them. The loops inside need not be: if they cannot consume the bytes with which
    /// this begins, then a run that has begun at one exit passes another one only outside loops, at most `width` times;
    /// so a byte is visited by the loops of at most `width + 1` runs.
    pub(super) fn after_open_loop(self, first: ByteSet, bytes: ByteSet, own: Work, exits: u64) -> Self {
        let shared = self.loop_bytes.is_disjoint(self.first);
        let factor = if shared { self.width.saturating_add(1).min(exits) } else { exits };
        let tried = self.fixed.plus(Work::new(1, 1)).times(exits).plus(self.loops.times(factor));
        Self {
            first: first.union(self.first),
            last: false,
            fixed: Work::new(2, 1),
            loops: own.plus(tried),
            loop_bytes: self.loop_bytes.union(bytes),
            forks: true,
            ..self
        }
    }

    /// All work of one match.
    pub(super) fn total(self) -> Work {
        self.fixed.plus(self.loops).plus(self.once)
    }

    /// The work stays below what nginx allows and a worker can bear.
    pub(super) fn is_bearable(self) -> bool {
        let total = self.total();
        total.attempts <= ATTEMPTS_MAX && total.steps <= STEPS_MAX
    }
}
