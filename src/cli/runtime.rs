//! Runs a service until it is told to stop.

use crate::exit::{Exit, Failure};
use amesh_fetcher::CancellationToken;
use std::future::Future;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Runs on one thread; SIGINT and SIGTERM cancel the token that the service is given.
pub(crate) fn run<F>(service: impl FnOnce(CancellationToken) -> F) -> Result<Exit, Failure>
where
    F: Future<Output = Result<Exit, Failure>>,
{
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        cancel_on_signal(&stop).map_err(|error| Failure::Failed(format!("signals: {error}")))?;
        service(stop).await
    })
}

fn cancel_on_signal(stop: &CancellationToken) -> std::io::Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
            // Whoever asks again does not want to wait for a clean end.
            signals.recv().await;
            std::process::exit(130);
        });
    }
    Ok(())
}
