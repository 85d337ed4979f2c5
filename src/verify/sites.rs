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
    /// Header lines that lead to the scope of the routes, where there are scopes.
    pub(crate) scope: Vec<(String, String)>,
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
            let tls = at(chain, &["transport_socket"]).is_some();
            sites.extend(routes(mesh, chain).into_iter().map(|(scope, routes)| {
                let original_dst = original_dst.clone();
                Site { port, original_dst, address, tls, sni: sni(chain), scope, routes }
            }));
        }
    }
    sites
}

fn port(listener: &Value) -> Option<u16> {
    number(listener, &["address", "socket_address", "port_value"]).and_then(|port| u16::try_from(port).ok())
}

/// The route configurations of a chain, each with what leads to it.
fn routes<'m>(mesh: &'m Mesh, chain: &'m Value) -> Vec<(Vec<(String, String)>, &'m Value)> {
    let mut filters = list(chain, &["filters"]).iter().filter_map(|filter| at(filter, &["typed_config"]));
    let Some(manager) = filters.find(|config| is_manager(config)) else { return Vec::new() };
    if let Some(scoped) = at(manager, &["scoped_routes"]) {
        let scopes = list(scoped, &["scoped_route_configurations_list", "scoped_route_configurations"]).iter();
        let builders = list(scoped, &["scope_key_builder", "fragments"]);
        return scopes.filter_map(|it| Some((scope(builders, it), at(it, &["route_configuration"])?))).collect();
    }
    let routes = match text(manager, &["rds", "route_config_name"]) {
        Some(name) => mesh.route_configuration(name),
        None => at(manager, &["route_config"]),
    };
    routes.map(|routes| (Vec::new(), routes)).into_iter().collect()
}

/// Header lines from which the key of a scope is taken.
fn scope(builders: &[Value], scope: &Value) -> Vec<(String, String)> {
    let line = |(builder, fragment): (&Value, &Value)| {
        let extractor = at(builder, &["header_value_extractor"])?;
        let key = text(fragment, &["string_key"])?;
        let value = if let Some(element) = at(extractor, &["element"]) {
            format!("{}{}{key}", text(element, &["key"])?, text(element, &["separator"])?)
        } else {
            let separator = text(extractor, &["element_separator"]).unwrap_or_default();
            let before = usize::try_from(number(extractor, &["index"]).unwrap_or_default()).unwrap_or_default();
            format!("{}{key}", separator.repeat(before.min(1_000)))
        };
        Some((text(extractor, &["name"])?.to_ascii_lowercase(), value))
    };
    builders.iter().zip(list(scope, &["key", "fragments"])).filter_map(line).collect()
}

fn is_manager(config: &Value) -> bool {
    text(config, &["@type"]).is_some_and(|name| name.ends_with(".HttpConnectionManager"))
}

fn sni(chain: &Value) -> Option<String> {
    let name = list(chain, &["filter_chain_match", "server_names"]).first()?.as_str()?;
    Some(name.replace('*', "a"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_scope_has_lines_that_lead_to_it() {
        let builders = [
            json!({"header_value_extractor": {"name": "X", "element_separator": ";", "index": 2}}),
            json!({"header_value_extractor": {"name": "y", "element": {"key": "k", "separator": "="}}}),
        ];
        let lines = scope(&builders, &json!({"key": {"fragments": [{"string_key": "1"}, {"string_key": "2"}]}}));
        assert_eq!(lines, [("x".to_owned(), ";;1".to_owned()), ("y".to_owned(), "k=2".to_owned())]);
    }
}
