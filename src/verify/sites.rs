//! Where requests can arrive: each filter chain with HTTP, and the virtual hosts behind it.

use serde_json::Value;

use crate::look::{at, list, number, text};
use crate::mesh::Mesh;

/// One filter chain with its route configuration.
pub(crate) struct Site<'m> {
    /// The port of the listener.
    pub(crate) port: u16,
    /// Where the connection went before it was redirected to `port`, for a listener without a socket.
    pub(crate) original_dst: Option<String>,
    /// The address of the listener, where it is not a wildcard.
    pub(crate) address: Option<&'m str>,
    /// Whether connections are TLS.
    pub(crate) tls: bool,
    /// A server name that leads to the chain, where it asks for one.
    pub(crate) sni: Option<String>,
    /// What requests are matched against.
    pub(crate) routes: &'m Value,
}

/// All sites of a mesh, in the order of its listeners.
pub(crate) fn sites(mesh: &Mesh) -> Vec<Site<'_>> {
    let redirected =
        mesh.listeners.iter().find(|it| at(it, &["use_original_dst"]) == Some(&Value::Bool(true))).and_then(port);
    let mut sites = Vec::new();
    for listener in &mesh.listeners {
        let Some(socket) = at(listener, &["address", "socket_address"]) else { continue };
        let Some(own) = port(listener) else { continue };
        let bound = at(listener, &["bind_to_port"]) != Some(&Value::Bool(false));
        let address = text(socket, &["address"]).filter(|it| !matches!(*it, "0.0.0.0" | "::" | ""));
        let original_dst = (!bound).then(|| format!("{}:{own}", address.unwrap_or("10.9.8.7")));
        let address = address.filter(|_| bound);
        let port = if bound { own } else { redirected.unwrap_or(own) };
        let default = at(listener, &["default_filter_chain"]);
        for chain in list(listener, &["filter_chains"]).iter().chain(default) {
            let Some(routes) = routes(mesh, chain) else { continue };
            let (tls, original_dst) = (at(chain, &["transport_socket"]).is_some(), original_dst.clone());
            sites.push(Site { port, original_dst, address, tls, sni: sni(chain), routes });
        }
    }
    sites
}

fn port(listener: &Value) -> Option<u16> {
    number(listener, &["address", "socket_address", "port_value"]).and_then(|port| u16::try_from(port).ok())
}

fn routes<'m>(mesh: &'m Mesh, chain: &'m Value) -> Option<&'m Value> {
    let filters = list(chain, &["filters"]).iter();
    let manager = filters.filter_map(|filter| at(filter, &["typed_config"])).find(|config| is_manager(config))?;
    match text(manager, &["rds", "route_config_name"]) {
        Some(name) => mesh.route_configuration(name),
        None => at(manager, &["route_config"]),
    }
}

fn is_manager(config: &Value) -> bool {
    text(config, &["@type"]).is_some_and(|name| name.ends_with(".HttpConnectionManager"))
}

fn sni(chain: &Value) -> Option<String> {
    let name = list(chain, &["filter_chain_match", "server_names"]).first()?.as_str()?;
    Some(name.replace('*', "a"))
}
