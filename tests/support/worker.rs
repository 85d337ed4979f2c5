//! `amesh.wasm` in the embedded host, configured to apply nothing: one worker of an APISIX.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use amesh_host::{Config, HttpRequest, Instance, Module, PluginContext, Step};
use amesh_translator::Diagnostic;
use serde_json::json;

use super::files::{root, skipped};
use super::session::{Answer, Receiver, split};

/// One worker with one session at a time.
#[derive(Debug)]
pub struct Worker {
    instance: Instance,
    context: PluginContext,
    sequence: u64,
}

/// The built module: `AMESH_WASM`, else `dist/amesh.wasm`. Says so once where it is absent.
fn module() -> Option<&'static Module> {
    static MODULE: OnceLock<Option<Module>> = OnceLock::new();
    let load = || {
        let path = std::env::var_os("AMESH_WASM").map_or_else(|| root().join("dist/amesh.wasm"), PathBuf::from);
        let Ok(bytes) = std::fs::read(&path) else {
            skipped(&format!("nothing went through the module: there is none at {}; run make plugin", path.display()));
            return None;
        };
        Some(Module::load(&bytes, Config::default()).expect("the module loads"))
    };
    MODULE.get_or_init(load).as_ref()
}

impl Worker {
    /// A worker with this configuration of the plugin, `None` where no module was built.
    #[must_use]
    pub fn start(configuration: &str) -> Option<Self> {
        let mut instance = module()?.instantiate("amesh").expect("the module starts");
        let context = instance.configure(configuration).expect("the module is configured");
        Some(Self { instance, context, sequence: 0 })
    }

    /// Opens a session; what an earlier one brought is forgotten.
    pub fn open(&mut self) -> Result<(), String> {
        self.sequence = 0;
        self.ask("POST", "session", &[], b"").map(drop)
    }

    /// One request; the body of the answer, which has to be a 200.
    pub fn ask(&mut self, method: &str, page: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, String> {
        let mut request = HttpRequest::new(method, format!("/amesh/v1/{page}"), "localhost").body(body.to_vec());
        for (name, value) in [&[("x-amesh-session", "test")], headers].concat() {
            request = request.header(name, value);
        }
        let variables = BTreeMap::from([("remote_addr".to_owned(), "127.0.0.1".to_owned())]);
        let step = self.instance.begin(&self.context, request, Arc::new(variables)).map_err(|it| it.to_string())?;
        let Step::Done(response) = step else { return Err("the module calls somebody".to_owned()) };
        let local = response.local().ok_or("the module passes the request on")?;
        if local.status == 200 {
            return Ok(local.body.to_vec());
        }
        Err(format!("{}: {}", local.status, String::from_utf8_lossy(&local.body)))
    }
}

impl Receiver for Worker {
    fn stream(&mut self, message: &[u8]) -> Result<Answer, String> {
        self.sequence += 1;
        let sequence = self.sequence.to_string();
        split(&self.ask("POST", "stream", &[("x-amesh-sequence", &sequence)], message)?)
    }

    fn expire(&mut self, type_url: &str, names: &[String]) -> Result<Answer, String> {
        let body = json!({ "type_url": type_url, "names": names }).to_string();
        split(&self.ask("POST", "expire", &[], body.as_bytes())?)
    }

    fn diagnostics(&mut self) -> Result<Vec<Diagnostic>, String> {
        #[derive(serde::Deserialize)]
        struct Page {
            diagnostics: Vec<Diagnostic>,
        }
        let page = self.ask("GET", "diagnostics", &[], b"")?;
        serde_json::from_slice(&page).map(|page: Page| page.diagnostics).map_err(|error| error.to_string())
    }
}
