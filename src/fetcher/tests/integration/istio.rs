//! The client against a real Istio control plane, and the bundled capture of one in the server.
//!
//! `AMESH_PILOT_DISCOVERY` names the program pilot-discovery, built as `examples/bookinfo/capture/capture.sh` does;
//! without it the test says so and passes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use amesh_fetcher::server::Snapshot;
use amesh_fetcher::{Event, Identity};
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{CDS, EDS, Receiver, Running, config, delivered, find, program};

fn bookinfo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bookinfo")
}

struct Pilot {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Pilot {
    async fn start(program: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("amesh-istio-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("config")).unwrap();
        copy(&bookinfo().join("istio/before"), &folder.join("config"));
        let grpc = format!("127.0.0.1:{}", free_port());
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Command::new(program)
            .args(["discovery", "--registries", "", "--secureGRPCAddr", "", "--httpsAddr", "", "--grpcAddr", &grpc])
            .args(["--httpAddr", &format!("127.0.0.1:{}", free_port())])
            .args(["--monitoringAddr", &format!("127.0.0.1:{}", free_port())])
            .args(["--ctrlz_address", "127.0.0.1", "--ctrlz_port", &free_port().to_string()])
            .arg("--configDir")
            .arg(folder.join("config"))
            .arg("--meshConfig")
            .arg(bookinfo().join("istio/mesh.yaml").canonicalize().unwrap())
            .current_dir(&folder)
            .env_clear()
            .envs([("POD_NAME", "istiod"), ("POD_NAMESPACE", "istio-system"), ("ENABLE_CA_SERVER", "false")])
            .env("HOME", &folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("AMESH_PILOT_DISCOVERY can be started");
        let pilot = Self { process, url: format!("http://{grpc}"), folder };
        for _ in 0..200 {
            if TcpStream::connect(&grpc).await.is_ok() {
                return pilot;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", std::fs::read_to_string(pilot.folder.join("log")).unwrap());
    }
}

fn sidecar() -> Identity {
    let metadata = json!({"CLUSTER_ID": "Kubernetes", "INSTANCE_IPS": "127.0.11.1", "ISTIO_VERSION": "1.31.0",
        "LABELS": {"app": "productpage", "version": "v1"}, "MESH_ID": "cluster.local", "NAME": "productpage-v1",
        "NAMESPACE": "default"});
    Identity {
        id: "sidecar~127.0.11.1~productpage-v1.default~default.svc.cluster.local".into(),
        cluster: "productpage.default".into(),
        metadata: metadata.as_object().unwrap().clone(),
        ..Identity::default()
    }
}

#[tokio::test]
async fn istio_is_understood_and_its_pushes_arrive() {
    let Some(program) = program("AMESH_PILOT_DISCOVERY", "no real control plane was met") else { return };
    let pilot = Pilot::start(&program).await;
    let (receiver, mut told) = Receiver::new();
    let mut settings = config(&pilot.url);
    settings.node = sidecar();
    let mut client = Running::start(settings, receiver);
    let clusters = delivered(&mut told, CDS).await;
    assert!(clusters.iter().any(|name| name == "outbound|9080|v1|reviews.default.svc.cluster.local"), "{clusters:?}");
    let endpoints = delivered(&mut told, EDS).await;
    assert!(endpoints.iter().any(|name| name.starts_with("outbound|9080|v1|reviews")), "{endpoints:?}");
    for wanted in [CDS, EDS] {
        find(&mut client.events, |event| match event {
            Event::Ack { type_url, .. } if type_url == wanted => Some(()),
            Event::Reconnecting { reason, .. } => panic!("{reason}"),
            _ => None,
        })
        .await;
    }
    copy(&bookinfo().join("istio/after"), &pilot.folder.join("config"));
    assert_eq!(delivered(&mut told, CDS).await, clusters, "a change of the configuration is pushed");
    client.stop().await;
}

#[test]
fn the_bundled_capture_can_be_served() {
    for node in ["sidecar", "gateway"] {
        for variant in ["before", "after"] {
            let folder = bookinfo().join("xds").join(node).join(variant);
            let read = |kind: &str| std::fs::read(folder.join(format!("{kind}.pb"))).unwrap().into();
            let snapshot = Snapshot::from_responses(["cds", "eds", "lds", "rds"].map(read)).unwrap();
            let counts: Vec<_> = snapshot.counts().collect();
            assert_eq!(counts.len(), 4);
            assert!(counts.iter().all(|(_, count)| *count > 0), "{counts:?}");
            assert!(snapshot.names(EDS).all(|cluster| snapshot.names(CDS).any(|name| name == cluster)));
        }
    }
}
