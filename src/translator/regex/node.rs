//! Expressions over bytes, as far as RE2 and PCRE2 agree on them.

use super::set::ByteSet;

/// Most words into which the end of an expression is taken apart, and bytes of each.
const WORDS_MAX: usize = 64;
const WORD_MAX: usize = 256;

/// An expression. Captures are left out: only whether a text matches is of interest, and so is greed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// One byte of a set; no byte at all if the set is empty.
    Set(ByteSet),
    Look(Look),
    /// One after the other, without nested `Concat`; the empty one matches the empty text.
    Concat(Vec<Node>),
    /// One of them; at least two.
    Alt(Vec<Node>),
    Repeat {
        body: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}

/// A condition on the place between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Start,
    End,
    StartOfLine,
    EndOfLine,
    WordBoundary,
    NotWordBoundary,
}

impl Look {
    pub(super) fn to_pcre(self) -> &'static str {
        match self {
            Self::Start => r"\A",
            Self::End => r"\z",
            // In PCRE's own multi-line mode a newline at the very end begins no line.
            Self::StartOfLine => r"(?<![^\n])",
            Self::EndOfLine => r"(?![^\n])",
            Self::WordBoundary => r"\b",
            Self::NotWordBoundary => r"\B",
        }
    }
}

impl Node {
    pub(super) const EMPTY: Self = Self::Concat(Vec::new());

    pub(super) fn concat(parts: impl IntoIterator<Item = Node>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Concat(inner) => inner.into_iter().for_each(|part| push_absorbing(&mut flat, part)),
                other => push_absorbing(&mut flat, other),
            }
        }
        if flat.len() == 1 { flat.swap_remove(0) } else { Self::Concat(flat) }
    }

    /// Alternatives of single bytes become one set.
    pub(super) fn alt(branches: impl IntoIterator<Item = Node>) -> Self {
        let mut flat: Vec<Node> = Vec::new();
        for branch in branches {
            match (branch, flat.last_mut()) {
                (Self::Set(set), Some(Self::Set(last))) => *last = last.union(set),
                (branch, _) => flat.push(branch),
            }
        }
        if flat.len() == 1 { flat.swap_remove(0) } else { Self::Alt(flat) }
    }

    /// `(x*)*` and its like become one repetition, which accepts the same texts and has one way to do so.
    pub(super) fn repeat(body: Node, min: u32, max: Option<u32>) -> Self {
        match (body, min, max) {
            (body, 1, Some(1)) => body,
            (_, _, Some(0)) | (Self::Look(_), 0, _) => Self::EMPTY,
            (body, ..) if body == Self::EMPTY => body,
            (body, _, Some(1)) if body.accepts_nothing() => body,
            (Self::Look(look), ..) => Self::Look(look),
            (Self::Repeat { body, min: inner @ 0..=1, max: None | Some(1) }, 0..=1, None) => {
                Self::Repeat { body, min: min.min(inner), max: None }
            }
            (Self::Repeat { body, min: inner @ 0..=1, max }, 0..=1, Some(1)) => {
                Self::Repeat { body, min: min.min(inner), max }
            }
            (body, min, max) => Self::Repeat { body: Box::new(body), min, max },
        }
    }

    /// The empty text may match.
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Set(_) => false,
            Self::Look(_) => true,
            Self::Concat(parts) => parts.iter().all(Self::is_nullable),
            Self::Alt(branches) => branches.iter().any(Self::is_nullable),
            Self::Repeat { body, min, .. } => *min == 0 || body.is_nullable(),
        }
    }

    /// The empty text matches wherever it stands.
    fn accepts_nothing(&self) -> bool {
        match self {
            Self::Set(_) | Self::Look(_) => false,
            Self::Concat(parts) => parts.iter().all(Self::accepts_nothing),
            Self::Alt(branches) => branches.iter().any(Self::accepts_nothing),
            Self::Repeat { body, min, .. } => *min == 0 || body.accepts_nothing(),
        }
    }

    /// The text of no byte matches.
    pub(super) fn matches_empty(&self) -> bool {
        match self {
            Self::Set(_) => false,
            Self::Look(look) => *look != Look::WordBoundary,
            Self::Concat(parts) => parts.iter().all(Self::matches_empty),
            Self::Alt(branches) => branches.iter().any(Self::matches_empty),
            Self::Repeat { body, min, .. } => *min == 0 || body.matches_empty(),
        }
    }

    /// Bytes with which a match that is not empty can begin.
    pub(super) fn first(&self) -> ByteSet {
        match self {
            Self::Set(set) => *set,
            Self::Look(_) => ByteSet::EMPTY,
            Self::Concat(parts) => {
                let mut first = ByteSet::EMPTY;
                for part in parts {
                    first = first.union(part.first());
                    if !part.is_nullable() {
                        break;
                    }
                }
                first
            }
            Self::Alt(branches) => branches.iter().fold(ByteSet::EMPTY, |first, branch| first.union(branch.first())),
            Self::Repeat { body, .. } => body.first(),
        }
    }

    /// Bytes that can occur in a match.
    pub(super) fn alphabet(&self) -> ByteSet {
        match self {
            Self::Set(set) => *set,
            Self::Look(_) => ByteSet::EMPTY,
            Self::Concat(parts) | Self::Alt(parts) => {
                parts.iter().fold(ByteSet::EMPTY, |all, part| all.union(part.alphabet()))
            }
            Self::Repeat { body, .. } => body.alphabet(),
        }
    }

    /// The least number of bytes in a match.
    pub(super) fn min_len(&self) -> u64 {
        match self {
            Self::Set(_) => 1,
            Self::Look(_) => 0,
            Self::Concat(parts) => parts.iter().fold(0, |sum, part| sum.saturating_add(part.min_len())),
            Self::Alt(branches) => branches.iter().map(Self::min_len).min().unwrap_or_default(),
            Self::Repeat { body, min, .. } => body.min_len().saturating_mul(u64::from(*min)),
        }
    }

    /// All matches as sequences of sets, if there are no more than [`WORDS_MAX`] and they are short.
    pub(super) fn words(parts: &[Self]) -> Option<Vec<Vec<ByteSet>>> {
        let mut words = vec![Vec::new()];
        for part in parts {
            let tails = part.own_words()?;
            let joined =
                words.iter().flat_map(|head: &Vec<ByteSet>| tails.iter().map(|tail| [head.as_slice(), tail].concat()));
            words = joined.take(WORDS_MAX.saturating_add(1)).collect();
            if words.len() > WORDS_MAX || words.iter().any(|word| word.len() > WORD_MAX) {
                return None;
            }
        }
        Some(words)
    }

    fn own_words(&self) -> Option<Vec<Vec<ByteSet>>> {
        match self {
            Self::Set(set) => Some(vec![vec![*set]]),
            Self::Concat(parts) => Self::words(parts),
            Self::Alt(branches) => {
                let words: Option<Vec<_>> = branches.iter().map(Self::own_words).collect();
                words.map(|words| words.concat())
            }
            Self::Repeat { body, min: 0, max: Some(1) } => {
                body.own_words().map(|words| words.into_iter().chain([Vec::new()]).collect())
            }
            Self::Look(_) | Self::Repeat { .. } => None,
        }
    }

    /// An estimate, on the high side, of the bytes that PCRE2 compiles it to.
    pub(super) fn compiled_size(&self) -> u64 {
        match self {
            Self::Set(set) if set.only().is_some() => 2,
            Self::Set(_) | Self::Look(_) => 40,
            Self::Concat(parts) => parts.iter().fold(0, |sum, part| sum.saturating_add(part.compiled_size())),
            Self::Alt(branches) => {
                branches.iter().fold(6, |sum, branch| sum.saturating_add(branch.compiled_size()).saturating_add(6))
            }
            Self::Repeat { body, .. } if matches!(**body, Self::Set(_)) => body.compiled_size().saturating_add(16),
            Self::Repeat { body, min, max } => {
                let copies = u64::from(max.unwrap_or(min.saturating_add(1)));
                body.compiled_size().saturating_add(16).saturating_mul(copies)
            }
        }
    }

    /// The same without texts that contain one of `bytes`.
    pub(super) fn without(self, bytes: ByteSet) -> Self {
        match self {
            Self::Set(set) => Self::Set(set.without(bytes)),
            Self::Look(look) => Self::Look(look),
            Self::Concat(parts) => Self::Concat(parts.into_iter().map(|part| part.without(bytes)).collect()),
            Self::Alt(branches) => Self::Alt(branches.into_iter().map(|branch| branch.without(bytes)).collect()),
            Self::Repeat { body, min, max } => Self::Repeat { body: Box::new(body.without(bytes)), min, max },
        }
    }

    /// The same for a text that begins here: anchors at its beginning say nothing.
    pub(super) fn strip_start(self) -> Self {
        self.strip(Look::Start, false)
    }

    /// The same for a text that ends here: anchors at its end say nothing.
    pub(super) fn strip_end(self) -> Self {
        self.strip(Look::End, true)
    }

    fn strip(self, anchor: Look, at_end: bool) -> Self {
        match self {
            Self::Look(look) if look == anchor => Self::EMPTY,
            Self::Alt(branches) => Self::alt(branches.into_iter().map(|branch| branch.strip(anchor, at_end))),
            Self::Concat(mut parts) => {
                while let Some(edge) = if at_end { parts.pop() } else { take_first(&mut parts) } {
                    let stripped = edge.strip(anchor, at_end);
                    if stripped != Self::EMPTY {
                        let position = if at_end { parts.len() } else { 0 };
                        parts.insert(position, stripped);
                        break;
                    }
                }
                Self::concat(parts)
            }
            other => other,
        }
    }
}

