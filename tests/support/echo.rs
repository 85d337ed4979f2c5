//! A backend that answers with what it received, and badly or late where a request asks for that.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The header lines of every answer but its length. A name twice shows what becomes of repeated lines.
pub const ANSWER_HEADERS: [(&str, &str); 4] =
    [("x-upstream", "one"), ("x-upstream", "two"), ("x-replaced", "old"), ("content-type", "application/json")];

/// The header of a request that says how the backend shall [behave](Behaviour), as JSON.
pub const BEHAVIOUR: &str = "x-backend";

/// How a backend answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// The status of the answer.
    pub status: u16,
    /// How long it takes.
    pub seconds: f64,
    /// More header lines of the answer, `name: value`.
    pub headers: Vec<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { status: 200, seconds: 0.0, headers: Vec::new() }
    }
}

static RECEIVED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// The names of the backends that received a request with this text in its head, one entry a request.
pub fn receivers_of(text: &str) -> Vec<String> {
    let received = RECEIVED.lock().unwrap();
    received.iter().filter(|(_, head)| head.contains(text)).map(|(name, _)| name.clone()).collect()
}

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
            let head = String::from_utf8_lossy(&head);
            RECEIVED.lock().unwrap().push((name.to_owned(), head.clone().into_owned()));
            let answer = answer_to(name, &head);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn answer_to(name: &str, head: &str) -> String {
    let body = describe(name, head).to_string();
    let wanted = head.lines().find_map(|line| line.strip_prefix(BEHAVIOUR)?.strip_prefix(": "));
    let Behaviour { status, seconds, headers } =
        wanted.map(|wanted| serde_json::from_str(wanted).expect("a behaviour")).unwrap_or_default();
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let fixed = ANSWER_HEADERS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let more: Vec<String> = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let more = more.concat();
    format!("HTTP/1.1 {status} -\r\n{fixed}{more}content-length: {}\r\n\r\n{body}", body.len())
}

fn describe(name: &str, head: &str) -> Value {
    let mut lines = head.trim_end().split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| [name, value.trim()]).collect();
    json!({"name": name, "method": request.next(), "target": request.next(), "headers": headers})
}
