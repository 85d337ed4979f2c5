//! The ingest protocol over HTTP/1.1, against a mock of the plugin's HTTP side.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amesh_fetcher::server::{ServerEvent, SnapshotSet};
use amesh_fetcher::{Event, HttpIngest, Ingest, IngestError, Part};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{CDS, Running, Server, config, find, snapshot};

/// Each connection is a worker with a state of its own, as in nginx.
#[derive(Clone, Default)]
struct Workers {
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    /// Each connection is closed after so many requests.
    requests_each: Option<usize>,
    busy: Arc<AtomicUsize>,
}

impl Workers {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let workers = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                workers.connections.fetch_add(1, Ordering::SeqCst);
                let (workers, known) = (workers.clone(), Arc::new(Mutex::new((None, 0_usize))));
                let service = service_fn(move |request| workers.clone().answer(request, known.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        format!("http://{address}/amesh")
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        known: Arc<Mutex<(Option<String>, usize)>>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let (session, token) = (header("x-amesh-session"), header("authorization").unwrap_or_default());
        let line = format!("{} {token} {}", parts.uri.path(), header("x-amesh-sequence").unwrap_or_default());
        self.requests.lock().unwrap().push(line.trim().to_owned());
        let mut known = known.lock().unwrap();
        known.1 += 1;
        let (status, value) =
            if self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                (503, json!({"error": "busy", "message": "an apply is under way"}))
            } else if parts.uri.path() == "/amesh/v1/session" {
                known.0.clone_from(&session);
                let wildcard = json!([{"type_url": CDS, "wildcard": true, "added": [], "removed": []}]);
                (200, json!({"session": session, "apply": {"mode": "standalone"}, "subscribe": wildcard}))
            } else if known.0 != session {
                (409, json!({"error": "unknown-session", "message": "this worker does not know the session"}))
            } else {
                (200, verdict(body.len()))
            };
        let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
        if self.requests_each.is_some_and(|most| known.1 >= most) {
            response = response.header("connection", "close");
        }
        Ok(response.body(Full::new(value.to_string().into())).unwrap())
    }
}

fn verdict(bytes: usize) -> Value {
    json!({"verdict": "ack", "type_url": CDS, "version": "", "nonce": "", "ready": true,
        "counts": {"accepted": bytes}, "apply": {"mode": "standalone", "state": "applied"}})
}

#[tokio::test]
async fn all_calls_go_over_one_connection_with_the_token() {
    let workers = Workers::default();
    let path = std::env::temp_dir().join(format!("amesh-ingest-token-{}", std::process::id()));
    std::fs::write(&path, "t0ken\n").unwrap();
    let mut ingest = HttpIngest::for_url(&workers.start().await, Some(path.clone())).unwrap();
    ingest.session("s").await.unwrap();
    for sequence in 1..=3 {
        let part =
            Part { session: "s".into(), sequence, more: false, hold: false, body: Bytes::from(vec![0; 1 << 20]) };
        assert_eq!(ingest.stream(part).await.unwrap().counts.accepted, 1 << 20);
    }
    ingest.expire("s", CDS, &["a".into()]).await.unwrap();
    ingest.flush("s").await.unwrap();
    assert!(matches!(ingest.flush("other").await, Err(IngestError::SessionLost(_))));
    assert_eq!(workers.connections.load(Ordering::SeqCst), 1);
    let requests = workers.requests.lock().unwrap().clone();
    assert_eq!(requests[0], "/amesh/v1/session Bearer t0ken");
    assert_eq!(requests[3], "/amesh/v1/stream Bearer t0ken 3");
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn another_worker_is_told_everything_again() {
    // A connection lasts for two requests: session and stream; the next stream meets a worker that knows nothing.
    let workers = Workers { requests_each: Some(2), ..Workers::default() };
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1")]))).await;
    let ingest = HttpIngest::for_url(&workers.start().await, None).unwrap();
    let mut client = Running::start(config(&server.url()), ingest);
    find(&mut server.events, |event| matches!(event, ServerEvent::Ack { .. }).then_some(())).await;
    server.publish(snapshot(&[("a", "1"), ("b", "1")]));
    let (reason, messages) = find(&mut client.events, |event| match event {
        Event::Replaying { reason, messages } => Some((reason.clone(), *messages)),
        _ => None,
    })
    .await;
    assert_eq!((reason.as_str(), messages), ("409 Conflict: this worker does not know the session", 1));
    client.stop().await;
}

#[tokio::test]
async fn a_busy_worker_is_asked_again() {
    let workers = Workers::default();
    workers.busy.store(1, Ordering::SeqCst);
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1")]))).await;
    let ingest = HttpIngest::for_url(&workers.start().await, None).unwrap();
    let mut client = Running::start(config(&server.url()), ingest);
    let wait = find(&mut client.events, |event| match event {
        Event::IngestFailed { wait, .. } => Some(*wait),
        _ => None,
    })
    .await;
    assert_eq!(wait, Duration::from_secs(1));
    find(&mut server.events, |event| matches!(event, ServerEvent::Ack { .. }).then_some(())).await;
    client.stop().await;
}
