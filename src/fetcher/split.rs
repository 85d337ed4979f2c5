//! Cuts a large `DiscoveryResponse` between its resources, and puts resources together again.
//!
//! Only framing is done here: every resource field is copied as it came. Each part is a valid response with the
//! version, type and nonce of the whole; fields other than resources go with the last part.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::envelope::Envelope;
use crate::wire::DiscoveryResponse;

/// The parts of a message, none above `limit` bytes unless a single resource is. A message within the limit is
/// returned as it came, without copying; there is always at least one part.
#[must_use]
pub fn split(envelope: &Envelope, limit: usize) -> Vec<Bytes> {
    if envelope.bytes.len() <= limit || envelope.resources.len() < 2 {
        return vec![envelope.bytes.clone()];
    }
    let head = head(&envelope.version, &envelope.type_url, &envelope.nonce);
    let mut parts = Parts { head, limit, done: Vec::new(), part: BytesMut::new() };
    for range in &envelope.resources {
        parts.add(&envelope.bytes.slice(range.clone()));
    }
    for range in &envelope.others {
        parts.put(&envelope.bytes.slice(range.clone()));
    }
    parts.finish()
}

/// A response of the given resource fields (key and length included).
pub(crate) fn assemble<'a>(
    version: &str,
    type_url: &str,
    nonce: &str,
    resources: impl Iterator<Item = &'a Bytes>,
) -> Bytes {
    let mut message = BytesMut::from(&head(version, type_url, nonce)[..]);
    resources.for_each(|resource| message.put_slice(resource));
    message.freeze()
}

fn head(version: &str, type_url: &str, nonce: &str) -> Vec<u8> {
    DiscoveryResponse {
        version_info: version.to_owned(),
        resources: Vec::new(),
        type_url: type_url.to_owned(),
        nonce: nonce.to_owned(),
    }
    .encode_to_vec()
}

struct Parts {
    head: Vec<u8>,
    limit: usize,
    done: Vec<Bytes>,
    part: BytesMut,
}

impl Parts {
    /// Adds a resource, to a new part where the current one would grow beyond the limit.
    fn add(&mut self, resource: &Bytes) {
        if !self.part.is_empty() && self.part.len().saturating_add(resource.len()) > self.limit {
            self.done.push(self.part.split().freeze());
        }
        self.put(resource);
    }

    fn put(&mut self, field: &Bytes) {
        if self.part.is_empty() {
            self.part.put_slice(&self.head);
        }
        self.part.put_slice(field);
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.done.push(self.part.freeze());
        self.done
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

    use proptest::prelude::*;

    use super::*;
    use crate::wire::Any;

    fn message(values: &[Vec<u8>], tail: &[u8]) -> Envelope {
        let any = |value: &Vec<u8>| Any { type_url: "t/X".into(), value: value.clone().into() };
        let response = DiscoveryResponse {
            version_info: "v1".into(),
            resources: values.iter().map(any).collect(),
            type_url: "t/X".into(),
            nonce: "n1".into(),
        };
        let mut bytes = response.encode_to_vec();
        bytes.extend_from_slice(tail);
        Envelope::read(bytes.into()).unwrap()
    }

    proptest! {
        /// Whatever the sizes, the parts hold every resource once, in order, byte for byte, within the limit.
        #[test]
        fn parts_put_together_are_the_whole(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..40),
            limit in 1_usize..2000,
        ) {
            // Field 6 (control_plane), a message with an identifier.
            let tail = [0x32, 0x03, 0x0a, 0x01, b'c'];
            let whole = message(&values, &tail);
            let parts = split(&whole, limit);
            let read: Vec<Envelope> = parts.iter().map(|part| Envelope::read(part.clone()).unwrap()).collect();
            let fields = |envelope: &Envelope| envelope.named_resources().map(|(_, field)| field).collect::<Vec<_>>();
            prop_assert_eq!(read.iter().flat_map(&fields).collect::<Vec<_>>(), fields(&whole));
            for (part, envelope) in parts.iter().zip(&read) {
                prop_assert_eq!((&envelope.version, &envelope.type_url, &envelope.nonce),
                    (&whole.version, &whole.type_url, &whole.nonce));
                prop_assert!(part.len() <= limit + tail.len() || envelope.resources.len() <= 1);
            }
            prop_assert_eq!(read.iter().map(|part| part.others.len()).sum::<usize>(), whole.others.len());
            let again = assemble("v1", "t/X", "n1", fields(&whole).iter());
            prop_assert_eq!(&DiscoveryResponse::decode(again).unwrap(), &DiscoveryResponse::decode(whole.bytes).unwrap());
        }
    }

    #[test]
    fn a_message_within_the_limit_is_not_touched() {
        let whole = message(&[vec![1; 50], vec![2; 50]], &[]);
        let parts = split(&whole, 1 << 20);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts.first().unwrap().as_ptr(), whole.bytes.as_ptr(), "the same bytes, not a copy");
    }
}
