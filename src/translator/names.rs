//! Ids and names of APISIX resources, made from xDS names so that a person finds the way back.

use std::fmt::Write as _;

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// APISIX: `^[a-zA-Z0-9-_.]+$`, at most 64 characters.
const ID_BYTES: usize = 64;
/// APISIX: `name` has at most 256 characters.
const NAME_BYTES: usize = 256;
/// The readable part of an id; a dash and 16 hexadecimal digits follow it.
const READABLE_BYTES: usize = ID_BYTES - 17;

/// The kind of thing that an upstream's id names; other kinds are those of [`crate::plan::TableKey`] and `listener`.
pub(crate) const CLUSTER: &str = "cluster";

/// A content hash, by which an unchanged resource is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentHash(u128);

impl ContentHash {
    /// The hash of some bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes))
    }
}

/// A short hash of a text, which another text may have too.
pub(crate) fn text_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// A number below 10^14 for equal contents: APISIX re-encodes numbers with 14 digits.
pub(crate) fn revision(json: &str) -> u64 {
    xxh3_64(json.as_bytes()).checked_rem(99_999_999_999_999).unwrap_or_default().saturating_add(1)
}

/// A valid id: the readable part of `parts`, then a hash that keeps ids apart: of the instance, of the kind of thing
/// that is named, and of each part.
pub(crate) fn id(instance: &str, kind: &str, parts: &[&str]) -> String {
    let mut id = String::with_capacity(ID_BYTES);
    for (index, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
        let slash = (index > 0).then_some('/');
        let readable = slash.into_iter().chain(part.chars()).map(id_character);
        let free = READABLE_BYTES.saturating_sub(id.len());
        id.extend(readable.take(free));
    }
    // Writing to a string cannot fail.
    let _ = write!(id, "-{:016x}", hash(instance, kind, parts));
    id
}

fn hash(instance: &str, kind: &str, parts: &[&str]) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [instance, kind].iter().chain(parts) {
        // With its length in front no text in one part can pass for two; as wide everywhere, so that ids are the same.
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest()
}

fn id_character(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }
}

/// The longest start of `text` that APISIX takes as a name.
pub(crate) fn name(text: &str) -> &str {
    let end = (0..=NAME_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{id, name, revision};

    #[test]
    fn ids_are_readable_and_distinct() {
        let made = id("amesh", "cluster", &["outbound|9080|v1|reviews.default.svc.cluster.local"]);
        assert!(made.starts_with("outbound_9080_v1_reviews.default.svc.cluster.lo-"), "{made}");
        assert!(made.len() <= 64);
        assert_ne!(id("amesh", "cluster", &["a|b"]), id("amesh", "cluster", &["a_b"]));
        assert_ne!(id("amesh", "cluster", &["a/b"]), id("amesh", "cluster", &["a", "b"]));
        assert_ne!(id("amesh", "cluster", &["a\0b"]), id("amesh", "cluster", &["a", "b"]));
        assert_ne!(id("amesh", "cluster", &["a"]), id("amesh", "listener", &["a"]));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = "ä".repeat(40_000);
        assert_eq!(name(&long).len(), 256);
        assert!(id("amesh", "cluster", &[&long]).len() <= 64);
    }

    #[test]
    fn revisions_fit_into_fourteen_digits() {
        assert!(revision("{}") < 100_000_000_000_000);
        assert_eq!(revision("{}"), revision("{}"));
    }
}
