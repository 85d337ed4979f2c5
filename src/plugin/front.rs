//! The proxy-wasm side: callbacks in, host calls out, no decisions.
//!
//! The SDK panics where the host answers anything but "done" or "not found". So only host functions that APISIX's host
//! implements are called, and only while a request is being processed; header values are taken as bytes because the SDK
//! panics on text that is not UTF-8.

use amesh_standalone::Response;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType};

use crate::answer::Answer;
use crate::call::{Call, Job};
use crate::config::Config;
use crate::instance::{Instance, Record, Reply, Time};
use crate::request::{Request, check_length};

thread_local! {
    static INSTANCES: RefCell<BTreeMap<String, Instance>> = const { RefCell::new(BTreeMap::new()) };
}

proxy_wasm::main! {{
    // Also makes the SDK log the message of a panic, should there ever be one.
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root { config: Err("not configured".to_owned()) }));
}}

/// The configuration of one route, or why there is none.
struct Root {
    config: Result<Rc<Config>, String>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Never fails: a request can then be answered with the reason, where APISIX would say 503 and nothing else.
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        let config = Config::parse(&text).map_err(|error| format!("the plugin's configuration is wrong: {error}"));
        if let Err(reason) = &config {
            let _ = hostcalls::log(LogLevel::Error, reason);
        }
        self.config = config.map(Rc::new);
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http { config: self.config.clone(), request: None, call: None }))
    }
}

/// One request.
struct Http {
    config: Result<Rc<Config>, String>,
    /// Waits for its body.
    request: Option<Request>,
    /// Waits for the outcome of the call with this token.
    call: Option<(u32, Job)>,
}

impl Http {
    /// Lets the instance take a step; callbacks do not nest, so its state is never in use.
    fn step<T>(&self, step: impl FnOnce(&mut Instance, &Rc<Config>) -> T) -> Option<T> {
        let config = self.config.as_ref().ok()?;
        INSTANCES.with(|instances| {
            let mut instances = instances.try_borrow_mut().ok()?;
            let fresh = || Instance::new(Rc::clone(config), Record::default());
            Some(step(instances.entry(config.instance.clone()).or_insert_with(fresh), config))
        })
    }

    /// Answers or calls; `Pause` only ever together with a call that the host has taken.
    fn act(&mut self, mut reply: Option<Reply>) -> Action {
        while let Some(Reply::Call(job)) = reply {
            if let Some(token) = self.dispatch(&job.call) {
                self.call = Some((token, job));
                return Action::Pause;
            }
            reply = self.step(|instance, _| instance.resume(job, None, now()));
        }
        let answer = if let Some(Reply::Answer(answer)) = reply { answer } else { Answer::busy() };
        let mut headers = vec![("content-type", answer.content_type)];
        headers.extend((answer.status == 503).then_some(("retry-after", "1")));
        let _ = hostcalls::send_http_response(answer.status, headers, Some(&answer.body));
        Action::Continue
    }

    fn dispatch(&self, call: &Call) -> Option<u32> {
        let admin = self.config.as_ref().ok()?.admin.as_ref()?;
        let (method, digest, body) = match call {
            Call::Read => ("GET", "", None),
            Call::Write { digest, body, .. } => ("PUT", digest.as_str(), Some(body.as_bytes())),
        };
        // All four pseudo headers, always: the host would repeat those of an earlier call.
        let headers = vec![
            (":method", method),
            (":path", "/apisix/admin/configs"),
            (":scheme", "http"),
            (":authority", admin.authority.as_ref().unwrap_or(&admin.address)),
            ("x-api-key", &admin.key),
            ("x-digest", digest),
            ("content-type", "application/json"),
        ];
        let timeout = Duration::from_millis(admin.timeout_ms.into());
        self.dispatch_http_call(&admin.address, headers, body, Vec::new(), timeout).ok()
    }
}

impl Context for Http {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _trailers: usize) {
        let Some((_, job)) = self.call.take_if(|(expected, _)| *expected == token) else { return };
        // A failed call has no headers, and to ask for one would be a panic.
        let response = (headers > 0).then(|| Response {
            status: header(MapType::HttpCallResponseHeaders, ":status").parse().unwrap_or_default(),
            body: buffer(BufferType::HttpCallResponseBody, body_size),
        });
        let reply = self.step(|instance, _| instance.resume(job, response.as_ref(), now()));
        self.act(reply);
    }
}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _headers: usize, _end: bool) -> Action {
        let misconfigured = |reason: &String| Answer::error(500, "misconfigured", reason);
        let request = self.config.as_ref().map_err(misconfigured).and_then(|config| {
            Request::admit(config, &property("remote_addr"), |name| header(MapType::HttpRequestHeaders, name))
        });
        match request {
            Err(answer) => self.act(Some(Reply::Answer(answer))),
            Ok(request) if request.has_body => {
                self.request = Some(request);
                self.set_property(vec!["wasm_process_req_body"], Some(b"1"));
                Action::Continue
            }
            Ok(request) => {
                let reply = self.step(|instance, config| instance.handle(config, &request, Bytes::new(), now()));
                self.act(reply)
            }
        }
    }

    fn on_http_request_body(&mut self, size: usize, _end: bool) -> Action {
        let Some(request) = self.request.take() else { return Action::Continue };
        let length = u64::try_from(size).unwrap_or(u64::MAX);
        let reply = self.step(|instance, config| match check_length(config, length) {
            Err(answer) => Reply::Answer(answer),
            Ok(()) => instance.handle(config, &request, buffer(BufferType::HttpRequestBody, size).into(), now()),
        });
        self.act(reply)
    }
}

impl Drop for Http {
    /// The caller may go away while its call is under way.
    fn drop(&mut self) {
        if self.call.take().is_some() {
            self.step(|instance, _| instance.abort());
        }
    }
}

/// An empty body must not be asked for: the host would hand out that of an earlier request.
fn buffer(kind: BufferType, size: usize) -> Vec<u8> {
    let bytes = if size == 0 { None } else { hostcalls::get_buffer(kind, 0, size).ok().flatten() };
    bytes.unwrap_or_default()
}

fn header(map: MapType, name: &str) -> String {
    text(hostcalls::get_map_value_bytes(map, name).ok().flatten())
}

fn property(name: &str) -> String {
    text(hostcalls::get_property(vec![name]).ok().flatten())
}

/// Empty also for what is not UTF-8.
fn text(bytes: Option<Vec<u8>>) -> String {
    String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}

/// Milliseconds since 1970, from nginx's variable `msec` (seconds, a dot, three digits).
fn now() -> Time {
    property("msec").replace('.', "").parse().ok()
}
