//! Reaches the plugin in APISIX over one persistent HTTP connection.
//!
//! APISIX keeps the plugin's state per nginx worker, and a connection stays with its worker: all calls therefore go
//! over one connection, one after the other. When it breaks, the next call opens a new one, which may meet another
//! worker; that one answers 409 and the client replays. There is no pool, no redirect, no retry here.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::{Authority, Uri};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ingest::{Carrier, ProtocolIngest};
use crate::secret::Secret;

/// How long an answer may take; APISIX applies before it answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Half of the 60 s after which APISIX closes an idle connection.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// A change set in an answer may be as large as the mesh.
const ANSWER_LIMIT: usize = 1 << 30;

/// The ingest protocol to a running APISIX.
pub type HttpIngest = ProtocolIngest<HttpCarrier>;

/// Why an ingest URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestUrlError {
    /// Not a URL.
    #[error("`{0}` is not a URL such as http://127.0.0.1:9080/amesh")]
    Invalid(String),
    /// A scheme other than http.
    #[error("`{0}`: the ingest route is reached over plain http on loopback or a trusted network only")]
    Scheme(String),
}

/// One connection to APISIX.
pub struct HttpCarrier {
    authority: Authority,
    address: String,
    token: Option<Secret>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl HttpIngest {
    /// To the ingest route at `url`, such as `http://127.0.0.1:9080/amesh`. `token_file` holds the token of the
    /// plugin's configuration; it is read anew for each connection.
    pub fn for_url(url: &str, token_file: Option<PathBuf>) -> Result<Self, IngestUrlError> {
        let uri: Uri = url.parse().map_err(|_| IngestUrlError::Invalid(url.to_owned()))?;
        let authority = uri.authority().ok_or_else(|| IngestUrlError::Invalid(url.to_owned()))?.clone();
        if uri.scheme_str() != Some("http") {
            return Err(IngestUrlError::Scheme(url.to_owned()));
        }
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let carrier = HttpCarrier { authority, address, token: token_file.map(Secret::new), sender: None };
        Ok(ProtocolIngest::new(carrier, uri.path().trim_end_matches('/')))
    }
}

impl HttpCarrier {
    async fn connect(&mut self) -> Result<SendRequest<Full<Bytes>>, String> {
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", self.address);
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.address))
            .await
            .map_err(|_| fail(&"no connection within 5 s"))?
            .map_err(|error| fail(&error))?;
        stream.set_nodelay(true).map_err(|error| fail(&error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| fail(&error))?;
        // Ends when the sender is dropped or the peer closes; the error shows up at the next call.
        tokio::spawn(connection);
        if let Some(token) = &mut self.token {
            token.reread()?;
        }
        Ok(sender)
    }

    fn complete(&self, request: &mut Request<Full<Bytes>>) -> Result<(), String> {
        let host = HeaderValue::from_str(self.authority.as_str()).map_err(|error| error.to_string())?;
        request.headers_mut().insert(header::HOST, host);
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, token.bearer()?);
        }
        Ok(())
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let Some(sender) = &mut self.sender else { return Err("not connected".to_owned()) };
        sender.ready().await.map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

#[async_trait]
impl Carrier for HttpCarrier {
    async fn send(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            self.sender = Some(self.connect().await?);
        }
        let mut request = request.map(Full::new);
        self.complete(&mut request)?;
        let answer = timeout(ANSWER_TIMEOUT, self.exchange(request)).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())));
        if answer.is_err() {
            self.sender = None;
        }
        answer.map_err(|error| format!("{}: {error}", self.address))
    }

    fn heartbeat(&self) -> Option<Duration> {
        Some(HEARTBEAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_http_urls_only() {
        assert!(HttpIngest::for_url("http://127.0.0.1:9080/amesh", None).is_ok());
        assert!(HttpIngest::for_url("http://[::1]:9080/amesh/", None).is_ok());
        assert!(matches!(HttpIngest::for_url("https://x/amesh", None), Err(IngestUrlError::Scheme(_))));
        assert!(matches!(HttpIngest::for_url("/amesh", None), Err(IngestUrlError::Invalid(_))));
    }
}
