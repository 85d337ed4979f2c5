//! TLS to the control plane: who is trusted, who is not, and who we are.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use amesh_fetcher::{ClientConfig, Event};
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::support::{Receiver, Running, config, find};

/// A folder with `ca.pem`, `client.pem` and `client.key`, and a server that only lets in who has a certificate.
struct Bench {
    folder: PathBuf,
    port: u16,
}

impl Drop for Bench {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Bench {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("amesh-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
            (certificate, key)
        };
        let (client, client_key) = signed("client");
        std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(folder.join("client.pem"), client.pem()).unwrap();
        std::fs::write(folder.join("client.key"), client_key.serialize_pem()).unwrap();

        let (server, server_key) = signed("control.plane");
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let chain = vec![server.der().clone()];
        let mut tls = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(h2(TokioIo::new(stream)));
                }
            }
        });
        Self { folder, port }
    }

    fn config(&self) -> ClientConfig {
        let mut config = config(&format!("https://127.0.0.1:{}", self.port));
        config.tls.ca = Some(self.folder.join("ca.pem"));
        config.tls.client = Some((self.folder.join("client.pem"), self.folder.join("client.key")));
        config.tls.server_name = Some("control.plane".into());
        config
    }
}

/// Answers every stream with headers and an end.
async fn h2(io: impl hyper::rt::Read + hyper::rt::Write + Unpin + 'static) {
    let service = service_fn(|request: http::Request<Incoming>| async move {
        // What the client was told to send along.
        let told = request.headers().get("x-told").cloned();
        let mut response = Response::builder().header("content-type", "application/grpc");
        if let Some(told) = told {
            response = response.header("grpc-status", "7").header("grpc-message", told);
        }
        Ok::<_, Infallible>(response.body(Empty::<Bytes>::new().boxed()).unwrap())
    });
    http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await.ok();
}

/// Whether the stream was accepted; otherwise why not.
async fn outcome(config: ClientConfig) -> Result<(), String> {
    let (receiver, _told) = Receiver::new();
    let mut client = Running::start(config, receiver);
    let outcome = find(&mut client.events, |event| match event {
        Event::Connected { .. } => Some(Ok(())),
        Event::Reconnecting { reason, .. } => Some(Err(reason.clone())),
        _ => None,
    })
    .await;
    client.stop().await;
    outcome
}

#[tokio::test]
async fn a_trusted_control_plane_that_trusts_us_is_used() {
    let bench = Bench::new("good").await;
    outcome(bench.config()).await.unwrap();
}

#[tokio::test]
async fn anyone_else_is_not() {
    let bench = Bench::new("bad").await;
    let mut unknown = bench.config();
    unknown.tls.ca = None;
    let reason = outcome(unknown).await.unwrap_err();
    assert!(reason.contains("UnknownIssuer"), "{reason}");
    let mut other_name = bench.config();
    other_name.tls.server_name = None;
    let reason = outcome(other_name).await.unwrap_err();
    assert!(reason.contains("not valid for name"), "{reason}");
    let mut nobody = bench.config();
    nobody.tls.client = None;
    assert!(outcome(nobody).await.is_err());
}

#[tokio::test]
async fn what_is_wrong_in_the_settings_is_said_before_anything_is_tried() {
    let said = |config: ClientConfig| {
        let client = amesh_fetcher::Client::new(config, Receiver::new().0, Arc::new(|_| {}));
        client.err().map(|error| error.to_string()).unwrap()
    };
    assert!(said(config("127.0.0.1:15010")).contains("http://host:port"));
    let mut missing = config("https://127.0.0.1:15012");
    missing.tls.ca = Some("no/such/ca.pem".into());
    assert!(said(missing).contains("no/such/ca.pem"));
    let mut header = config("http://127.0.0.1:15010");
    header.headers = vec![("not a name".into(), String::new())];
    assert!(said(header).contains("not a name"));
}

#[tokio::test]
async fn a_unix_socket_and_metadata() {
    let path = std::env::temp_dir().join(format!("amesh-ads-{}", std::process::id()));
    std::fs::remove_file(&path).ok();
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(h2(TokioIo::new(stream)));
        }
    });
    let mut settings = config(&format!("unix://{}", path.display()));
    settings.headers = vec![("x-told".into(), "here".into())];
    let reason = outcome(settings).await.unwrap_err();
    assert!(reason.ends_with(": here"), "{reason}");
    std::fs::remove_file(path).unwrap();
}
