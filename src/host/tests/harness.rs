//! Builds modules from text and runs requests on them.
//!
//! Text of a module may contain `@"text"` where an address and a size are due, and `@map"name=value|..."` for a
//! serialised header map. `$note` logs a number, `$tell` the bytes that a host function returned through the slots
//! `(i32.const 8)` (address) and `(i32.const 12)` (size).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use amesh_host::{
    Config, HOST_FUNCTIONS, HostError, HttpCall, HttpReply, HttpRequest, HttpResponse, Instance, LoadError,
    LocalResponse, LogLevel, Module, PluginContext, ValueType, Variables,
};

const PRELUDE: &str = r#"
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get 0))))
  (func $note (param $n i32)
    (i32.store8 (i32.const 0) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
    (i32.store8 (i32.const 1) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (drop (call $proxy_log (i32.const 3) (i32.const 0) (i32.const 2))))
  (func $tell (param $status i32)
    (if (local.get $status)
      (then (call $note (local.get $status)))
      (else (drop (call $proxy_log (i32.const 3) (i32.load (i32.const 8)) (i32.load (i32.const 12)))))))
"#;

const CONFIGURE: &str = r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))"#;

/// A module with all host functions, a memory, an allocator, and this text.
pub(crate) fn plugin_without_configure(text: &str) -> Vec<u8> {
    let imports: String = HOST_FUNCTIONS.iter().map(|function| import(function.name, function.parameters)).collect();
    let (text, data) = expand(text);
    assemble(&format!("(module {imports} {PRELUDE} {data} {text})"))
}

/// The same with a `proxy_on_configure` that agrees.
pub(crate) fn plugin(text: &str) -> Vec<u8> {
    plugin_without_configure(&format!("{CONFIGURE} {text}"))
}

/// A plugin whose request headers callback is this text; it leaves the action on the stack.
pub(crate) fn on_request(text: &str) -> Vec<u8> {
    plugin(&format!(r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {text})"#))
}

pub(crate) fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn import(name: &str, parameters: &[ValueType]) -> String {
    let parameters: String = parameters.iter().map(|ty| if *ty == ValueType::I64 { " i64" } else { " i32" }).collect();
    format!("(import \"env\" \"{name}\" (func ${name} (param{parameters}) (result i32)))\n")
}

/// Replaces literals by address and size, and returns the data segments that hold them.
fn expand(text: &str) -> (String, String) {
    let (mut code, mut data, mut address) = (String::new(), String::new(), 4096);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let (is_map, after) = match after.strip_prefix("map") {
            Some(after) => (true, after),
            None => (false, after),
        };
        let (literal, tail) = after.strip_prefix('"').and_then(|after| after.split_once('"')).expect("literal");
        let bytes = if is_map { map(literal) } else { literal.as_bytes().to_vec() };
        let escaped = bytes.escape_ascii().to_string().replace("\\x", "\\");
        writeln!(code, "{before}(i32.const {address}) (i32.const {})", bytes.len()).unwrap();
        writeln!(data, "(data (i32.const {address}) \"{escaped}\")").unwrap();
        address += bytes.len();
        rest = tail;
    }
    (code + rest, data)
}

fn map(literal: &str) -> Vec<u8> {
    let pairs: Vec<(&str, &str)> = literal.split('|').filter_map(|pair| pair.split_once('=')).collect();
    let mut bytes = length(pairs.len()).to_vec();
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(length(text.len()));
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap().to_le_bytes()
}

/// A running plugin and what it logged.
pub(crate) struct Bench {
    pub(crate) instance: Instance,
    pub(crate) context: Option<PluginContext>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub(crate) fn new(module: &[u8]) -> Self {
        Self::with(module, &Config::default()).unwrap()
    }

    /// Without strict mode.
    pub(crate) fn lenient(module: &[u8]) -> Self {
        Self::with(module, &Config { strict: false, ..Config::default() }).unwrap()
    }

    /// Keeps lines of level warn as they are, and others with their level before them.
    pub(crate) fn with(module: &[u8], config: &Config) -> Result<Self, LoadError> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let write = move |level: LogLevel, line: &str| {
            let line = if level == LogLevel::Warn { line.to_owned() } else { format!("{level:?}: {line}") };
            sink.lock().unwrap().push(line);
        };
        let config = Config { log: Arc::new(write), ..config.clone() };
        let mut instance = Module::load(module, config)?.instantiate("amesh")?;
        let context = instance.configure("{}").ok();
        Ok(Self { instance, context, log })
    }

    /// The lines since the last look.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// The lines of the module itself.
    pub(crate) fn said(&self) -> Vec<String> {
        let host_lines = ["Error: ", "Emerg: "];
        self.log().into_iter().filter(|line| !host_lines.iter().any(|level| line.starts_with(level))).collect()
    }

    pub(crate) fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, HostError> {
        self.send_with(request, |_| None)
    }

    pub(crate) fn send_with(
        &mut self,
        request: HttpRequest,
        mut http: impl FnMut(HttpCall) -> Option<HttpReply>,
    ) -> Result<HttpResponse, HostError> {
        let context = self.context.as_ref().expect("configured");
        self.instance.handle(context, request, &mut http, variables())
    }

    pub(crate) fn get(&mut self) -> Result<HttpResponse, HostError> {
        self.send(get())
    }

    pub(crate) fn local(&mut self) -> LocalResponse {
        self.get().unwrap().local().expect("local response").clone()
    }
}

/// What a plugin says while it handles one plain request that ends well.
pub(crate) fn said(module: &[u8]) -> Vec<String> {
    let mut bench = Bench::new(module);
    bench.get().unwrap();
    bench.said()
}

pub(crate) fn get() -> HttpRequest {
    HttpRequest::new("GET", "/a%2Fb?x=1", "Example.com:9080").header("X-Mixed", "Case")
}

pub(crate) fn variables() -> Arc<dyn Variables> {
    let fixed = [("remote_addr", "127.0.0.1"), ("server_port", "9080"), ("pid", "77")];
    Arc::new(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>())
}
