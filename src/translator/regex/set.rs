//! Sets of bytes.

/// A set of bytes, as one item of an expression matches them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet {
    low: u128,
    high: u128,
}

impl ByteSet {
    pub(super) const EMPTY: Self = Self { low: 0, high: 0 };
    pub(super) const ALL: Self = Self { low: u128::MAX, high: u128::MAX };

    pub(super) const QUESTION_MARK: Self = Self { low: 1 << b'?', high: 0 };

    pub(super) fn byte(byte: u8) -> Self {
        let bit = 1_u128.checked_shl(u32::from(byte & 0x7f)).unwrap_or_default();
        if byte < 0x80 { Self { low: bit, high: 0 } } else { Self { low: 0, high: bit } }
    }

    pub(super) fn range(first: u8, last: u8) -> Self {
        (first..=last).fold(Self::EMPTY, |set, byte| set.union(Self::byte(byte)))
    }

    pub(super) fn contains(self, byte: u8) -> bool {
        !self.is_disjoint(Self::byte(byte))
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    pub(super) fn intersection(self, other: Self) -> Self {
        Self { low: self.low & other.low, high: self.high & other.high }
    }

    pub(super) fn complement(self) -> Self {
        Self { low: !self.low, high: !self.high }
    }

    pub(super) fn without(self, other: Self) -> Self {
        self.intersection(other.complement())
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    pub(super) fn is_disjoint(self, other: Self) -> bool {
        self.intersection(other).is_empty()
    }

    pub(super) fn is_subset(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    /// Some bytes outside ASCII are in the set.
    pub(super) fn is_wide(self) -> bool {
        self.high != 0
    }

    fn len(self) -> u32 {
        self.low.count_ones().saturating_add(self.high.count_ones())
    }

    /// The byte of a set of one.
    pub(super) fn only(self) -> Option<u8> {
        match (self.len(), self.low) {
            (1, 0) => u8::try_from(self.high.trailing_zeros()).ok().map(|bit| bit | 0x80),
            (1, low) => u8::try_from(low.trailing_zeros()).ok(),
            _ => None,
        }
    }

    /// ASCII letters of the set in both cases.
    pub(super) fn fold_case(self) -> Self {
        let letters = (b'a'..=b'z').filter(|byte| self.contains(*byte) || self.contains(byte.to_ascii_uppercase()));
        letters.fold(self, |set, byte| set.union(Self::byte(byte)).union(Self::byte(byte.to_ascii_uppercase())))
    }

    /// The set as one item of a PCRE pattern.
    pub(super) fn to_pcre(self) -> String {
        if let Some(byte) = self.only() {
            let mut text = String::new();
            push_byte(&mut text, byte, r"\^$.|?*+()[]{}");
            return text;
        }
        if self == Self::ALL {
            return r"[\s\S]".to_owned();
        }
        let negated = self.len() > 128;
        let shown = if negated { self.complement() } else { self };
        let mut text = if negated { "[^".to_owned() } else { "[".to_owned() };
        for (first, last) in shown.ranges() {
            push_byte(&mut text, first, r"\^-[]");
            if last.saturating_sub(first) > 1 {
                text.push('-');
            }
            if last != first {
                push_byte(&mut text, last, r"\^-[]");
            }
        }
        text.push(']');
        text
    }

    fn ranges(self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| self.contains(*byte)) {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }
}

fn push_byte(text: &mut String, byte: u8, escaped: &str) {
    let c = char::from(byte);
    match byte {
        b'\n' => text.push_str(r"\n"),
        b'\t' => text.push_str(r"\t"),
        b' '..=b'~' => {
            if escaped.contains(c) {
                text.push('\\');
            }
            text.push(c);
        }
        _ => {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
            text.extend(['\\', 'x', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
