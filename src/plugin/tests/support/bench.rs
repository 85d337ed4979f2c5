//! The built module in the embedded host, in front of a mock of the Admin API.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use amesh_host::{
    Config, HttpCall, HttpReply, HttpRequest, Instance, LocalResponse, LogLevel, Module, Pending, PluginContext, Step,
};
use serde_json::Value;

use super::admin::Admin;

/// 2026-01-01, in milliseconds.
const START: u64 = 1_767_225_600_000;

/// The module, or `None` with a loud line where it was not built.
pub(crate) fn wasm() -> Option<Vec<u8>> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../dist/amesh.wasm");
    let path = std::env::var_os("AMESH_WASM").map_or_else(default, PathBuf::from);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("SKIPPED: no module at {}; build it with `make plugin`", path.display());
    }
    bytes
}

/// What the next calls of the Admin API meet instead of the mock.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// No answer.
    Away,
    /// This status and body.
    Status(u16, &'static str),
}

/// One worker with one route that carries the plugin.
pub(crate) struct Bench {
    instance: Instance,
    context: PluginContext,
    /// The Admin API.
    pub(crate) admin: Admin,
    /// Met by the next calls, first come, first served.
    pub(crate) faults: Vec<Option<Fault>>,
    /// `METHOD` of every call so far.
    pub(crate) calls: Vec<String>,
    /// The clock, in milliseconds since 1970; absent where the host has no `msec`.
    pub(crate) now: Option<u64>,
    /// The caller's address.
    pub(crate) remote: &'static str,
    sequence: u64,
    log: Arc<Mutex<Vec<(LogLevel, String)>>>,
}

/// An answer as the caller gets it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Reply {
    /// The body; null where it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// `apply.state`.
    pub(crate) fn state(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["apply"]["state"].as_str().unwrap_or_else(|| panic!("no state: {}", self.text)).to_owned()
    }
}

impl Bench {
    /// Loads and configures the module.
    pub(crate) fn new(conf: &str) -> Option<Self> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let write = move |level, line: &str| sink.lock().expect("no panic before").push((level, line.to_owned()));
        let config = Config { log: Arc::new(write), ..Config::default() };
        let module = Module::load(&wasm()?, config).expect("loads");
        let mut instance = module.instantiate("amesh").expect("starts");
        let context = instance.configure(conf).expect("is configured");
        let admin = Admin::default();
        let (faults, calls, now) = (Vec::new(), Vec::new(), Some(START));
        Some(Self { instance, context, admin, faults, calls, now, remote: "127.0.0.1", sequence: 0, log })
    }

    /// The same route configured again, as APISIX does at nearly every change of its routes.
    pub(crate) fn configure(&mut self, conf: &str) {
        self.context = self.instance.configure(conf).expect("is configured");
    }

    /// Everything logged so far at warn and above.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic before").iter().map(|(_, line)| line.clone()).collect()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now = self.now.map(|now| now + milliseconds);
        self.admin.now = self.now.unwrap_or_default() / 1000;
    }

    /// Starts a request: `METHOD path`, header lines, body.
    pub(crate) fn begin(&mut self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Step {
        let (method, path) = line.split_once(' ').expect("method and path");
        let mut request = HttpRequest::new(method, path, "localhost").body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut variables = BTreeMap::from([("remote_addr".to_owned(), self.remote.to_owned())]);
        if let Some(now) = self.now {
            variables.insert("msec".to_owned(), format!("{}.{:03}", now / 1000, now % 1000));
        }
        self.instance.begin(&self.context, request, Arc::new(variables)).expect("no trap, no crash")
    }

    /// A whole request.
    pub(crate) fn ask(&mut self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let step = self.begin(line, headers, body);
        self.finish(step)
    }

    /// Answers the calls of a request until it ends.
    pub(crate) fn finish(&mut self, mut step: Step) -> Reply {
        loop {
            match step {
                Step::Done(response) => return reply(response.local().expect("never passed on to an upstream")),
                Step::Call(pending, call) => {
                    let answer = self.call(&call);
                    step = self.resume(pending, answer);
                }
            }
        }
    }

    /// Goes on with a request whose call has ended.
    pub(crate) fn resume(&mut self, pending: Pending, answer: Option<HttpReply>) -> Step {
        self.instance.resume(pending, answer).expect("no trap, no crash")
    }

    /// Ends a request that waits for its call.
    pub(crate) fn cancel(&mut self, pending: Pending) {
        self.instance.cancel(pending);
    }

    /// What the Admin API answers.
    pub(crate) fn call(&mut self, call: &HttpCall) -> Option<HttpReply> {
        let header = |name: &str| {
            call.headers.iter().find(|header| header.name == name).map(|header| header.text().into_owned())
        };
        assert_eq!(
            (call.url().as_str(), call.timeout.map(|it| it.as_millis())),
            ("http://127.0.0.1:9180/apisix/admin/configs", Some(700))
        );
        assert_eq!(
            (header("host").as_deref(), header("x-api-key").as_deref()),
            (Some("127.0.0.1:9180"), Some("adm1n"))
        );
        self.calls.push(call.method.clone());
        let fault = if self.faults.is_empty() { None } else { self.faults.remove(0) };
        let (status, body) = match (fault, call.method.as_str()) {
            (Some(Fault::Away), _) => return None,
            (Some(Fault::Status(status, body)), _) => (status, body.to_owned()),
            (None, "GET") => self.admin.get(),
            (None, _) => self.admin.put(header("x-digest").as_deref(), &call.body),
        };
        Some(HttpReply::new(status, body))
    }

    /// Opens session `s`.
    pub(crate) fn open(&mut self) -> Reply {
        self.sequence = 0;
        self.ask("POST /amesh/v1/session", &[("x-amesh-session", "s")], b"")
    }

    /// Sends the session's next message.
    pub(crate) fn stream(&mut self, message: &[u8]) -> Reply {
        self.stream_with(&[], message)
    }

    /// The same with more headers.
    pub(crate) fn stream_with(&mut self, headers: &[(&str, &str)], message: &[u8]) -> Reply {
        let step = self.begin_stream(headers, message);
        self.finish(step)
    }

    /// Starts to send the session's next message.
    pub(crate) fn begin_stream(&mut self, headers: &[(&str, &str)], message: &[u8]) -> Step {
        self.sequence += 1;
        let sequence = self.sequence.to_string();
        let head = [("x-amesh-session", "s"), ("x-amesh-sequence", sequence.as_str())];
        self.begin("POST /amesh/v1/stream", &[&head, headers].concat(), message)
    }

    /// Asks to apply what is pending.
    pub(crate) fn flush(&mut self) -> Reply {
        self.ask("POST /amesh/v1/flush", &[("x-amesh-session", "s")], b"")
    }

    /// A page for people.
    pub(crate) fn page(&mut self, path: &str) -> Reply {
        self.ask(&format!("GET /amesh{path}"), &[], b"")
    }
}

fn reply(response: &LocalResponse) -> Reply {
    assert!(!response.body.is_empty(), "every answer has a body");
    let headers =
        response.headers.iter().map(|header| (header.name.to_lowercase(), header.text().into_owned())).collect();
    let text = String::from_utf8(response.body.to_vec()).expect("text");
    Reply { status: response.status, headers, text }
}
