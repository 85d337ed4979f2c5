//! Raw HTTP/1.1 over a socket: nothing between a test and the proxy normalises anything.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use amesh_simulator::apisix::Request;

const PATIENCE: Duration = Duration::from_secs(10);

/// A port of loopback that nobody has at the moment, below the range that the system gives to outgoing connections: it
/// stays free until it is used.
#[must_use]
pub fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = (std::process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + u16::try_from(offset).expect("small")));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whatever way it was sent.
    pub body: String,
}

/// The request that [`send`] puts on the wire: `Connection: close` is added.
#[must_use]
pub fn as_sent(request: &Request) -> Request {
    request.clone().with_header("connection", "close")
}

/// Sends a request as it stands, with `Connection: close` added.
pub fn send(address: SocketAddr, request: &Request) -> std::io::Result<Answer> {
    let request = as_sent(request);
    let mut bytes = format!("{} ", request.method).into_bytes();
    bytes.extend(&request.target);
    bytes.extend(format!(" {}\r\n", request.version).into_bytes());
    for (name, value) in &request.headers {
        bytes.extend(name.as_bytes());
        bytes.extend(b": ");
        bytes.extend(value);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    exchange(address, &bytes)
}

/// Sends bytes and reads one answer, with a body that ends as its headers say or with the connection.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(bytes)?;
    let (mut received, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let size = stream.read(&mut buffer)?;
        received.extend(&buffer[..size]);
        match parse(&received, size == 0, bytes.starts_with(b"HEAD ")) {
            Some(answer) => return Ok(answer),
            None if size == 0 => {
                let text = String::from_utf8_lossy(&received);
                return Err(std::io::Error::other(format!("no HTTP answer: {text:?}")));
            }
            None => {}
        }
    }
}

/// The answer, if it is complete; `ended`: nothing more will come, `bodiless`: it has no body whatever its headers say.
fn parse(received: &[u8], ended: bool, bodiless: bool) -> Option<Answer> {
    let (head, rest) = split(received, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let headers = lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let body = if bodiless {
        Vec::new()
    } else if head.contains("transfer-encoding: chunked") {
        unchunked(rest)?
    } else if let Some(length) = length {
        rest.get(..length.trim().parse().ok()?)?.to_vec()
    } else {
        ended.then(|| rest.to_vec())?
    };
    Some(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (size, after) = split(rest, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(after.get(..size)?);
        rest = after.get(size + 2..)?;
    }
}

/// What is before the first `mark`, and what is behind it.
fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// Answers every request on `address`, for as long as the process runs, with 200 and the address itself.
pub fn echo(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || say(stream, &address.to_string()));
        }
    });
    Ok(())
}

/// Requests in these tests have no bodies: a request ends with its headers.
fn say(mut stream: TcpStream, name: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len());
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(size @ 1..) = stream.read(&mut buffer) {
        received.extend(&buffer[..size]);
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            received.drain(..end + 4);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
