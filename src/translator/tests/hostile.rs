//! Messages that nobody meant to send: nothing panics, and what was in force stays.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may fail, and reads files"
)]

mod support;

use amesh_translator::{Answer, Counts, Envelope, Kind, Options, Translator, Variant};
use bytes::Bytes;
use proptest::prelude::*;
use support::captured;

const FILES: [&str; 4] = ["cds", "eds", "lds", "rds"];

fn after(file: &str) -> Bytes {
    captured("sidecar", "after", file)
}

fn running() -> Translator {
    let mut translator = Translator::new(Options::default());
    for file in FILES {
        translator.ingest(after(file), Envelope::default());
    }
    translator.commit();
    translator
}

fn target(translator: &Translator) -> Vec<String> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| translator.target(kind).map(|u| u.json.to_owned()).collect::<Vec<_>>())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400), delta: bool, more: bool) {
        let variant = if delta { Variant::Delta } else { Variant::Sotw };
        Translator::new(Options::default()).ingest(bytes.into(), Envelope { variant, more });
    }

    #[test]
    fn damaged_messages_are_answered_alike_each_time(
        file in 0..FILES.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = after(FILES[file]).to_vec();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let bytes = Bytes::from(bytes);
        let (mut one, mut other) = (running(), running());
        let verdict = one.ingest(bytes.clone(), Envelope::default());
        prop_assert_eq!(&verdict, &other.ingest(bytes, Envelope::default()));
        prop_assert_eq!(target(&one), target(&other));
        if verdict.verdict == Answer::Nack && verdict.counts == Counts::default() {
            prop_assert_eq!(target(&one), target(&running()));
        }
        let _ = (one.pending(), one.diagnostics());
    }
}

/// gRPC's own limit is on the message; inside it, nesting is what could exhaust the stack.
#[test]
fn deep_nesting_is_refused_with_its_place() {
    let mut value = Vec::new();
    for _ in 0..1000 {
        value = field(2, &field(2, &value));
    }
    let url = "type.googleapis.com/envoy.config.listener.v3.Listener";
    let mut listener = field(1, b"deep");
    listener.extend(field(3, &field(3, &field(4, &value))));
    let mut any = field(1, url.as_bytes());
    any.extend(field(2, &listener));
    let mut response = field(2, &any);
    response.extend(field(4, url.as_bytes()));
    let verdict = running().ingest(response.into(), Envelope::default());
    assert_eq!(verdict.verdict, Answer::Nack);
    assert!(verdict.error_detail.unwrap().starts_with("Listener \"deep\""));
}

fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend_from_slice(value);
    bytes
}
