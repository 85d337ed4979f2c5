//! `amesh demo`: the main job on the bundled Bookinfo mesh, told step by step.
//!
//! Everything is real: an ADS server on loopback, the fetcher, `amesh.wasm` in the embedded host, the file. Only the
//! resources are canned: what an Istio control plane sent to the proxy beside productpage (`examples/bookinfo`).

mod bookinfo;
mod progress;
mod story;

use crate::args::DemoArgs;
use crate::exit::{Exit, Failure};
use crate::sink::{Configuration, FileSink};
use crate::{embedded, runtime};
use amesh_fetcher::server::{ServerEventSink, SnapshotSet, serve};
use amesh_fetcher::{CancellationToken, Client, ClientConfig, Event, EventSink, Identity};
use progress::Progress;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use story::Story;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

/// It takes about a second; whatever takes this long does not come any more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells the story.
pub(crate) fn run(args: DemoArgs) -> Result<Exit, Failure> {
    runtime::run(|stop| async move {
        let told = tell(&args, stop.clone()).await;
        stop.cancel();
        told.map(|()| Exit::Clean)
    })
}

async fn tell(args: &DemoArgs, stop: CancellationToken) -> Result<(), Failure> {
    let mut story = Story::begin();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());

    story.step("A control plane starts: amesh serve, with what Istio generates for Bookinfo");
    let before = bookinfo::before().map_err(|error| failed(&error))?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    story.serving(&before, address);
    let (snapshots, receiver) = watch::channel(Arc::new(SnapshotSet::for_all(before)));
    let silent: ServerEventSink = Arc::new(|_| {});
    tokio::spawn(serve(listener, receiver, silent, stop.clone()));

    story.step("amesh.wasm is loaded into the embedded host, which behaves as APISIX's does");
    let module = embedded::find(args.module.module.as_deref())?;
    let ingest = embedded::start(&module, r#"{"apply":"none"}"#)?;
    story.loaded(&module);

    story.step("The fetcher connects, and hands on what it receives");
    let (written, writes) = mpsc::channel::<Configuration>();
    let note = move |configuration: &Configuration| drop(written.send(configuration.clone()));
    let sink = FileSink::new(ingest, args.out.clone(), note);
    let (sender, events) = unbounded_channel::<Event>();
    let told: EventSink = Arc::new(move |event| drop(sender.send(event)));
    let config = ClientConfig::new(format!("http://{address}"), node());
    let client = Client::new(config, sink, told).map_err(|error| failed(&error))?;
    let client = tokio::spawn(client.run(stop.clone()));
    let mut progress = Progress::new(events, &stop);
    progress.until_settled(&mut story, PATIENCE).await?;
    let first = writes.try_iter().last().unwrap_or_default();
    story.written(&args.out, &first);

    story.step("The mesh changes: all traffic to v1 of reviews, ratings, details and productpage");
    let after = bookinfo::after().map_err(|error| failed(&error))?;
    snapshots.send_replace(Arc::new(SnapshotSet::for_all(after)));
    progress.until_settled(&mut story, PATIENCE).await?;
    let second = writes.try_iter().last().unwrap_or_default();
    story.changed(&args.out, &first, &second)?;

    stop.cancel();
    // It has nothing left to do; how it ended makes no difference.
    let _ended = client.await;
    story.end(&args.out);
    Ok(())
}

/// As in `examples/bookinfo/xds/CAPTURED.json`.
fn node() -> Identity {
    Identity {
        id: "sidecar~127.0.11.1~productpage-v1.default~default.svc.cluster.local".to_owned(),
        cluster: "productpage.default".to_owned(),
        ..Identity::default()
    }
}
