//! A receiver in the middle of its work: Bookinfo's sidecar is in force.

use amesh_tests::files::root;
use amesh_tests::session::{Answer, Native, Receiver};
use amesh_tests::worker::Worker;
use amesh_translator::{Kind, Limits, Options};
use serde_json::{Value, json};

/// The responses that are in force, in the order in which they came.
pub(crate) fn responses() -> Vec<Vec<u8>> {
    let folder = root().join("examples/bookinfo/xds/sidecar/before");
    ["cds", "eds", "lds", "rds"].map(|file| std::fs::read(folder.join(format!("{file}.pb"))).unwrap()).to_vec()
}

/// A receiver, and what is in force there.
pub(crate) trait Running: Receiver {
    fn in_force(&mut self) -> Value;
}

impl Running for Native {
    fn in_force(&mut self) -> Value {
        let items = |kind| -> Vec<Value> {
            self.translator.applied(kind).map(|it| serde_json::from_str(it.json).unwrap()).collect()
        };
        json!({"upstreams": items(Kind::Upstreams), "routes": items(Kind::Routes)})
    }
}

impl Running for Worker {
    fn in_force(&mut self) -> Value {
        serde_json::from_slice(&self.ask("GET", "config", &[], b"").unwrap()).unwrap()
    }
}

/// The translator, and the module where it was built, with a bound on the size of a message.
pub(crate) fn receivers(message_bytes: usize) -> Vec<Box<dyn Running>> {
    let limits = Limits { message_bytes, ..Limits::default() };
    let mut receivers: Vec<Box<dyn Running>> = vec![Box::new(Native::new(Options { limits, ..Options::default() }))];
    let configuration = json!({"limits": {"message_bytes": message_bytes}}).to_string();
    if let Some(mut worker) = Worker::start(&configuration) {
        worker.open().unwrap();
        receivers.push(Box::new(worker));
    }
    for receiver in &mut receivers {
        for response in responses() {
            assert_eq!(error(&receiver.stream(&response).unwrap()), None);
        }
        assert_eq!(receiver.in_force()["upstreams"].as_array().unwrap().len(), 4);
    }
    receivers
}

/// The error detail of a NACK.
pub(crate) fn error(answer: &Answer) -> Option<String> {
    let verdict: Value = serde_json::from_str(&answer.verdict).unwrap();
    let detail = verdict["error_detail"].as_str().map(str::to_owned);
    assert_eq!(verdict["verdict"] == "nack", detail.is_some(), "a NACK says why: {verdict}");
    detail
}

/// Sends a message to every receiver; none of them may change anything. Their answers' error details.
pub(crate) fn unchanged(receivers: &mut [Box<dyn Running>], message: &[u8]) -> Vec<Option<String>> {
    let send = |receiver: &mut Box<dyn Running>| {
        let before = receiver.in_force();
        let answer = receiver.stream(message).unwrap();
        assert_eq!(answer.changes, "");
        assert_eq!(receiver.in_force(), before);
        error(&answer)
    };
    receivers.iter_mut().map(send).collect()
}
