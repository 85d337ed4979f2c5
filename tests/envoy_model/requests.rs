//! Random requests out of the alphabets of the configurations.

use amesh_simulator::Request;
use fastrand::Rng;

use crate::case::Probe;
use crate::generate::{DOMAINS, HEADERS, VALUES, one_in, path, pick};

const METHODS: [&str; 7] = ["GET", "GET", "GET", "POST", "OPTIONS", "HEAD", "PUT"];
const QUERIES: [&str; 8] = ["", "", "?", "?k=a", "?k", "?l=b&k=5", "?k=%61", "?k=b&k=a"];
/// Header lines that mean something to Envoy.
const SPECIAL: [(&str, &str); 12] = [
    ("x-forwarded-proto", "https"),
    ("content-type", "application/grpc"),
    ("origin", "http://a.test"),
    ("origin", "http://b.test"),
    ("origin", "null"),
    ("referer", "http://a.test/x"),
    ("access-control-request-method", "PUT"),
    ("cookie", "k=a"),
    ("cookie", "j=1; k=\"b\""),
    ("x-c", "c2"),
    ("x-forwarded-host", "f.test"),
    ("te", "trailers"),
];

pub(crate) fn random(rng: &mut Rng, port: u16) -> Probe {
    let host = match pick(rng, &DOMAINS) {
        "*" => "other".to_owned(),
        domain => domain.replace('*', pick(rng, &["x", "y.z", ""])),
    };
    let host = host + pick(rng, &["", "", "", ":80", ":81", "."]);
    let mut request = Request::get(&host, path(rng) + pick(rng, &QUERIES)).with_method(pick(rng, &METHODS));
    for _ in 0..rng.usize(0..4) {
        request = request.with_header(pick(rng, &HEADERS), pick(rng, &VALUES));
    }
    for _ in 0..rng.usize(0..3) {
        let (name, value) = SPECIAL[rng.usize(..SPECIAL.len())];
        request = request.with_header(name, value);
    }
    if one_in(rng, 15) {
        // A websocket that is allowed would take its connection over.
        request = request.with_header("connection", "upgrade").with_header("upgrade", "other");
    }
    request.server_port = port;
    Probe {
        text: format!("{} {} {:?}", request.method, String::from_utf8_lossy(&request.target), lines(&request)),
        request,
        not_modelled: false,
    }
}

fn lines(request: &Request) -> Vec<String> {
    request.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
}
