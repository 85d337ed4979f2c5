//! `amesh serve`: files as a real ADS server.

mod watch;

use crate::args::{InputArgs, ServeArgs};
use crate::exit::{Exit, Failure};
use crate::input::{self, InputError};
use crate::narrate::{say, server, service};
use crate::runtime;
use crate::style::error;
use amesh_batch::{Palette, line, plural};
use amesh_fetcher::CancellationToken;
use amesh_fetcher::server::{ServerEvent, ServerEventSink, Snapshot, SnapshotSet, serve};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch::{Sender, channel};
use watch::Watch;

/// Serves until told to stop.
pub(crate) fn run(args: ServeArgs) -> Result<Exit, Failure> {
    // What cannot be read at the start is bad usage; later it is a mistake in an editor.
    let watch = Watch::new(&args.paths).map_err(Failure::Usage)?;
    let snapshot = load(&watch, &args)?;
    runtime::run(|stop| service_of(args, watch, snapshot, stop))
}

async fn service_of(
    args: ServeArgs,
    watch: Watch,
    snapshot: Snapshot,
    stop: CancellationToken,
) -> Result<Exit, Failure> {
    let unusable = |error| Failure::Failed(format!("{}: {error}", args.listen));
    let listener = TcpListener::bind(args.listen).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    say(&format!("serving xDS on http://{address}: {}", contents(&snapshot)));
    let (snapshots, receiver) = channel(Arc::new(SnapshotSet::for_all(snapshot)));
    let events: ServerEventSink = Arc::new(|event: ServerEvent| say(&server(&event)));
    let watching = keep_up(watch, args, snapshots);
    let serving = serve(listener, receiver, events, stop);
    tokio::select! {
        () = serving => {}
        () = watching => {}
    }
    say("stopped");
    Ok(Exit::Clean)
}

/// Pushes what changes in the files; what is served stays while they cannot be read.
async fn keep_up(mut watch: Watch, args: ServeArgs, snapshots: Sender<Arc<SnapshotSet>>) {
    loop {
        watch.changed().await;
        match load(&watch, &args) {
            Ok(snapshot) => {
                say(&format!("the files have changed: {}", contents(&snapshot)));
                snapshots.send_replace(Arc::new(SnapshotSet::for_all(snapshot)));
            }
            Err(failure) => error(&format!("{failure}; what was served before is served on")),
        }
    }
}

fn load(watch: &Watch, args: &ServeArgs) -> Result<Snapshot, Failure> {
    let files = InputArgs { files: watch.files(), from: args.from, max_size: args.max_size };
    let input = input::read(&files).map_err(|error: InputError| Failure::Input(error))?;
    for remark in &input.remarks {
        say(line(remark, &Palette::COLOURED).trim_end());
    }
    Snapshot::from_responses(input.responses()).map_err(|error| Failure::Usage(error.to_string()))
}

fn contents(snapshot: &Snapshot) -> String {
    let counts: Vec<String> = snapshot.counts().map(|(url, count)| format!("{} {count}", service(url))).collect();
    if counts.is_empty() { plural(0, "resource") } else { counts.join(", ") }
}
