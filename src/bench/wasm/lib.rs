//! The translator alone as a wasm module: the same work as in the native benchmark, without a plugin around it.
//!
//! A caller asks for a buffer, writes a message into it and has it ingested.
#![allow(unsafe_code, reason = "exported functions have fixed names; nothing else is unsafe")]

use std::cell::RefCell;

use amesh_translator::{Answer, Envelope, Options, Translator};

struct Bench {
    translator: Translator,
    message: Vec<u8>,
    json: Vec<u8>,
}

impl Default for Bench {
    fn default() -> Self {
        Self { translator: Translator::new(Options::default()), message: Vec::new(), json: Vec::new() }
    }
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::default();
}

/// Forgets everything.
#[unsafe(no_mangle)]
pub extern "C" fn reset() {
    BENCH.take();
}

/// A buffer for the next message.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(length: usize) -> *mut u8 {
    BENCH.with_borrow_mut(|bench| {
        bench.message = vec![0; length];
        bench.message.as_mut_ptr()
    })
}

/// Ingests the message in the buffer; 0 where anything in it was refused.
#[unsafe(no_mangle)]
pub extern "C" fn ingest() -> u32 {
    BENCH.with_borrow_mut(|bench| {
        let message = std::mem::take(&mut bench.message).into();
        let verdict = bench.translator.ingest(message, Envelope::default());
        u32::from(verdict.verdict == Answer::Ack)
    })
}

/// Writes what has to change in APISIX as JSON and returns its length.
#[unsafe(no_mangle)]
pub extern "C" fn pending() -> usize {
    BENCH.with_borrow_mut(|bench| {
        bench.json.clear();
        bench.translator.pending().write_json(&mut bench.json);
        bench.json.len()
    })
}

/// The changes are applied.
#[unsafe(no_mangle)]
pub extern "C" fn commit() {
    BENCH.with_borrow_mut(|bench| bench.translator.commit());
}

/// Ingests the message in the buffer, writes what has to change and commits it: one call, as calls from outside take
/// longer than the work in some engines. Returns the length of the JSON; 0 where anything was refused.
#[unsafe(no_mangle)]
pub extern "C" fn change() -> usize {
    if ingest() == 0 {
        return 0;
    }
    let length = pending();
    commit();
    length
}
