//! `amesh run`: from a control plane to APISIX, until told to stop.

use crate::args::{ConnectionArgs, NodeArgs, RunArgs};
use crate::embedded::{self, EmbeddedError};
use crate::exit::{Exit, Failure};
use crate::sink::FileSink;
use crate::{files, narrate, runtime};
use amesh_fetcher::wire::Locality;
use amesh_fetcher::{CancellationToken, Client, ClientConfig, Event, EventSink, HttpIngest, Identity, Ingest, Tls};
use amesh_translator::Severity;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Connects, fetches, applies.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let config = config(args)?;
    let ingest = ingest(args)?;
    let least = if args.verbose { Severity::Info } else { Severity::Error };
    let events: EventSink = Arc::new(move |event| tell(&event, least));
    let client = Client::new(config, ingest, events).map_err(|error| Failure::Usage(error.to_string()))?;
    runtime::run(|stop| until_stopped(client, stop))
}

async fn until_stopped(client: Client<Box<dyn Ingest>>, stop: CancellationToken) -> Result<Exit, Failure> {
    client.run(stop).await;
    Ok(Exit::Clean)
}

fn tell(event: &Event, least: Severity) {
    if let Some(line) = narrate::client(event) {
        narrate::say(&line);
    }
    if let Event::Verdict { answer, replayed: false, .. } = event {
        let said = narrate::diagnostics(answer, least);
        for diagnostic in &said {
            narrate::say(&narrate::diagnostic(diagnostic));
        }
    }
}

fn ingest(args: &RunArgs) -> Result<Box<dyn Ingest>, Failure> {
    if let Some(url) = &args.apisix {
        let ingest = HttpIngest::for_url(url, args.apisix_token_file.clone());
        return Ok(Box::new(ingest.map_err(|error| Failure::Usage(error.to_string()))?));
    }
    let configuration = args.embedded.options.configuration(args.connection.max_size).to_string();
    let module = embedded::find(args.embedded.module.module.as_deref())?;
    let ingest = embedded::start(&module, &configuration)?;
    let shown = args.embedded.out.display().to_string();
    let watcher = move |written: &crate::sink::Configuration| {
        let (routes, upstreams) = (written.routes.len(), written.upstreams.len());
        narrate::say(&format!("{shown}: {routes} routes, {upstreams} upstreams"));
    };
    Ok(Box::new(FileSink::new(ingest, args.embedded.out.clone(), watcher)))
}

fn config(args: &RunArgs) -> Result<ClientConfig, Failure> {
    let ConnectionArgs { token_file, ca, cert, key, server_name, max_size } = &args.connection;
    let mut config = ClientConfig::new(args.xds.clone(), identity(&args.node)?);
    config.token_file.clone_from(token_file);
    config.tls = Tls { ca: ca.clone(), client: cert.clone().zip(key.clone()), server_name: server_name.clone() };
    config.message_limit = usize::try_from(max_size.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
    Ok(config)
}

fn identity(args: &NodeArgs) -> Result<Identity, Failure> {
    let mut parts = args.locality.splitn(3, '/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    Ok(Identity {
        id: args.node_id.clone(),
        cluster: args.node_cluster.clone(),
        metadata: args.node_metadata.as_deref().map_or(Ok(Map::new()), metadata)?,
        locality: Locality { region: part(), zone: part(), sub_zone: part() },
    })
}

/// The object in a file of JSON or YAML; JSON is YAML.
fn metadata(path: &Path) -> Result<Map<String, Value>, Failure> {
    let usage = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let bytes = files::read(path, 16).map_err(|error| usage(error.to_string()))?;
    let value: Value = serde_saphyr::from_slice(&bytes).map_err(|error| usage(error.to_string()))?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(usage("an object is expected".to_owned())),
    }
}

impl From<EmbeddedError> for Failure {
    fn from(error: EmbeddedError) -> Self {
        match error {
            EmbeddedError::Missing(_) => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}
