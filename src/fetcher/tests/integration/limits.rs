//! Messages that are too large or no messages at all, and connections that are not trusted.

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use amesh_fetcher::Event;
use amesh_fetcher::server::{Snapshot, SnapshotSet};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::support::{CDS, Receiver, Running, Server, Told, config, find, resource};

async fn reconnects_because(client: &mut Running) -> (String, Duration) {
    find(&mut client.events, |event| match event {
        Event::Reconnecting { reason, wait } => Some((reason.clone(), *wait)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_message_of_300_mb_is_refused_by_its_size() {
    let mut set = Snapshot::default();
    set.insert(resource(CDS, "huge", &vec![b'x'; 300_000_000])).unwrap();
    let server = Server::start(SnapshotSet::for_all(set)).await;
    let (receiver, mut told) = Receiver::new();
    let mut client = Running::start(config(&server.url()), receiver);
    let (reason, wait) = reconnects_because(&mut client).await;
    assert!(reason.contains("300000") && reason.contains("209715200"), "{reason}");
    assert!(wait >= Duration::from_secs(15), "it will come again: {wait:?}");
    assert_eq!(told.recv().await, Some(Told::Session));
    assert!(told.try_recv().is_err(), "nothing of it reaches the receiver");
    client.stop().await;
}

/// A gRPC server that answers every stream with one message, as the bytes given, and leaves it open as HTTP allows.
async fn answers_with(message: Vec<u8>, encoding: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let message = Bytes::from(message);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let message = message.clone();
            let service = service_fn(move |_| {
                let response = Response::builder()
                    .header("content-type", "application/grpc")
                    .header("grpc-encoding", encoding)
                    .body(Full::new(message.clone()));
                async move { Ok::<_, Infallible>(response.unwrap()) }
            });
            tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

fn frame(compressed: bool, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[u8::from(compressed)], &length[..], payload].concat()
}

#[tokio::test]
async fn the_limit_holds_after_decompression() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![0; 300_000_000]).unwrap();
    let packed = gzip.finish().unwrap();
    assert!(packed.len() < 1_000_000);
    let (receiver, _told) = Receiver::new();
    let url = answers_with(frame(true, &packed), "gzip").await;
    let mut client = Running::start(config(&url), receiver);
    let (reason, wait) = reconnects_because(&mut client).await;
    assert!(reason.contains("209715200"), "{reason}");
    assert!(wait >= Duration::from_secs(15));
    client.stop().await;
}

#[tokio::test]
async fn a_garbled_message_ends_the_stream_and_says_where() {
    let (receiver, mut told) = Receiver::new();
    let url = answers_with(frame(false, b"\x0a\x01v\x12\x7ftoo short"), "identity").await;
    let mut client = Running::start(config(&url), receiver);
    let (reason, _) = reconnects_because(&mut client).await;
    assert_eq!(
        reason,
        "a response is not a protobuf message, from byte 3 on: field 2 says 127 bytes, the message ends after 9"
    );
    assert_eq!(told.recv().await, Some(Told::Session));
    assert!(told.try_recv().is_err());
    client.stop().await;
}

#[tokio::test]
async fn what_is_no_control_plane_is_named() {
    let (receiver, _told) = Receiver::new();
    let server = Server::start(SnapshotSet::default()).await;
    // TLS where there is none.
    let mut client = Running::start(config(&format!("https://{}", server.address)), receiver);
    let (reason, _) = reconnects_because(&mut client).await;
    assert!(!reason.is_empty());
    client.stop().await;
}
