//! How a cluster's endpoints are reached: `transport_socket_matches`, then `transport_socket`.

use amesh_xds::wire::envoy::config::cluster::v3 as wire;
use amesh_xds::wire::envoy::config::core::v3::TransportSocket;
use amesh_xds::wire::envoy::config::core::v3::transport_socket::ConfigType;

use super::{ClusterError, Socket, Sockets};
use crate::model::findings::{Denied, Extension, extension};
use crate::model::labels::string_labels;
use crate::model::rules::{filled, set};
use crate::report::{Place, Report};

const KIND: &str = "upstream_transport_socket";

/// The sockets. The cluster is denied where no endpoint is reached in plain text; endpoints that are not are left out
/// one by one.
pub(super) fn sockets(cluster: &wire::Cluster, report: &mut Report) -> Result<(Sockets, Denied), ClusterError> {
    let mut matches = Vec::with_capacity(cluster.transport_socket_matches.len());
    // What these say is said only if it matters: most endpoints match one of them.
    let mut unsaid = Report::default();
    for (index, entry) in cluster.transport_socket_matches.iter().enumerate() {
        let place = Place::top("transport_socket_matches", index);
        filled(&entry.name, place.field("name"))?;
        set(entry.transport_socket.as_ref(), place.field("transport_socket"))?;
        let labels = entry.r#match.as_ref().map(string_labels).unwrap_or_default();
        matches.push((labels, socket(entry.transport_socket.as_ref(), &place.field("transport_socket"), &mut unsaid)?));
    }
    let place = Place::ROOT;
    let otherwise = socket(cluster.transport_socket.as_ref(), &place.field("transport_socket"), &mut unsaid)?;
    let sockets = Sockets { matches, otherwise };
    let denied = sockets.never_plain();
    if denied {
        report.merge(&place, &unsaid);
    }
    Ok((sockets, Denied(denied)))
}

fn socket(socket: Option<&TransportSocket>, place: &Place<'_>, report: &mut Report) -> Result<Socket, ClusterError> {
    let Some(socket) = socket else { return Ok(Socket::Plain) };
    filled(&socket.name, place.field("name"))?;
    let Some(ConfigType::TypedConfig(config)) = &socket.config_type else {
        // By name alone, which Envoy took once: only the plain one needs no configuration.
        let plain = socket.name == "envoy.transport_sockets.raw_buffer";
        return Ok(if plain { Socket::Plain } else { Socket::Tls });
    };
    Ok(match extension(KIND, config, place, report)? {
        Extension::Read(_, _, Denied(false)) => Socket::Plain,
        Extension::Read(..) | Extension::Passed(_) => Socket::Tls,
    })
}
