//! Reads the wire format of protocol buffers, one field at a time, out of a slice.
//!
//! Copies nothing and interprets nothing; every length is checked before it is used.

use thiserror::Error;

/// Why bytes are not a protocol buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The input ends inside a field, or a length reaches beyond the end of its message.
    #[error("the bytes end inside a field")]
    Truncated,
    /// A varint of more than 64 bits.
    #[error("a number is longer than 64 bits")]
    Varint,
    /// Field numbers run from 1 to 536,870,911.
    #[error("a field number is out of range")]
    FieldNumber,
    /// Wire types 6 and 7 do not exist.
    #[error("a wire type does not exist")]
    NoWireType,
    /// The field is declared with another type than the bytes have.
    #[error("the field has another type on the wire than in its declaration")]
    WrongWireType,
    /// A group (a form that proto3 does not have) ends without having begun.
    #[error("a group ends that did not begin")]
    Group,
    /// Messages lie in each other more than 64 deep.
    #[error("messages are nested too deep")]
    TooDeep,
}

/// The form of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Length,
    StartGroup,
    EndGroup,
    Fixed32,
}

/// A value as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    /// The value of a fixed-size or length-delimited field.
    Bytes(&'a [u8]),
    Group,
}

impl Value<'_> {
    /// Whether a field without presence is as good as not set.
    pub(crate) fn is_zero(self) -> bool {
        match self {
            Self::Varint(number) => number == 0,
            Self::Bytes(bytes) => bytes.iter().all(|byte| *byte == 0),
            Self::Group => false,
        }
    }
}

/// Reads fields off the front of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The number and form of the next field; `None` at the end.
    #[inline]
    pub(crate) fn tag(&mut self) -> Result<Option<(u32, WireType)>, Problem> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| Problem::FieldNumber)?;
        let wire_type = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            _ => return Err(Problem::NoWireType),
        };
        match key >> 3 {
            0 => Err(Problem::FieldNumber),
            number => Ok(Some((number, wire_type))),
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Problem> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Problem> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Problem::Truncated)?;
            self.rest = rest;
            // The tenth byte holds the last bit.
            if shift == 63 && *byte > 1 {
                return Err(Problem::Varint);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Problem::Varint)
    }

    /// A length and that many bytes.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], Problem> {
        let length = usize::try_from(self.varint()?).map_err(|_| Problem::Truncated)?;
        self.take(length)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The value behind a tag; `depth` is how many more groups may lie in each other.
    #[inline]
    pub(crate) fn value(&mut self, number: u32, form: WireType, depth: u32) -> Result<Value<'a>, Problem> {
        match form {
            WireType::Varint => self.varint().map(Value::Varint),
            WireType::Length => self.delimited().map(Value::Bytes),
            WireType::Fixed32 => self.take(4).map(Value::Bytes),
            WireType::Fixed64 => self.take(8).map(Value::Bytes),
            WireType::StartGroup => self.group(number, depth).map(|()| Value::Group),
            WireType::EndGroup => Err(Problem::Group),
        }
    }

    /// Reads on behind the end of the group that has just begun.
    fn group(&mut self, number: u32, depth: u32) -> Result<(), Problem> {
        let below = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
        while let Some((inner, form)) = self.tag()? {
            if form == WireType::EndGroup {
                return if inner == number { Ok(()) } else { Err(Problem::Group) };
            }
            self.value(inner, form, below)?;
        }
        Err(Problem::Truncated)
    }
}
