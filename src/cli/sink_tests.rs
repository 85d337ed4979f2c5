#![allow(clippy::unwrap_used, clippy::panic)]
//! The file sink behind a receiver that is made up.

use super::*;
use amesh_fetcher::protocol::{Answer, ApplyMode, Counts, Mode};
use std::sync::mpsc::channel;

/// Answers every message with one change set: a mock of the module.
struct Receiver {
    changes: &'static str,
}

const CHANGES: &str = r#"{"upserts":[{"kind":"routes","id":"r","value":{"id":"r","uri":"/a"}},
    {"kind":"upstreams","id":"u","value":{"id":"u"}}],"deletes":[]}"#;
const DELETE: &str = r#"{"upserts":[],"deletes":[{"kind":"upstreams","id":"u"}]}"#;

fn applied(upserts: u32) -> Apply {
    let state = if upserts > 0 { ApplyState::Applied } else { ApplyState::Unchanged };
    Apply { mode: ApplyMode::None, state, retry_after_ms: None, message: None, upserts, deletes: 0 }
}

#[async_trait]
impl Ingest for Receiver {
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError> {
        let apply = Mode { mode: ApplyMode::None };
        Ok(SessionOpened { session: id.to_owned(), apply, subscribe: Vec::new() })
    }

    async fn stream(&mut self, _: Part) -> Result<StreamAnswer, IngestError> {
        Ok(StreamAnswer {
            verdict: Answer::Ack,
            type_url: String::new(),
            version: String::new(),
            nonce: String::new(),
            error_detail: None,
            subscribe: Vec::new(),
            ready: true,
            outstanding: 0,
            counts: Counts::default(),
            diagnostics: None,
            apply: applied(2),
            changes: Some(RawValue::from_string(self.changes.to_owned()).unwrap()),
        })
    }

    async fn flush(&mut self, _: &str) -> Result<FlushAnswer, IngestError> {
        Ok(FlushAnswer { apply: applied(0), changes: None })
    }

    async fn expire(&mut self, _: &str, _: &str, _: &[String]) -> Result<StreamAnswer, IngestError> {
        Err(IngestError::Rejected(String::new()))
    }
}

fn part() -> Part {
    Part { session: "s".into(), sequence: 1, more: false, hold: false, body: bytes::Bytes::new() }
}

fn sink(path: PathBuf) -> FileSink<Receiver> {
    FileSink::new(Receiver { changes: CHANGES }, path, |_| {})
}

const WRITTEN: &str = "upstreams:\n- id: u\nroutes:\n- id: r\n  uri: /a\n#END\n";

#[tokio::test(flavor = "current_thread")]
async fn the_second_change_within_a_second_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("apisix.yaml");
    let mut sink = sink(path.clone());
    sink.session("s").await.unwrap();
    assert_eq!(sink.stream(part()).await.unwrap().apply.state, ApplyState::Applied);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WRITTEN);
    sink.inner.changes = DELETE;
    let apply = sink.stream(part()).await.unwrap().apply;
    assert_eq!(apply.state, ApplyState::Deferred);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WRITTEN);
    tokio::time::sleep(apply.flush_after().unwrap()).await;
    let apply = sink.flush("s").await.unwrap().apply;
    assert_eq!((apply.state, apply.upserts), (ApplyState::Applied, 2));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("upstreams: []\n"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("is-a-file/apisix.yaml");
    std::fs::write(folder.path().join("is-a-file"), "").unwrap();
    let mut sink = sink(path.clone());
    let apply = sink.stream(part()).await.unwrap().apply;
    assert!(apply.state == ApplyState::Retry && apply.message.unwrap().contains("is-a-file"));
    std::fs::remove_file(folder.path().join("is-a-file")).unwrap();
    assert_eq!(sink.flush("s").await.unwrap().apply.state, ApplyState::Applied);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WRITTEN);
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_there_already_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("apisix.yaml");
    std::fs::write(&path, WRITTEN).unwrap();
    let before = path.metadata().unwrap().modified().unwrap();
    let (sender, told) = channel();
    let mut sink = sink(path.clone());
    sink.watcher = Box::new(move |configuration| sender.send(configuration.clone()).unwrap());
    sink.session("s").await.unwrap();
    assert_eq!(sink.stream(part()).await.unwrap().apply.state, ApplyState::Applied);
    assert_eq!(path.metadata().unwrap().modified().unwrap(), before);
    assert_eq!(told.recv().unwrap().routes.len(), 1);
    // A new session starts from nothing; the file keeps what it has until the session has told everything.
    sink.session("s").await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WRITTEN);
    assert_eq!(sink.flush("s").await.unwrap().apply.state, ApplyState::Applied);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "upstreams: []\nroutes: []\n#END\n");
}
