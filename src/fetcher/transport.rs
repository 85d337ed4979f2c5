//! Makes the connection and opens the ADS stream. Knows TLS, headers and limits; keeps no state.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{CompressionEncoding, Streaming};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use crate::codec::{PayloadCodec, Proto};
use crate::config::{ClientConfig, Tls};
use crate::secret::Secret;
use crate::wire::{DiscoveryRequest, STREAM_PATH};

/// Large enough that a snapshot of some megabytes is not slowed down by round trips.
const WINDOW: u32 = 8 << 20;
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Why the control plane cannot be reached as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL has no scheme that is known.
    #[error("control plane `{0}`: write http://host:port, https://host:port or unix:///path")]
    Server(String),
    /// A file for TLS or a token cannot be used.
    #[error("{0}")]
    File(String),
    /// The files for TLS do not make a TLS configuration.
    #[error("TLS: {0}")]
    Tls(String),
    /// A header cannot be sent.
    #[error("header `{0}` is not a valid name, or its value is not text")]
    Header(String),
}

/// Why a stream is not there.
#[derive(Debug)]
pub(crate) struct StreamError {
    /// In one line, for people.
    pub(crate) reason: String,
    /// It will most likely happen again at once.
    pub(crate) lasting: bool,
}

impl From<Status> for StreamError {
    fn from(status: Status) -> Self {
        // A message above the limit will be sent again.
        let lasting = matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted | Code::Unimplemented);
        Self { reason: format!("{}: {}", status.code(), status.message()), lasting }
    }
}

impl From<ConfigError> for StreamError {
    fn from(error: ConfigError) -> Self {
        Self { reason: error.to_string(), lasting: false }
    }
}

/// Everything that is checked before the first connection, and made anew for each: files may be rotated.
pub(crate) fn prepare(config: &ClientConfig) -> Result<(Endpoint, MetadataMap), ConfigError> {
    let server = || ConfigError::Server(config.server.clone());
    let (scheme, _) = config.server.split_once(':').ok_or_else(server)?;
    if !matches!(scheme, "http" | "https" | "unix") {
        return Err(server());
    }
    let mut endpoint = Endpoint::from_shared(config.server.clone())
        .and_then(|endpoint| endpoint.user_agent(concat!("amesh/", env!("CARGO_PKG_VERSION"))))
        .map_err(|_| server())?
        .connect_timeout(config.connect_timeout)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    if let Some(interval) = config.ping_interval {
        endpoint = endpoint.http2_keep_alive_interval(interval);
    }
    if scheme == "https" {
        endpoint = endpoint.tls_config(tls(&config.tls)?).map_err(|error| ConfigError::Tls(chain(&error)))?;
    }
    Ok((endpoint, metadata(config)?))
}

fn tls(files: &Tls) -> Result<ClientTlsConfig, ConfigError> {
    let mut tls = match &files.ca {
        Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let Some((certificate, key)) = &files.client {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    Ok(match &files.server_name {
        Some(name) => tls.domain_name(name),
        None => tls,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::File(format!("{}: {error}", path.display())))
}

fn metadata(config: &ClientConfig) -> Result<MetadataMap, ConfigError> {
    let mut metadata = MetadataMap::new();
    for (name, value) in &config.headers {
        let error = || ConfigError::Header(name.clone());
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|_| error())?;
        metadata.append(key, AsciiMetadataValue::try_from(value).map_err(|_| error())?);
    }
    if let Some(path) = &config.token_file {
        let mut token = Secret::new(path.clone());
        token.reread().map_err(ConfigError::File)?;
        let bearer = token.bearer().map_err(ConfigError::File)?;
        let mut headers = metadata.into_headers();
        headers.insert(http::header::AUTHORIZATION, bearer);
        metadata = MetadataMap::from_headers(headers);
    }
    Ok(metadata)
}

/// Connects and opens the stream. Resolves when the control plane has answered with headers, for which some wait until
/// they have a response to send: the first requests must be in the channel already.
pub(crate) async fn open(
    config: ClientConfig,
    requests: UnboundedReceiver<DiscoveryRequest>,
) -> Result<Streaming<Bytes>, StreamError> {
    let (endpoint, metadata) = prepare(&config)?;
    let channel = endpoint.connect().await.map_err(|error| StreamError { reason: chain(&error), lasting: false })?;
    let mut grpc =
        Grpc::new(channel).max_decoding_message_size(config.message_limit).accept_compressed(CompressionEncoding::Gzip);
    grpc.ready().await.map_err(|error| StreamError { reason: chain(&error), lasting: false })?;
    let outgoing = tokio_stream::StreamExt::map(UnboundedReceiverStream::new(requests), Proto);
    let request = Request::from_parts(metadata, tonic::Extensions::default(), outgoing);
    let codec = PayloadCodec::<Proto<DiscoveryRequest>, Bytes>::default();
    let response = grpc.streaming(request, PathAndQuery::from_static(STREAM_PATH), codec).await?;
    Ok(response.into_inner())
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
