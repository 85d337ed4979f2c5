//! The product's own ADS server, serving one node's responses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use amesh_fetcher::CancellationToken;
use amesh_fetcher::server::{ServerEvent, Snapshot, SnapshotSet, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// A server on a free port; it ends with this value.
pub(crate) struct Ads {
    pub(crate) address: SocketAddr,
    refusals: Arc<Mutex<Vec<String>>>,
    snapshots: watch::Sender<Arc<SnapshotSet>>,
    stop: CancellationToken,
    _runtime: Runtime,
}

impl Drop for Ads {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Ads {
    pub(crate) fn start(responses: Vec<Vec<u8>>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (snapshots, receiver) = watch::channel(snapshot(responses));
        let (refusals, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let sink = Arc::clone(&refusals);
        let note = move |event| {
            if let ServerEvent::Nack { type_url, detail, .. } = event {
                sink.lock().unwrap().push(format!("{type_url}: {detail}"));
            }
        };
        runtime.spawn(serve(listener, receiver, Arc::new(note), stop.clone()));
        Self { address, refusals, snapshots, stop, _runtime: runtime }
    }

    pub(crate) fn publish(&self, responses: Vec<Vec<u8>>) {
        self.snapshots.send(snapshot(responses)).unwrap();
    }

    /// What the client has refused so far.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap().clone()
    }

    /// An Envoy's bootstrap that takes everything from here.
    pub(crate) fn bootstrap(&self) -> Value {
        let endpoint = json!({"endpoint": {"address": {"socket_address":
            {"address": self.address.ip().to_string(), "port_value": self.address.port()}}}});
        let http2 = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}});
        let source = json!({"ads": {}, "resource_api_version": "V3"});
        json!({
            "node": {"id": "envoy", "cluster": "test"},
            "dynamic_resources": {
                "ads_config": {"api_type": "GRPC", "transport_api_version": "V3",
                    "grpc_services": [{"envoy_grpc": {"cluster_name": "ads"}}]},
                "cds_config": source, "lds_config": source
            },
            "static_resources": {"clusters": [{"name": "ads", "type": "STATIC", "connect_timeout": "2s",
                "typed_extension_protocol_options": http2,
                "load_assignment": {"cluster_name": "ads", "endpoints": [{"lb_endpoints": [endpoint]}]}}]}
        })
    }
}

fn snapshot(responses: Vec<Vec<u8>>) -> Arc<SnapshotSet> {
    let responses = responses.into_iter().map(bytes::Bytes::from);
    Arc::new(SnapshotSet::for_all(Snapshot::from_responses(responses).expect("responses")))
}
