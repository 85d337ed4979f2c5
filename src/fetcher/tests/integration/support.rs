//! A mock receiver, a server on a free port, and a client, each with its events.

use std::collections::VecDeque;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amesh_fetcher::protocol::{FlushAnswer, SessionOpened, StreamAnswer};
use amesh_fetcher::server::{ServerEvent, Snapshot, SnapshotSet, serve};
use amesh_fetcher::wire::{Any, DiscoveryResponse};
use amesh_fetcher::{CancellationToken, Client, ClientConfig, Event, Identity, Ingest, IngestError, Part};
use async_trait::async_trait;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub const CDS: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
pub const EDS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A program that a test needs, from the environment. Without it the test is skipped, and says so past the test
/// runner, which shows no output of tests that pass.
pub fn program(variable: &str, loss: &str) -> Option<PathBuf> {
    let program = std::env::var_os(variable).map(PathBuf::from);
    if program.is_none() {
        writeln!(std::io::stderr(), "SKIPPED: {variable} is not set: {loss}").ok();
    }
    program
}

/// A resource that is nothing but a name and a body.
pub fn resource(type_url: &str, name: &str, body: &[u8]) -> Any {
    let value = Any { type_url: name.into(), value: body.to_vec().into() }.encode_to_vec().into();
    Any { type_url: type_url.into(), value }
}

/// Clusters of these names, each with endpoints of the given body.
pub fn snapshot(clusters: &[(&str, &str)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (name, body) in clusters {
        snapshot.insert(resource(CDS, name, b"")).unwrap();
        snapshot.insert(resource(EDS, name, body.as_bytes())).unwrap();
    }
    snapshot
}

/// The name of any resource.
#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

pub fn names(response: &[u8]) -> Vec<String> {
    let response = DiscoveryResponse::decode(response).unwrap();
    response.resources.into_iter().map(|any| Named::decode(any.value).unwrap().name).collect()
}

/// What the mock receiver was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Session,
    Stream { sequence: u64, type_url: String, names: Vec<String>, more: bool, hold: bool, body: bytes::Bytes },
    Flush,
    Expire(String, Vec<String>),
}

/// A mock of the plugin. It wants all clusters and the endpoints of each, and answers `ack`, `applied` unless an
/// answer is scripted.
#[derive(Clone, Default)]
pub struct Receiver {
    state: Arc<Mutex<ReceiverState>>,
    pub heartbeat: Option<Duration>,
}

#[derive(Default)]
struct ReceiverState {
    told: Option<mpsc::UnboundedSender<Told>>,
    script: VecDeque<Result<Value, IngestError>>,
    clusters: Vec<String>,
}

impl Receiver {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Told>) {
        let (sender, told) = mpsc::unbounded_channel();
        let receiver = Self::default();
        receiver.state.lock().unwrap().told = Some(sender);
        (receiver, told)
    }

    /// The next calls of `stream`, `flush` and `expire` are answered so, before it goes on as usual; fields that are
    /// not given are as usual.
    pub fn script(&self, answers: impl IntoIterator<Item = Result<Value, IngestError>>) {
        self.state.lock().unwrap().script.extend(answers);
    }

    fn answer(&self, told: &Told) -> Result<Value, IngestError> {
        let mut state = self.state.lock().unwrap();
        let scripted = state.script.pop_front().unwrap_or_else(|| Ok(json!({})));
        state.told.as_ref().unwrap().send(told.clone()).ok();
        let mut answer = json!({"verdict": "ack", "type_url": "", "version": "", "nonce": "", "ready": true,
            "apply": {"mode": "none", "state": "applied"}});
        for (key, value) in scripted?.as_object().unwrap() {
            answer[key] = value.clone();
        }
        if let Told::Stream { type_url, names, .. } = told
            && type_url == CDS
        {
            let old = std::mem::replace(&mut state.clusters, names.clone());
            let added: Vec<_> = names.iter().filter(|name| !old.contains(name)).collect();
            let removed: Vec<_> = old.iter().filter(|name| !names.contains(name)).collect();
            answer["subscribe"] = json!([{"type_url": EDS, "added": added, "removed": removed}]);
        }
        Ok(answer)
    }
}

