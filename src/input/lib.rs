//! Files that people have, as xDS resources: bootstraps, configuration dumps, responses, lists.
//!
//! What a file is, is found out from its contents. Every resource becomes bytes on the wire, by the schema tables;
//! what this release does not declare is left out and remarked on. Nothing is interpreted, and nothing is opened: the
//! caller brings the bytes.
#![forbid(unsafe_code)]

mod bootstrap;
mod cluster_status;
mod collect;
mod config_dump;
mod kind;
mod lookup;
mod syntax;

pub use kind::Kind;
pub use syntax::SyntaxError;

use amesh_translator::Diagnostic;
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use amesh_xds::wire::google::protobuf::Any;
use bytes::Bytes;
use collect::Collector;
use prost::Message;
use serde::Serialize;
use std::collections::BTreeMap;
use syntax::Content;

/// Type URLs begin with this.
const PREFIX: &str = "type.googleapis.com/";

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
pub enum InputError {
    /// It cannot be parsed.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// There is nothing in it.
    #[error("holds nothing")]
    Empty,
    /// It is well formed, but no kind of file fits.
    #[error("it cannot be told what this is ({0})")]
    UnknownKind(&'static str),
    /// It is not of the kind that the user named.
    #[error("this is no {wanted}: {expected}")]
    WrongKind {
        /// The kind named.
        wanted: &'static str,
        /// What such a file is made of.
        expected: &'static str,
    },
    /// A kind was named that only text can be, and it is no text.
    #[error("this is a binary message, not a {0}")]
    Binary(&'static str),
}

/// A diagnostic and the file that its resource came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// As the user named it; empty where no single file is meant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// What there is to say.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    /// By type URL, in the order of the files.
    pub resources: BTreeMap<String, Vec<Any>>,
    /// What was found on the way.
    pub remarks: Vec<Remark>,
    /// Resources, as diagnostics name them, and the files they came from.
    pub origins: BTreeMap<String, String>,
}

impl Input {
    /// Whether there is a listener to take routes into use.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.resources.get(LISTENER).is_some_and(|listeners| !listeners.is_empty())
    }

    /// One encoded response for each type.
    #[must_use]
    pub fn responses(&self) -> Vec<Bytes> {
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
            ..DiscoveryResponse::default()
        };
        response.encode_to_vec().into()
    }
}

/// Reads files one after the other, as one input.
#[derive(Default)]
pub struct Reader(Collector);

impl Reader {
    /// Takes one file. `name`: as the user knows it; `from`: what it is, where that should not be found out.
    pub fn file(&mut self, name: &str, bytes: &[u8], from: Option<Kind>) -> Result<(), InputError> {
        let contents = syntax::parse(bytes)?;
        if contents.is_empty() {
            return Err(InputError::Empty);
        }
        name.clone_into(&mut self.0.file);
        contents.iter().try_for_each(|content| take(content, from, &mut self.0))
    }

    /// Everything that was in the files.
    #[must_use]
    pub fn finish(self) -> Input {
        self.0.finish()
    }
}

fn take(content: &Content, from: Option<Kind>, collector: &mut Collector) -> Result<(), InputError> {
    match (content, from) {
        (Content::Response(response), None | Some(Kind::DiscoveryResponse)) => collector.binary(response),
        (Content::Response(_), Some(kind)) => return Err(InputError::Binary(kind.name())),
        (Content::Json(value), Some(kind)) => kind.take(value, collector)?,
        (Content::Json(value), None) => kind::detect(value)?.take(value, collector)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
