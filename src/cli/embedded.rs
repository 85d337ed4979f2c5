//! `amesh.wasm` in the embedded host, on a thread of its own, behind the same requests that APISIX would carry.

use amesh_fetcher::{Carrier, ProtocolIngest};
use amesh_host::{
    Config, Header, HostError, HttpCall, HttpReply, HttpRequest, HttpResponse, Instance, LogLevel, Module,
    PluginContext, SystemVariables,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// The plugin's name and the port of the ingest route, as in the example for APISIX.
const NAME: &str = "amesh";
const PORT: u16 = 9081;

type Answer = Result<Response<Bytes>, String>;
type Job = (Request<Bytes>, oneshot::Sender<Answer>);

/// The way to the module.
pub(crate) struct Embedded {
    jobs: Sender<Job>,
}

/// Why the module cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedError {
    #[error("no amesh.wasm at {0}; `make plugin` builds it, --module says where it is")]
    Missing(String),
    #[error("{path}: {error}")]
    Load { path: String, error: amesh_host::LoadError },
    #[error("amesh.wasm refuses its configuration: {0}")]
    Configuration(HostError),
    #[error("the thread of the embedded host: {0}")]
    Thread(std::io::Error),
}

/// Where the module is: as told, else beside the program, else in `dist/` of the repository.
pub(crate) fn find(told: Option<&Path>) -> Result<PathBuf, EmbeddedError> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let beside =
        beside.into_iter().flat_map(|folder| [folder.join("amesh.wasm"), folder.join("../../dist/amesh.wasm")]);
    let usual: Vec<PathBuf> = beside.chain([PathBuf::from("dist/amesh.wasm")]).collect();
    let places = told.map_or(usual, |told| vec![told.to_owned()]);
    let shown = || places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
    let found = places.iter().find(|place| place.is_file()).ok_or_else(|| EmbeddedError::Missing(shown()))?;
    Ok(found.canonicalize().unwrap_or_else(|_| found.clone()))
}

/// Loads the module and configures it as a route in APISIX would.
pub(crate) fn start(path: &Path, configuration: &str) -> Result<ProtocolIngest<Embedded>, EmbeddedError> {
    let load = |error| EmbeddedError::Load { path: path.display().to_string(), error };
    let bytes = std::fs::read(path).map_err(|_| EmbeddedError::Missing(path.display().to_string()))?;
    let config = Config { log_level: LogLevel::Error, log: Arc::new(log), ..Config::default() };
    let module = Module::load(&bytes, config).map_err(load)?;
    let (jobs, queue) = channel();
    let mut worker = Worker::new(module, configuration)?;
    let thread = std::thread::Builder::new().name("amesh.wasm".to_owned());
    thread.spawn(move || worker.work(&queue)).map_err(EmbeddedError::Thread)?;
    Ok(ProtocolIngest::new(Embedded { jobs }, "/amesh"))
}

fn log(level: LogLevel, line: &str) {
    crate::narrate::say(&format!("amesh.wasm ({level:?}): {line}"));
}

#[async_trait]
impl Carrier for Embedded {
    async fn send(&mut self, request: Request<Bytes>) -> Answer {
        let (sender, answer) = oneshot::channel();
        let gone = "the embedded host has ended";
        self.jobs.send((request, sender)).map_err(|_| gone.to_owned())?;
        answer.await.map_err(|_| gone.to_owned())?
    }
}

/// The nginx worker's part.
struct Worker {
    module: Module,
    configuration: String,
    instance: Instance,
    context: PluginContext,
}

impl Worker {
    fn new(module: Module, configuration: &str) -> Result<Self, EmbeddedError> {
        let load = |error| EmbeddedError::Load { path: "amesh.wasm".to_owned(), error };
        let mut instance = module.instantiate(NAME).map_err(load)?;
        let context = instance.configure(configuration).map_err(EmbeddedError::Configuration)?;
        Ok(Self { module, configuration: configuration.to_owned(), instance, context })
    }

    fn work(&mut self, queue: &Receiver<Job>) {
        while let Ok((request, answer)) = queue.recv() {
            // Whoever asked may have been told to stop.
            let _wanted = answer.send(self.handle(request));
        }
    }

    fn handle(&mut self, request: Request<Bytes>) -> Answer {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let variables = SystemVariables::new(address, PORT, "00000000000000000000000000000000");
        // In mode none the module calls nobody.
        let mut calls = |_: HttpCall| None::<HttpReply>;
        let handled = self.instance.handle(&self.context, host_request(request), &mut calls, Arc::new(variables));
        match handled {
            Ok(HttpResponse::Local(local)) => answer(local.status, &local.headers, local.body),
            Ok(HttpResponse::Upstream(_)) => Err("amesh.wasm let the request pass".to_owned()),
            Err(error) => Err(self.restart(&error)),
        }
    }

    /// A new instance in place of one that has failed; the client will tell it everything again.
    fn restart(&mut self, error: &HostError) -> String {
        match Self::new(self.module.clone(), &self.configuration) {
            Ok(fresh) => *self = fresh,
            Err(again) => return format!("amesh.wasm failed ({error}) and does not start again: {again}"),
        }
        format!("amesh.wasm failed and was started again: {error}")
    }
}

fn host_request(request: Request<Bytes>) -> HttpRequest {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let plain = HttpRequest::new(head.method.as_str(), target, "127.0.0.1").body(body);
    head.headers.iter().fold(plain, |request, (name, value)| request.header(name.as_str(), value.as_bytes()))
}

fn answer(status: u16, headers: &[Header], body: Bytes) -> Answer {
    let start = Response::builder().status(status);
    let response =
        headers.iter().fold(start, |response, header| response.header(&header.name, header.value.as_slice()));
    response.body(body).map_err(|error| format!("amesh.wasm answers what is no HTTP: {error}"))
}
