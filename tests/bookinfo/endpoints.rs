//! The endpoints of the mesh, on loopback: each answers with its address and with what it received.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use amesh_tests::echo::mirror;
use amesh_tests::http::Answer;
use serde_json::Value;

/// The addresses are the captured ones: another run of the tests on this machine may have them for a while.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts all of them once.
pub(crate) fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        for number in [11, 21, 22, 31, 32, 33, 41, 42] {
            for instance in [1, 2] {
                bind(SocketAddr::from(([127, 0, number, instance], 9080)));
            }
        }
    });
}

fn bind(address: SocketAddr) {
    let started = Instant::now();
    while let Err(error) = mirror(address, &address.to_string()) {
        assert!(started.elapsed() < PATIENCE, "{address} is one of the mesh's endpoints: {error}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What an endpoint received, or `None` where the proxy answered.
pub(crate) fn received(answer: &Answer) -> Option<Value> {
    serde_json::from_str::<Value>(&answer.body).ok().filter(|body| body["name"].is_string())
}

/// The address of the endpoint that answered.
pub(crate) fn name(answer: &Answer) -> String {
    received(answer).and_then(|body| body["name"].as_str().map(str::to_owned)).unwrap_or_default()
}
