//! The server of this crate with a real Envoy as its client: the judge of whether it speaks the protocol.
//!
//! `AMESH_ENVOY` names the Envoy program. Without it the test says so and passes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use amesh_fetcher::server::{ServerEvent, SnapshotSet};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::mesh::mesh;
use crate::support::{PATIENCE, Server, program};

/// A running Envoy with its files.
struct Envoy {
    process: Child,
    folder: PathBuf,
    admin: SocketAddr,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn bootstrap(ads: SocketAddr) -> Value {
    let endpoint = json!({"endpoint": {"address": {"socket_address":
        {"address": ads.ip().to_string(), "port_value": ads.port()}}}});
    let http2 = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}});
    let source = json!({"ads": {}, "resource_api_version": "V3"});
    json!({
        "node": {"id": "envoy", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
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

impl Envoy {
    async fn start(program: &Path, ads: SocketAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("amesh-envoy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (config, address) = (folder.join("bootstrap.json"), folder.join("admin"));
        std::fs::write(&config, bootstrap(ads).to_string()).unwrap();
        let process = Command::new(program)
            .arg("--config-path")
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&address)
            .args(["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"])
            .spawn()
            .expect("AMESH_ENVOY can be started");
        let mut envoy = Self { process, folder, admin: ([127, 0, 0, 1], 0).into() };
        envoy.admin =
            until("Envoy's admin port", async || std::fs::read_to_string(&address).ok()?.trim().parse().ok()).await;
        envoy
    }

    async fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&get(self.admin, path).await?.1).ok()
    }
}

/// Tries until there is an answer.
async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what} in time");
        sleep(Duration::from_millis(50)).await;
    }
}

/// One plain request: status code and body.
async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    // The body may be chunked: what is looked for is between the first and the last brace, or all of it.
    let json = body.find('{').zip(body.rfind('}')).map(|(start, end)| body[start..=end].to_owned());
    Some((status, json.unwrap_or_else(|| body.to_owned())))
}

/// A backend that says its own name.
async fn backend(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.is_ok() {
                    let answer =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{name}", name.len());
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    port
}

/// The names in Envoy's dump of what it received, such as `dynamic_active_clusters`.
fn dumped(dump: &Value, list: &str, path: &str) -> Vec<String> {
    let configs = dump["configs"].as_array().unwrap();
    let entries = configs.iter().filter_map(|config| config[list].as_array()).flatten();
    entries.filter_map(|entry| entry.pointer(path)?.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn envoy_takes_what_is_served_and_routes_by_it() {
    let Some(program) = program("AMESH_ENVOY", "the server was not judged by a real xDS client") else { return };
    let (one, two) = (backend("one").await, backend("two").await);
    let mut server = Server::start(SnapshotSet::for_all(mesh("/", one))).await;
    let envoy = Envoy::start(&program, server.address).await;
    until("Envoy is ready", async || {
        let info = envoy.json("/server_info").await?;
        (info["state"] == "LIVE").then_some(())
    })
    .await;

    let dump = envoy.json("/config_dump?include_eds").await.unwrap();
    assert_eq!(dumped(&dump, "dynamic_active_clusters", "/cluster/name"), ["backend"]);
    assert_eq!(dumped(&dump, "dynamic_listeners", "/name"), ["in"]);
    assert_eq!(dumped(&dump, "dynamic_route_configs", "/route_config/name"), ["routes"]);
    assert_eq!(dumped(&dump, "dynamic_endpoint_configs", "/endpoint_config/cluster_name"), ["backend"]);

    let listeners = envoy.json("/listeners?format=json").await.unwrap();
    let port = listeners.pointer("/listener_statuses/0/local_address/socket_address/port_value").unwrap();
    let inbound = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port.as_u64().unwrap()).unwrap()));
    assert_eq!(get(inbound, "/").await, Some((200, "one".to_owned())));

    // Endpoints change, then routes; each is pushed alone.
    server.publish(mesh("/", two));
    until("the new endpoint is used", async || (get(inbound, "/").await?.1 == "two").then_some(())).await;
    server.publish(mesh("/only", two));
    until("the new route is used", async || (get(inbound, "/").await?.0 == 404).then_some(())).await;
    assert_eq!(get(inbound, "/only").await, Some((200, "two".to_owned())));

    let acks = acks(&mut server);
    assert_eq!(acks[..4], ["Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"]);
    assert_eq!(acks[4..], ["ClusterLoadAssignment", "RouteConfiguration"]);
    drop(envoy);
    server.stop().await;
}

/// The types that Envoy took, in order.
fn acks(server: &mut Server) -> Vec<String> {
    let mut acks = Vec::new();
    while let Ok(event) = server.events.try_recv() {
        match event {
            ServerEvent::Ack { type_url, .. } => acks.push(type_url.rsplit('.').next().unwrap().to_owned()),
            ServerEvent::Nack { type_url, detail, .. } => panic!("Envoy refuses {type_url}: {detail}"),
            _ => {}
        }
    }
    acks
}
