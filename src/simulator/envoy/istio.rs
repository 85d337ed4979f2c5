//! Istio's own filters. They observe, tell peers about each other, or choose what is offered in the TLS handshake with
//! the upstream; those headers that they write are `x-envoy-*`. None decides about a request.

use super::object::{Object, Read};

const FILTERS: [&str; 4] = [
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    "io.istio.http.peer_metadata.Config",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
    "stats.PluginConfig",
];

/// Whether a configuration is that of such a filter, as it stands or in a `TypedStruct`.
pub(super) fn is_filter(config: &Object) -> Read<bool> {
    let name = match config.any_type()? {
        "udpa.type.v1.TypedStruct" | "xds.type.v3.TypedStruct" => config.text("type_url")?,
        name => name,
    };
    Ok(FILTERS.contains(&name.rsplit('/').next().unwrap_or(name)))
}
