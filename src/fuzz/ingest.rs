//! Bytes of a control plane: nothing panics, one input gives one verdict, and what is refused as a whole changes nothing.
#![no_main]

use amesh_translator::{Answer, Counts, Envelope, Options, Translator, Variant};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((flags, message)) = data.split_first() else { return };
    let variant = if flags & 1 == 0 { Variant::Sotw } else { Variant::Delta };
    let envelope = || Envelope { variant, more: flags & 2 != 0 };
    let message = Bytes::copy_from_slice(message);
    let (mut one, mut other) = (Translator::new(Options::default()), Translator::new(Options::default()));
    let verdict = one.ingest(message.clone(), envelope());
    assert_eq!(verdict, other.ingest(message.clone(), envelope()));
    if verdict.verdict == Answer::Nack && verdict.counts == Counts::default() {
        assert_eq!(one.summary(), Translator::new(Options::default()).summary());
    }
    let _ = (one.pending(), one.diagnostics());
    one.commit();
    one.ingest(message, envelope());
});
