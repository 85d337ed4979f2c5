//! A request, as a client puts it on the wire.

use std::net::{IpAddr, Ipv4Addr};

/// One HTTP/1 request and the connection it comes over. Nothing is normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method token.
    pub method: String,
    /// The request target, raw: `/path?query` or `http://host/path`.
    pub target: Vec<u8>,
    /// The version of the request line: `HTTP/1.1`, `HTTP/1.0`.
    pub version: String,
    /// All header lines in order, `Host` among them; names in any case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The address of the peer.
    pub peer: IpAddr,
    /// The local address of the connection.
    pub server_addr: IpAddr,
    /// The local port of the connection.
    pub server_port: u16,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The server name that the client asked for.
    pub sni: Option<String>,
    /// The address the connection went to before it was redirected (`ip:port`), if it was.
    pub original_dst: Option<String>,
    /// nginx's `$request_id`, 32 hexadecimal digits. It is random in reality; a decision that
    /// depends on it is [`NotModelled`](crate::apisix::Answer::NotModelled) while this is `None`.
    pub request_id: Option<String>,
}

impl Request {
    /// A GET over HTTP/1.1 from and to loopback, port 80, with this `Host` header.
    pub fn get(host: &str, target: impl Into<Vec<u8>>) -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            method: "GET".into(),
            target: target.into(),
            version: "HTTP/1.1".into(),
            headers: vec![("Host".into(), host.into())],
            peer: loopback,
            server_addr: loopback,
            server_port: 80,
            tls: false,
            sni: None,
            original_dst: None,
            request_id: None,
        }
    }

    /// The same with another method.
    #[must_use]
    pub fn with_method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    /// The same with one more header line.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
