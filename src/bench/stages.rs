//! Where the time of a translation goes, as far as it can be seen from outside.

use std::time::Duration;

use amesh_translator::{Options, Translator};
use amesh_xds::coverage::{Findings, LazyFields, scan};
use amesh_xds::schema;
use amesh_xds::wire::envoy::config::{cluster, endpoint, listener, route};
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use prost::{DecodeError, Message};

use crate::clock::{Times, rounds, time};
use crate::mesh::Snapshot;
use crate::native::{ingest, pending};

/// The times of the stages.
#[derive(Debug)]
pub struct Stages {
    /// Envelope and resources, only with the fields that are read.
    pub decode: Times,
    /// The search for fields that are set and not translated.
    pub scan: Times,
    /// Taking in clusters, endpoints and routes: decoding, scanning, hashing, checking, storing.
    pub ingest: Times,
    /// Planning upstreams and routes and writing each as JSON, once the listeners have arrived.
    pub plan: Times,
    /// Writing out the change set.
    pub serialise: Times,
}

/// Measures the stages.
pub fn measure(snapshot: &Snapshot, count: usize) -> Result<Stages, String> {
    let mut staged = Vec::new();
    for _ in 0..count {
        staged.push(translate(snapshot)?);
    }
    let [decode, scan] = rounds(count, [&mut || time(|| decode(snapshot)).0, &mut || time(|| scan_all(snapshot)).0]);
    let of = |stage: fn(&[Duration; 3]) -> Duration| staged.iter().map(stage).collect();
    Ok(Stages { decode, scan, ingest: of(|t| t[0]), plan: of(|t| t[1]), serialise: of(|t| t[2]) })
}

/// Listeners last: nothing is planned before they are known, and they are few.
fn translate(snapshot: &Snapshot) -> Result<[Duration; 3], String> {
    let mut translator = Translator::new(Options::default());
    let (taken, result) = time(|| {
        let [cds, eds, _, rds] = snapshot.messages();
        [cds, eds, rds].into_iter().try_for_each(|message| ingest(&mut translator, message))
    });
    result?;
    let (planned, result) = time(|| ingest(&mut translator, snapshot.lds.clone()));
    result?;
    let (written, _) = time(|| pending(&translator));
    Ok([taken, planned, written])
}

fn decode(snapshot: &Snapshot) -> Result<(), DecodeError> {
    for message in snapshot.messages() {
        for any in DiscoveryResponse::decode(message)?.resources {
            match any.type_url.rsplit('.').next() {
                Some("Cluster") => drop(cluster::v3::Cluster::decode(any.value)?),
                Some("ClusterLoadAssignment") => drop(endpoint::v3::ClusterLoadAssignment::decode(any.value)?),
                Some("Listener") => drop(listener::v3::Listener::decode(any.value)?),
                _ => routes(route::v3::RouteConfiguration::decode(any.value)?)?,
            }
        }
    }
    Ok(())
}

fn routes(config: route::v3::RouteConfiguration) -> Result<(), DecodeError> {
    for host in config.virtual_hosts {
        for route in route::v3::VirtualHost::decode(host)?.routes {
            route::v3::Route::decode(route)?;
        }
    }
    Ok(())
}

fn scan_all(snapshot: &Snapshot) -> Option<Findings> {
    let mut findings = Findings::default();
    for message in snapshot.messages() {
        for any in DiscoveryResponse::decode(message).ok()?.resources {
            let message = schema::message(any.type_url.rsplit('/').next()?)?;
            scan(message, &any.value, LazyFields::Enter, &mut findings).ok()?;
        }
    }
    Some(findings)
}
