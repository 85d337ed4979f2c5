//! What cannot be seen from outside the module: a caller that goes away while its call is under way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on shall fail"
)]

use amesh_standalone::Response;
use std::rc::Rc;

use bytes::Bytes;
use serde_json::Value;

use self::messages::{clusters, listeners, routes};
use super::{Config, Instance, Job, Record, Reply, Request};
use crate::call::Call;

#[path = "tests/support/messages.rs"]
mod messages;

const NOW: u64 = 1_767_225_600_000;
const EMPTY: &str = r#"{"routes_conf_version":1,"upstreams_conf_version":1}"#;

struct Worker {
    config: Rc<Config>,
    instance: Instance,
}

impl Worker {
    fn new() -> Self {
        let config = Rc::new(Config::parse(br#"{"apply":"standalone","admin":{"key":"k"}}"#).unwrap());
        let instance = Instance::new(Rc::clone(&config), Record::default());
        Self { config, instance }
    }

    fn post(&mut self, path: &str, sequence: &str, body: Vec<u8>, now: u64) -> Reply {
        let header = |name: &str| match name {
            ":method" => "POST".to_owned(),
            ":path" => format!("/amesh/v1/{path}"),
            "x-amesh-session" => "s".to_owned(),
            "x-amesh-sequence" => sequence.to_owned(),
            _ => String::new(),
        };
        let request = Request::admit(&self.config, "127.0.0.1", header).unwrap();
        self.instance.handle(&self.config, &request, Bytes::from(body), Some(now))
    }

    /// Hears a small mesh, up to the call that reads the document.
    fn hear(&mut self) -> Job {
        answer(self.post("session", "", Vec::new(), NOW));
        answer(self.post("stream", "1", clusters("1", &[("a", 8001)]), NOW));
        answer(self.post("stream", "2", listeners("1"), NOW));
        job(self.post("stream", "3", routes("1", &[("/", "a")]), NOW))
    }
}

fn answer(reply: Reply) -> Value {
    let Reply::Answer(answer) = reply else { panic!("no answer: {reply:?}") };
    serde_json::from_slice(&answer.body).unwrap()
}

fn job(reply: Reply) -> Job {
    let Reply::Call(job) = reply else { panic!("no call: {reply:?}") };
    job
}

fn response(status: u32, body: &str) -> Response {
    Response { status, body: body.as_bytes().to_vec() }
}

#[test]
fn a_caller_that_goes_away_blocks_nobody() {
    let mut worker = Worker::new();
    drop(worker.hear());
    assert_eq!(answer(worker.post("flush", "", Vec::new(), NOW)).get("error"), Some(&"busy".into()));
    worker.instance.abort();
    let job = job(worker.post("flush", "", Vec::new(), NOW));
    assert!(matches!(job.call, Call::Read), "and the changes are still pending");
}

#[test]
fn a_write_without_an_answer_is_checked_by_reading() {
    let mut worker = Worker::new();
    let read = worker.hear();
    let write = job(worker.instance.resume(read, Some(&response(200, EMPTY)), Some(NOW)));
    let Call::Write { body, digest, last: true } = write.call else { panic!("no write: {write:?}") };
    assert!(digest.starts_with("amesh-amesh-"), "{digest}");
    worker.instance.abort();
    // APISIX had taken it.
    let read = job(worker.post("flush", "", Vec::new(), NOW + 5_000));
    let done = answer(worker.instance.resume(read, Some(&response(200, &body)), Some(NOW + 5_000)));
    assert_eq!(done.pointer("/apply/state"), Some(&"applied".into()));
}

#[test]
fn each_document_has_a_digest_of_its_own() {
    let digest = |now: u64, document: &str| {
        let mut worker = Worker::new();
        let read = worker.hear();
        match job(worker.instance.resume(read, Some(&response(200, document)), Some(now))).call {
            Call::Write { digest, .. } => digest,
            Call::Read => panic!("no write"),
        }
    };
    let other = r#"{"routes_conf_version":2,"upstreams_conf_version":1}"#;
    assert_ne!(digest(NOW, EMPTY), digest(NOW, other));
    assert_ne!(digest(NOW, EMPTY), digest(NOW + 1, EMPTY));
}
