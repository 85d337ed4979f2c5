//! Writes the wire format. Interprets nothing.

use std::borrow::Cow;

/// The longest message that protocol buffers know.
const MESSAGE_LIMIT: usize = 0x7fff_ffff;

/// One scalar in its wire form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(Cow<'a, [u8]>),
}

impl Scalar<'_> {
    /// Whether a field without presence is as good as not set.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Varint(number) | Self::Fixed64(number) => *number == 0,
            Self::Fixed32(number) => *number == 0,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    /// Appends the value behind its tag.
    pub(super) fn write(&self, number: u32, out: &mut Vec<u8>) {
        let form = match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) => 2,
            Self::Fixed32(_) => 5,
        };
        tag(number, form, out);
        self.write_bare(out);
    }

    /// Appends the value alone, as packed fields have it.
    pub(super) fn write_bare(&self, out: &mut Vec<u8>) {
        match self {
            Self::Varint(number) => varint(*number, out),
            Self::Fixed32(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Fixed64(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Bytes(bytes) => {
                varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), out);
                out.extend_from_slice(bytes);
            }
        }
    }
}

/// A length-delimited field that is being written: where its value begins.
#[derive(Clone, Copy)]
pub(super) struct Open(usize);

/// Begins a length-delimited field.
pub(super) fn open(number: u32, out: &mut Vec<u8>) -> Open {
    tag(number, 2, out);
    Open(out.len())
}

/// Puts the length in front of what has been written since; false if it is beyond the limit.
pub(super) fn close(field: Open, out: &mut Vec<u8>) -> bool {
    let length = out.len().saturating_sub(field.0);
    let mut prefix = Vec::with_capacity(5);
    varint(u64::try_from(length).unwrap_or(u64::MAX), &mut prefix);
    out.splice(field.0..field.0, prefix);
    length <= MESSAGE_LIMIT
}

fn tag(number: u32, form: u64, out: &mut Vec<u8>) {
    varint((u64::from(number) << 3) | form, out);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