/// To be scripted: as usual, but for how far the apply got.
pub fn state(state: &str) -> Value {
    json!({"apply": {"mode": "none", "state": state}})
}

#[async_trait]
impl Ingest for Receiver {
    async fn session(&mut self, id: &str) -> Result<SessionOpened, IngestError> {
        let mut state = self.state.lock().unwrap();
        state.clusters.clear();
        state.told.as_ref().unwrap().send(Told::Session).ok();
        let opened = json!({"session": id, "apply": {"mode": "none"},
            "subscribe": [{"type_url": CDS, "wildcard": true, "added": [], "removed": []}]});
        Ok(serde_json::from_value(opened).unwrap())
    }

    async fn stream(&mut self, part: Part) -> Result<StreamAnswer, IngestError> {
        let message = DiscoveryResponse::decode(part.body.clone()).unwrap();
        let told = Told::Stream {
            sequence: part.sequence,
            type_url: message.type_url,
            names: names(&part.body),
            more: part.more,
            hold: part.hold,
            body: part.body,
        };
        self.answer(&told).map(|answer| serde_json::from_value(answer).unwrap())
    }

    async fn flush(&mut self, _: &str) -> Result<FlushAnswer, IngestError> {
        self.answer(&Told::Flush).map(|answer| serde_json::from_value(answer).unwrap())
    }

    async fn expire(&mut self, _: &str, type_url: &str, names: &[String]) -> Result<StreamAnswer, IngestError> {
        let told = Told::Expire(type_url.to_owned(), names.to_vec());
        self.answer(&told).map(|answer| serde_json::from_value(answer).unwrap())
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat
    }
}

/// The server under test.
pub struct Server {
    pub address: SocketAddr,
    pub snapshots: watch::Sender<Arc<SnapshotSet>>,
    pub events: mpsc::UnboundedReceiver<ServerEvent>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(set: SnapshotSet) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), set).await
    }

    pub async fn start_at(address: SocketAddr, set: SnapshotSet) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (snapshots, receiver) = watch::channel(Arc::new(set));
        let (sender, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let sink = Arc::new(move |event| drop(sender.send(event)));
        let task = tokio::spawn(serve(listener, receiver, sink, stop.clone()));
        Self { address, snapshots, events, stop, task }
    }

    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshots.send(Arc::new(SnapshotSet::for_all(snapshot))).unwrap();
    }

    pub async fn stop(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(4), self.task).await.expect("the server stops in good order").unwrap();
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A client under test.
pub struct Running {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(config: ClientConfig, ingest: impl Ingest + 'static) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let client = Client::new(config, ingest, Arc::new(move |event| drop(sender.send(event)))).unwrap();
        let stop = CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move { drop(client.run(token).await) });
        Self { events, stop, task }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        timeout(Duration::from_secs(2), self.task).await.expect("the client stops at once").unwrap();
        while let Some(event) = self.events.recv().await {
            if matches!(event, Event::Stopped) {
                return;
            }
        }
        panic!("no event says that the client stopped");
    }
}

pub fn config(server: &str) -> ClientConfig {
    ClientConfig::new(server, Identity { id: "node".into(), ..Identity::default() })
}

/// The first thing on a channel for which `pick` has an answer.
pub async fn find<T, U>(events: &mut mpsc::UnboundedReceiver<T>, mut pick: impl FnMut(&T) -> Option<U>) -> U {
    let search = async {
        loop {
            let event = events.recv().await.expect("the sender lives");
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("it happens in time")
}

/// The names in the next delivery of a type.
pub async fn delivered(told: &mut mpsc::UnboundedReceiver<Told>, wanted: &str) -> Vec<String> {
    find(told, |told| match told {
        Told::Stream { type_url, names, .. } if type_url == wanted => Some(names.clone()),
        _ => None,
    })
    .await
}