/// Appends a part. Beside `X*` any `r{m,n}` with `r` in `X` accepts no more and no less than `r{m}`.
fn push_absorbing(parts: &mut Vec<Node>, part: Node) {
    let Some((set, min, open)) = set_repeat(&part) else { return parts.push(part) };
    if let Some((before, _, true)) = parts.last().and_then(set_repeat)
        && set.is_subset(before)
    {
        return push_exactly(parts, set, min);
    }
    while open
        && let Some((before, least, _)) = parts.last().and_then(set_repeat)
        && before.is_subset(set)
    {
        parts.pop();
        if least > 0 {
            push_exactly(parts, before, least);
            break;
        }
    }
    parts.push(part);
}

fn push_exactly(parts: &mut Vec<Node>, set: ByteSet, count: u32) {
    match count {
        0 => {}
        1 => parts.push(Node::Set(set)),
        _ => parts.push(Node::Repeat { body: Box::new(Node::Set(set)), min: count, max: Some(count) }),
    }
}

/// The set, the least number and whether there is no greatest number of a repetition that is not fixed in number.
fn set_repeat(node: &Node) -> Option<(ByteSet, u32, bool)> {
    let Node::Repeat { body, min, max } = node else { return None };
    match **body {
        Node::Set(set) if *max != Some(*min) => Some((set, *min, max.is_none())),
        _ => None,
    }
}

fn take_first(parts: &mut Vec<Node>) -> Option<Node> {
    (!parts.is_empty()).then(|| parts.remove(0))
}
