//! Reading the recordings of a running APISIX (`apisix/vectors` of the shared reference files; the
//! format is described there).

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::indexing_slicing, reason = "absent fields of a JSON value are null")]

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod echo;
pub(crate) mod tries;

use std::path::{Path, PathBuf};

use amesh_simulator::apisix::Request;
use serde_json::Value as Json;

/// The shared reference files: `AMESH_SHARED`, else `../shared` beside the repository. Says so
/// loudly when they are absent.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("AMESH_SHARED").map_or_else(beside, PathBuf::from);
    let path = root.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is absent (set AMESH_SHARED)", path.display());
    None
}

/// All recordings of some areas, sorted, as (name without `.json`, content).
pub(crate) fn recordings(root: &Path, areas: &[&str]) -> Vec<(String, Json)> {
    let mut files = Vec::new();
    for area in areas {
        collect(&root.join(area), &mut files);
    }
    files.sort();
    let name = |path: &Path| {
        let name = path.strip_prefix(root).expect("below the root").with_extension("");
        name.to_string_lossy().into_owned()
    };
    files.iter().map(|path| (name(path), json(path))).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Json {
    let text = std::fs::read(path).expect("a readable file");
    serde_json::from_slice(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The request of a case, over the connection it was recorded on.
pub(crate) fn request(recorded: &Json, uri_router: bool) -> Request {
    let mut request = match recorded["raw"].as_str() {
        Some(raw) => parse(raw),
        None => build(recorded),
    };
    request.request_id = Some("0123456789abcdef0123456789abcdef".into());
    request.tls = recorded["port"] == "https" || recorded["tls"].is_object();
    request.server_port = match recorded["port"].as_str() {
        _ if uri_router => 15380,
        Some("http2") => 15081,
        _ if request.tls => 15443,
        _ => 15080,
    };
    if let Some(source) = recorded["source"].as_str() {
        request.peer = source.parse().expect("an address");
    }
    request
}

fn build(recorded: &Json) -> Request {
    let text = |name: &str, default: &str| recorded[name].as_str().unwrap_or(default).to_owned();
    let mut request = Request::get(&text("host", "vec.test"), latin1(&text("target", "/")));
    if recorded.get("host").is_some_and(Json::is_null) {
        request.headers.clear();
    }
    request.method = text("method", "GET");
    request.version = text("version", "HTTP/1.1");
    for line in recorded["headers"].as_array().into_iter().flatten() {
        let (name, value) = (line[0].as_str().expect("a name"), line[1].as_str().expect("a value"));
        request = request.with_header(name, latin1(value));
    }
    if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding")) {
        return request;
    }
    let length = match &recorded["body"] {
        Json::String(body) => latin1(body).len().to_string(),
        Json::Number(length) => length.to_string(),
        _ => return request,
    };
    request.with_header("Content-Length", length)
}

/// A request written out in full.
fn parse(raw: &str) -> Request {
    let mut lines = raw.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut word = || first.next().unwrap_or_default().to_owned();
    let (method, target, version) = (word(), latin1(&word()), word());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), latin1(value))).collect();
    Request { method, version, headers, ..Request::get("", target) }
}

/// Texts stand for bytes, one character a byte.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).expect("a latin-1 character")).collect()
}
