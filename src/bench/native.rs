//! A whole snapshot on this machine: decoded with all of Envoy's fields, and translated.

use std::hint::black_box;
use std::time::Duration;

use amesh_translator::{Answer, Envelope, Options, Translator};
use bytes::Bytes;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use prost::{DecodeError, Message};

use crate::clock::time;
use crate::mesh::Snapshot;

/// Decodes the envelopes and every resource of a snapshot with all of Envoy's fields: prost alone. Each resource is
/// dropped as soon as it is decoded, which is faster than to keep them.
pub fn decode(snapshot: &Snapshot) -> Result<(), DecodeError> {
    for message in snapshot.messages() {
        for any in DiscoveryResponse::decode(message)?.resources {
            let bytes = any.value.as_slice();
            match any.type_url.rsplit('.').next() {
                Some("Cluster") => drop(black_box(Cluster::decode(bytes)?)),
                Some("ClusterLoadAssignment") => drop(black_box(ClusterLoadAssignment::decode(bytes)?)),
                Some("Listener") => drop(black_box(Listener::decode(bytes)?)),
                _ => drop(black_box(RouteConfiguration::decode(bytes)?)),
            }
        }
    }
    Ok(())
}

/// As [`decode`], but everything is kept until the end, as by a program that uses a snapshot.
pub fn decode_and_keep(snapshot: &Snapshot) -> Result<Kept, DecodeError> {
    let mut kept = Kept::default();
    for message in snapshot.messages() {
        for any in DiscoveryResponse::decode(message)?.resources {
            let bytes = any.value.as_slice();
            match any.type_url.rsplit('.').next() {
                Some("Cluster") => kept.clusters.push(Cluster::decode(bytes)?),
                Some("ClusterLoadAssignment") => kept.endpoints.push(ClusterLoadAssignment::decode(bytes)?),
                Some("Listener") => kept.listeners.push(Listener::decode(bytes)?),
                _ => kept.routes.push(RouteConfiguration::decode(bytes)?),
            }
        }
    }
    Ok(kept)
}

/// A snapshot with all of Envoy's fields.
#[derive(Default)]
pub struct Kept {
    clusters: Vec<Cluster>,
    endpoints: Vec<ClusterLoadAssignment>,
    listeners: Vec<Listener>,
    routes: Vec<RouteConfiguration>,
}

/// Ingests one message; the mesh holds nothing that would be refused.
pub fn ingest(translator: &mut Translator, message: Bytes) -> Result<(), String> {
    let verdict = translator.ingest(message, Envelope::default());
    match verdict.verdict {
        Answer::Ack => Ok(()),
        Answer::Nack => Err(verdict.error_detail.unwrap_or_default()),
    }
}

/// What has to change in APISIX, as JSON.
pub fn pending(translator: &Translator) -> Vec<u8> {
    let mut json = Vec::new();
    translator.pending().write_json(&mut json);
    json
}

/// Ingests a whole snapshot and writes out what has to change.
pub fn translate(snapshot: &Snapshot) -> Result<(Translator, Vec<u8>), String> {
    let mut translator = Translator::new(Options::default());
    for message in snapshot.messages() {
        ingest(&mut translator, message)?;
    }
    let json = pending(&translator);
    Ok((translator, json))
}

/// How long decoding takes.
pub fn time_decode(snapshot: &Snapshot) -> Duration {
    time(|| decode(snapshot)).0
}

/// How long decoding takes where everything is kept; to let it go again is not counted.
pub fn time_decode_and_keep(snapshot: &Snapshot) -> Duration {
    time(|| decode_and_keep(snapshot)).0
}

/// How long translation takes.
pub fn time_translate(snapshot: &Snapshot) -> Duration {
    time(|| translate(snapshot)).0
}
