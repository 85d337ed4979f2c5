//! Reads the envelope of a `DiscoveryResponse` and leaves its resources alone.
//!
//! One pass over the fields of the message finds version, type and nonce, and where each resource lies. A resource is
//! never decoded; the one thing read inside it is its name, which is field 1, a string, in every resource type that is
//! asked for by name (`name`, in `ClusterLoadAssignment` `cluster_name`). Resources in the wrapper
//! `envoy.service.discovery.v3.Resource` carry their name in the wrapper's field 3.

use std::ops::Range;

use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::wire::{Any, RESOURCE_WRAPPER};

const VERSION_INFO: u32 = 1;
const RESOURCES: u32 = 2;
const TYPE_URL: u32 = 4;
const NONCE: u32 = 5;

/// Why a message is not a `DiscoveryResponse`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are not a protobuf message.
    #[error("not a protobuf message, from byte {offset} on: {reason}")]
    Protobuf {
        /// Where the field starts that cannot be read.
        offset: usize,
        /// What the decoder says.
        reason: String,
    },
    /// A field of the envelope has another type than `DiscoveryResponse` gives it.
    #[error("field {field} at byte {offset} has the wrong type for a DiscoveryResponse")]
    FieldType {
        /// The field number.
        field: u32,
        /// Where the field starts.
        offset: usize,
    },
    /// A text field of the envelope is not UTF-8.
    #[error("field {field} at byte {offset} is not UTF-8")]
    Utf8 {
        /// The field number.
        field: u32,
        /// Where the field starts.
        offset: usize,
    },
}

/// A `DiscoveryResponse` as received, with its envelope read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The whole message, as received.
    pub bytes: Bytes,
    /// `version_info`.
    pub version: String,
    /// `type_url`.
    pub type_url: String,
    /// `nonce`.
    pub nonce: String,
    /// Where each field `resources` lies in `bytes`, key and length included.
    pub(crate) resources: Vec<Range<usize>>,
    /// Where every other field lies that is not version, type or nonce.
    pub(crate) others: Vec<Range<usize>>,
}

impl Envelope {
    /// Reads the envelope; costs in proportion to the number of resources, not to their size.
    pub fn read(bytes: Bytes) -> Result<Self, EnvelopeError> {
        let mut envelope = Self {
            bytes: bytes.clone(),
            version: String::new(),
            type_url: String::new(),
            nonce: String::new(),
            resources: Vec::new(),
            others: Vec::new(),
        };
        let total = bytes.len();
        let mut rest = bytes;
        while rest.has_remaining() {
            let offset = total.saturating_sub(rest.len());
            let field = Field::read(&mut rest, offset)?;
            let range = offset..total.saturating_sub(rest.len());
            envelope.place(&field, range)?;
        }
        Ok(envelope)
    }

    fn place(&mut self, field: &Field, range: Range<usize>) -> Result<(), EnvelopeError> {
        match field.number {
            VERSION_INFO => self.version = field.text(range.start)?,
            TYPE_URL => self.type_url = field.text(range.start)?,
            NONCE => self.nonce = field.text(range.start)?,
            RESOURCES => {
                field.payload(range.start)?;
                self.resources.push(range);
            }
            _ => self.others.push(range),
        }
        Ok(())
    }

    /// How many resources the message holds.
    #[must_use]
    pub fn resource_count(&self) -> usize {
        self.resources.len()
    }

    /// Each resource as it lies in the message, key and length included, with its name where one can be read.
    pub(crate) fn named_resources(&self) -> impl Iterator<Item = (Option<String>, Bytes)> + '_ {
        self.resources.iter().map(|range| {
            let field = self.bytes.slice(range.clone());
            (resource_name(field.clone()), field)
        })
    }
}

/// The name of the resource in one field `resources`, key and length included.
fn resource_name(mut field: Bytes) -> Option<String> {
    let any = Field::read(&mut field, 0).ok()?.payload?;
    any_name(&Any::decode(any).ok()?)
}

