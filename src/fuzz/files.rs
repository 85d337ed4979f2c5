//! Files of people, as `amesh translate` and the package read them: nothing panics.
#![no_main]

use amesh_input::Reader;
use amesh_translator::{Envelope, Options, Translator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::default();
    if reader.file("input", data, None).is_err() {
        return;
    }
    let mut translator = Translator::new(Options::default());
    for response in reader.finish().responses() {
        translator.ingest(response, Envelope::default());
    }
    let _ = (translator.pending(), translator.diagnostics());
});
