//! A backend that answers with what it received.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

/// The header lines of every answer but its length. A name twice shows what becomes of repeated lines.
pub const ANSWER_HEADERS: [(&str, &str); 4] =
    [("x-upstream", "one"), ("x-upstream", "two"), ("x-replaced", "old"), ("content-type", "application/json")];

/// Answers every request on `address`, for as long as the process runs, with 200 and JSON: `name`, `method`, `target`,
/// and `headers` as pairs in order.
pub fn mirror(address: SocketAddr, name: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let name = name.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let name = name.clone();
            std::thread::spawn(move || answer(stream, &name));
        }
    });
    Ok(())
}

/// Requests in these tests have no bodies: a request ends with its headers.
fn answer(mut stream: TcpStream, name: &str) {
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(size @ 1..) = stream.read(&mut buffer) {
        received.extend(&buffer[..size]);
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = received.drain(..end + 4).collect();
            let body = describe(name, &String::from_utf8_lossy(&head)).to_string();
            let headers = ANSWER_HEADERS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
            let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn describe(name: &str, head: &str) -> Value {
    let mut lines = head.trim_end().split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| [name, value.trim()]).collect();
    json!({"name": name, "method": request.next(), "target": request.next(), "headers": headers})
}
