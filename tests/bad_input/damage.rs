//! Damaged messages and random bytes: no panic, no trap, and both receivers say and hold the same afterwards.
//!
//! Seeds are fixed; `AMESH_LONG` runs many more.

use amesh_tests::message::{CLUSTER, ENDPOINTS, LISTENER, ROUTES, response};
use amesh_tests::session::{Native, Receiver};
use amesh_tests::worker::Worker;
use amesh_translator::Options;
use fastrand::Rng;

use crate::running::responses;

/// Damaged messages that go to the translator, and how many of them go to the module as well.
const RUNS: (u64, u64) = (3_000, 300);
/// The same for a long run.
const LONG: (u64, u64) = (100_000, 10_000);
/// Messages to one receiver, which keeps what they bring.
const SESSION: u64 = 50;

fn damaged(rng: &mut Rng, good: &[Vec<u8>]) -> Vec<u8> {
    if rng.u8(..8) == 0 {
        return random(rng);
    }
    let mut message = good[rng.usize(..good.len())].clone();
    for _ in 0..rng.usize(1..6) {
        damage(rng, &mut message);
    }
    message
}

/// One resource of random bytes in a sound envelope.
fn random(rng: &mut Rng) -> Vec<u8> {
    let bytes: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
    let url = [CLUSTER, ENDPOINTS, LISTENER, ROUTES][rng.usize(..4)];
    let named = [&[0x0a, 1, b'x'], bytes.as_slice()].concat();
    response(url, "1", [if rng.bool() { named } else { bytes }])
}

fn damage(rng: &mut Rng, message: &mut Vec<u8>) {
    if message.is_empty() {
        return message.push(rng.u8(..));
    }
    let (at, byte) = (rng.usize(..message.len()), rng.u8(..));
    let end = (at + rng.usize(1..64)).min(message.len());
    match rng.u8(..6) {
        0 => message[at] = byte,
        1 => message[at] ^= 1 << rng.u8(..8),
        2 => message.insert(at, byte),
        3 => drop(message.drain(at..end)),
        4 => {
            let copy = message[at..end].to_vec();
            let to = rng.usize(..message.len());
            message.splice(to..to, copy);
        }
        _ => message.truncate(message.len() - rng.usize(..message.len().min(64))),
    }
}

/// One session: sound messages first, damaged ones after.
fn session(seed: u64, worker: Option<&mut Worker>) {
    let mut rng = Rng::with_seed(seed);
    let good = responses();
    let damaged = (0..SESSION).map(|_| damaged(&mut rng, &good));
    let messages: Vec<Vec<u8>> = good.iter().cloned().chain(damaged).collect();
    let mut native = Native::new(Options::default());
    let answers: Vec<_> = messages.iter().map(|message| native.stream(message).expect("an answer")).collect();
    let Some(worker) = worker else { return };
    worker.open().expect("a session");
    for (index, (message, answer)) in messages.iter().zip(answers).enumerate() {
        assert_eq!(worker.stream(message), Ok(answer), "seed {seed}, message {index}");
    }
    assert_eq!(worker.diagnostics(), native.diagnostics(), "seed {seed}");
}

#[test]
fn damaged_messages_neither_panic_nor_trap() {
    let (native, module) = if std::env::var_os("AMESH_LONG").is_some() { LONG } else { RUNS };
    let mut worker = Worker::start("{}");
    for seed in 0..native / SESSION {
        session(seed, worker.as_mut().filter(|_| seed < module / SESSION));
    }
}
