//! Files that people have, as xDS resources: bootstraps, configuration dumps, responses, lists.
//!
//! What a file is, is found out from its contents. Every resource becomes bytes on the wire, by the schema tables;
//! what this release does not declare is left out and remarked on. Nothing is interpreted.

mod bootstrap;
mod cluster_status;
mod collect;
mod config_dump;
mod kind;
mod lookup;
mod syntax;

pub(crate) use kind::Kind;

use crate::args::InputArgs;
use crate::files::{self, ReadError};
use crate::report::Remark;
use amesh_fetcher::wire::{Any, DiscoveryResponse};
use bytes::Bytes;
use collect::Collector;
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;
use syntax::{Content, SyntaxError};

/// Type URLs begin with this.
pub(crate) const PREFIX: &str = "type.googleapis.com/";

const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";

/// The order of the xDS protocol's make-before-break; other types come last.
const ORDER: [&str; 4] = [
    "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    LISTENER,
    "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
];

/// Why a file is of no use. One bad resource among others is no such reason.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub(crate) struct InputError {
    /// As the user named it.
    pub(crate) file: String,
    pub(crate) problem: InputProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputProblem {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error("holds nothing")]
    Empty,
    #[error("it cannot be told what this is ({0}); name it with --from")]
    UnknownKind(&'static str),
    #[error("this is no {wanted}: {expected}")]
    WrongKind { wanted: &'static str, expected: &'static str },
    #[error("this is a binary message, not a {0}")]
    Binary(&'static str),
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// By type URL, in the order of the files.
    pub(crate) resources: BTreeMap<String, Vec<Any>>,
    /// What was found on the way.
    pub(crate) remarks: Vec<Remark>,
    /// Resources, as diagnostics name them, and the files they came from.
    pub(crate) origins: BTreeMap<String, String>,
}

impl Input {
    /// Whether there is a listener to take routes into use.
    pub(crate) fn has_listeners(&self) -> bool {
        self.resources.get(LISTENER).is_some_and(|listeners| !listeners.is_empty())
    }

    /// One encoded response for each type.
    pub(crate) fn responses(&self) -> Vec<Bytes> {
        let mut types: Vec<&String> = self.resources.keys().collect();
        types.sort_by_key(|type_url| {
            (ORDER.iter().position(|known| known == type_url).unwrap_or(usize::MAX), *type_url)
        });
        types.into_iter().map(|type_url| self.response(type_url)).collect()
    }

    fn response(&self, type_url: &str) -> Bytes {
        let response = DiscoveryResponse {
            version_info: "files".to_owned(),
            resources: self.resources.get(type_url).cloned().unwrap_or_default(),
            type_url: type_url.to_owned(),
            nonce: "files".to_owned(),
        };
        response.encode_to_vec().into()
    }
}

/// Reads all files as one input.
pub(crate) fn read(args: &InputArgs) -> Result<Input, InputError> {
    let mut collector = Collector::default();
    for path in &args.files {
        read_one(path, args, &mut collector)?;
    }
    Ok(collector.finish())
}

fn read_one(path: &Path, args: &InputArgs, collector: &mut Collector) -> Result<(), InputError> {
    let file = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
    let fail = |problem: InputProblem| InputError { file: file.clone(), problem };
    let bytes = files::read(path, args.max_size).map_err(|error| fail(error.into()))?;
    let contents = syntax::parse(&bytes).map_err(|error| fail(error.into()))?;
    if contents.is_empty() {
        return Err(fail(InputProblem::Empty));
    }
    file.clone_into(&mut collector.file);
    contents.iter().try_for_each(|content| take(content, args.from, collector)).map_err(fail)
}

fn take(content: &Content, from: Option<Kind>, collector: &mut Collector) -> Result<(), InputProblem> {
    match (content, from) {
        (Content::Response(response), None | Some(Kind::DiscoveryResponse)) => collector.binary(response),
        (Content::Response(_), Some(kind)) => return Err(InputProblem::Binary(kind.name())),
        (Content::Json(value), Some(kind)) => kind.take(value, collector)?,
        (Content::Json(value), None) => kind::detect(value)?.take(value, collector)?,
    }
    Ok(())
}

#[cfg(test)]
#[path = "input/tests.rs"]
mod tests;