/// The name of a packed resource: field 1 of its value, field 3 where it is in a `Resource` wrapper.
pub(crate) fn any_name(any: &Any) -> Option<String> {
    let number = if any.type_url == RESOURCE_WRAPPER { 3 } else { 1 };
    let mut rest = any.value.clone();
    while rest.has_remaining() {
        let field = Field::read(&mut rest, 0).ok()?;
        if field.number == number {
            return field.text(0).ok();
        }
    }
    None
}

/// One field of a message.
struct Field {
    number: u32,
    /// The payload of a length-delimited field; `None` for the other wire types.
    payload: Option<Bytes>,
}

impl Field {
    fn read(rest: &mut Bytes, offset: usize) -> Result<Self, EnvelopeError> {
        Self::parse(rest).map_err(|reason| EnvelopeError::Protobuf { offset, reason })
    }

    fn parse(rest: &mut Bytes) -> Result<Self, String> {
        let (number, wire_type) = decode_key(rest).map_err(|error| error.to_string())?;
        if wire_type != WireType::LengthDelimited {
            skip_field(wire_type, number, rest, DecodeContext::default()).map_err(|error| error.to_string())?;
            return Ok(Self { number, payload: None });
        }
        let length = decode_varint(rest).map_err(|error| error.to_string())?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > rest.remaining() {
            return Err(format!("field {number} says {length} bytes, the message ends after {}", rest.remaining()));
        }
        Ok(Self { number, payload: Some(rest.split_to(length)) })
    }

    fn payload(&self, offset: usize) -> Result<&Bytes, EnvelopeError> {
        self.payload.as_ref().ok_or(EnvelopeError::FieldType { field: self.number, offset })
    }

    fn text(&self, offset: usize) -> Result<String, EnvelopeError> {
        let text = std::str::from_utf8(self.payload(offset)?);
        text.map(str::to_owned).map_err(|_| EnvelopeError::Utf8 { field: self.number, offset })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::wire::DiscoveryResponse;

    fn response(resources: Vec<Any>) -> Bytes {
        let message =
            DiscoveryResponse { version_info: "7".into(), resources, type_url: "t/X".into(), nonce: "n7".into() };
        message.encode_to_vec().into()
    }

    fn any(type_url: &str, value: &'static [u8]) -> Any {
        Any { type_url: type_url.into(), value: Bytes::from_static(value) }
    }

    #[test]
    fn reads_envelope_and_names_without_decoding_resources() {
        // Field 1 = "ab" after an unknown varint field; then a wrapper with field 3 = "w"; then no name at all.
        let bytes = response(vec![
            any("t/X", b"\x10\x01\x0a\x02ab\xff"),
            any(RESOURCE_WRAPPER, b"\x0a\x01v\x1a\x01w"),
            any("t/X", b"\xff\xff"),
        ]);
        let envelope = Envelope::read(bytes.clone()).unwrap();
        assert_eq!((envelope.version.as_str(), envelope.type_url.as_str()), ("7", "t/X"));
        assert_eq!(envelope.nonce, "n7");
        let names: Vec<_> = envelope.named_resources().map(|(name, _)| name).collect();
        assert_eq!(names, [Some("ab".to_owned()), Some("w".to_owned()), None]);
        assert_eq!(envelope.bytes, bytes);
    }

    #[test]
    fn says_where_a_broken_message_breaks() {
        let bytes = response(vec![any("t/X", b"\x0a\x01a")]);
        for cut in 1..bytes.len() {
            let read = Envelope::read(bytes.slice(..cut));
            if let Err(EnvelopeError::Protobuf { offset, .. }) = read {
                assert!(offset < cut);
            }
        }
        let wrong_type = Envelope::read(Bytes::from_static(b"\x10\x01"));
        assert_eq!(wrong_type, Err(EnvelopeError::FieldType { field: 2, offset: 0 }));
        assert_eq!(
            Envelope::read(Bytes::from_static(b"\x0a\x01\xff")),
            Err(EnvelopeError::Utf8 { field: 1, offset: 0 })
        );
    }
}
