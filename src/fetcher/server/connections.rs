//! Accepts connections and runs the streams on them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request as HttpRequest, Response as HttpResponse};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::codec::Streaming;
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tower_service::Service;

use super::event::{ServerEvent, ServerEventSink};
use super::snapshot::SnapshotSet;
use super::stream::ClientStream;
use crate::codec::{PayloadCodec, Proto};
use crate::wire::{DiscoveryRequest, DiscoveryResponse, STREAM_PATH};

/// A request names every endpoint of a large mesh in the worst case.
const REQUEST_LIMIT: usize = 64 << 20;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long streams may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Requests = Streaming<Proto<DiscoveryRequest>>;
type Responses = ReceiverStream<Result<Proto<DiscoveryResponse>, Status>>;

#[derive(Clone)]
struct Server {
    snapshots: watch::Receiver<Arc<SnapshotSet>>,
    events: ServerEventSink,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Serves ADS on a listener until `stop` is cancelled; every change of `snapshots` is pushed. Open streams are ended
/// in good order, within some seconds.
pub async fn serve(
    listener: TcpListener,
    snapshots: watch::Receiver<Arc<SnapshotSet>>,
    events: ServerEventSink,
    stop: CancellationToken,
) {
    let server = Server { snapshots, events, stop, tasks: TaskTracker::new() };
    loop {
        let accepted = tokio::select! {
            () = server.stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        server.accepted(accepted.map(|(stream, _)| stream)).await;
    }
    drop(listener);
    server.tasks.close();
    // Whoever does not let go in time is cut off when the runtime ends.
    let _in_time = tokio::time::timeout(GRACE, server.tasks.wait()).await;
}

impl Server {
    async fn accepted(&self, accepted: io::Result<TcpStream>) {
        match accepted.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => drop(self.tasks.spawn(self.clone().connection(stream))),
            Err(error) => {
                (self.events)(ServerEvent::ConnectionFailed { reason: error.to_string() });
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        let server = self.clone();
        let service = service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let done = tokio::select! {
            done = connection.as_mut() => done,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = done {
            (self.events)(ServerEvent::ConnectionFailed { reason: error.to_string() });
        }
    }

    async fn answer(self, request: HttpRequest<Incoming>) -> HttpResponse<tonic::body::Body> {
        if request.uri().path() != STREAM_PATH {
            let served = format!("{} is not served here, only {STREAM_PATH}", request.uri().path());
            return Status::unimplemented(served).into_http();
        }
        let codec = PayloadCodec::<Proto<DiscoveryResponse>, Proto<DiscoveryRequest>>::default();
        Grpc::new(codec).max_decoding_message_size(REQUEST_LIMIT).streaming(self, request).await
    }

    async fn stream(
        mut self,
        mut requests: Requests,
        responses: mpsc::Sender<Result<Proto<DiscoveryResponse>, Status>>,
    ) {
        let mut stream = ClientStream::default();
        let reason = self.run(&mut stream, &mut requests, &responses).await;
        (self.events)(ServerEvent::Closed { node: stream.node_id(), reason });
    }

    /// Runs a stream to its end and says why it ended.
    async fn run(
        &mut self,
        stream: &mut ClientStream,
        requests: &mut Requests,
        responses: &mpsc::Sender<Result<Proto<DiscoveryResponse>, Status>>,
    ) -> String {
        loop {
            while let Some(response) = stream.next_response() {
                let sent = sent(stream, &response);
                tokio::select! {
                    () = self.stop.cancelled() => return "the server stops".to_owned(),
                    done = responses.send(Ok(Proto(response))) => match done {
                        Ok(()) => (self.events)(sent),
                        Err(_) => return "the client is gone".to_owned(),
                    },
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return "the server stops".to_owned(),
                request = requests.message() => match request {
                    Ok(Some(Proto(request))) => {
                        let set = self.snapshots.borrow().clone();
                        stream.request(request, &set).into_iter().for_each(|event| (self.events)(event));
                    }
                    Ok(None) => return "ended by the client".to_owned(),
                    Err(status) => return status.message().to_owned(),
                },
                set = changed(&mut self.snapshots) => stream.replace(&set),
            }
        }
    }
}

fn sent(stream: &ClientStream, response: &DiscoveryResponse) -> ServerEvent {
    ServerEvent::Sent {
        node: stream.node_id(),
        type_url: response.type_url.clone(),
        version: response.version_info.clone(),
        resources: response.resources.len(),
    }
}

/// The next change; never comes when nobody can make one any more.
async fn changed(snapshots: &mut watch::Receiver<Arc<SnapshotSet>>) -> Arc<SnapshotSet> {
    if snapshots.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    snapshots.borrow_and_update().clone()
}

/// What tonic calls for a stream; it implements its `StreamingService` for services of this shape.
impl Service<Request<Requests>> for Server {
    type Response = Response<Responses>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Requests>) -> Self::Future {
        // One response at a time waits: a slow client is sent the newest state, not every state.
        let (sender, receiver) = mpsc::channel(1);
        let server = self.clone();
        self.tasks.spawn(server.stream(request.into_inner(), sender));
        Box::pin(std::future::ready(Ok(Response::new(ReceiverStream::new(receiver)))))
    }
}
