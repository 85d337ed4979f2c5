//! The areas that the documents divide xDS into.

use amesh_xds::schema::Message;

/// One area.
pub(crate) struct Area {
    pub(crate) name: &'static str,
    /// Beginnings of full names of messages; of all areas the longest that fits decides.
    pub(crate) messages: &'static [&'static str],
    /// Kinds of extensions.
    pub(crate) kinds: &'static [&'static str],
}

/// In the order of the documents.
pub(crate) const AREAS: &[Area] = &[
    Area {
        name: "Listener and filter chain",
        messages: &["envoy.config.listener.v3."],
        kinds: &["network_filter", "listener_filter"],
    },
    Area {
        name: "HTTP connection manager",
        messages: &[
            "envoy.extensions.filters.network.http_connection_manager.v3.",
            "envoy.config.core.v3.Http1ProtocolOptions",
            "envoy.config.core.v3.Http2ProtocolOptions",
            "envoy.config.core.v3.HttpProtocolOptions",
        ],
        kinds: &[],
    },
    Area {
        name: "HTTP filters",
        messages: &[
            "envoy.extensions.filters.http.",
            "envoy.extensions.filters.common.",
            "envoy.extensions.compression.",
            "envoy.extensions.common.ratelimit.",
            "envoy.config.route.v3.RateLimit",
            "xds.core.v3.CidrRange",
            "envoy.config.core.v3.RuntimeFeatureFlag",
            "envoy.extensions.common.matching.",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
            "envoy.config.route.v3.FilterConfig",
            "envoy.config.rbac.v3.",
            "envoy.config.core.v3.RuntimeFractionalPercent",
            "envoy.config.core.v3.CidrRange",
            "envoy.config.common.mutation_rules.",
            "envoy.type.v3.HttpStatus",
            "envoy.type.v3.Int32Range",
            "envoy.type.v3.TokenBucket",
        ],
        kinds: &["http_filter", "per_route_config", "compressor_library"],
    },
    Area {
        name: "Route configuration and virtual host",
        messages: &["envoy.config.route.v3.RouteConfiguration", "envoy.config.route.v3.VirtualHost"],
        kinds: &[],
    },
    Area {
        name: "Route match",
        messages: &[
            "envoy.config.route.v3.RouteMatch",
            "envoy.config.route.v3.HeaderMatcher",
            "envoy.extensions.path.match.",
            "envoy.type.matcher.v3.",
            "envoy.type.v3.Int64Range",
            "envoy.type.v3.FractionalPercent",
        ],
        kinds: &["path_match"],
    },
    Area {
        name: "Route and its action",
        messages: &[
            "envoy.config.route.v3.",
            "envoy.config.core.v3.DataSource",
            "envoy.config.core.v3.HeaderValue",
            "envoy.config.core.v3.RuntimeFractionalPercent",
            "envoy.extensions.path.rewrite.",
            "envoy.type.matcher.v3.RegexMatchAndSubstitute",
            "envoy.type.v3.FractionalPercent",
        ],
        kinds: &["path_rewrite"],
    },
    Area {
        name: "Match trees",
        messages: &[
            "xds.type.matcher.v3.",
            "xds.core.v3.TypedExtensionConfig",
            "envoy.extensions.matching.",
            "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
        ],
        kinds: &["matcher_input", "matcher_action"],
    },
    Area {
        name: "Cluster",
        messages: &["envoy.config.cluster.v3.", "envoy.extensions.clusters.", "envoy.extensions.upstreams."],
        kinds: &["cluster_type", "upstream_protocol_options"],
    },
    Area {
        name: "Load balancing",
        messages: &[
            "envoy.config.cluster.v3.Cluster.CommonLbConfig",
            "envoy.config.cluster.v3.LoadBalancingPolicy",
            "envoy.extensions.load_balancing_policies.",
            "envoy.type.v3.Percent",
        ],
        kinds: &["load_balancing_policy"],
    },
    Area { name: "Endpoints", messages: &["envoy.config.endpoint.v3.", "envoy.config.core.v3.Metadata"], kinds: &[] },
    Area {
        name: "TLS and secrets",
        messages: &[
            "envoy.config.cluster.v3.Cluster.TransportSocketMatch",
            "envoy.config.core.v3.TransportSocket",
            "envoy.extensions.transport_sockets.",
        ],
        kinds: &["downstream_transport_socket", "upstream_transport_socket"],
    },
    Area {
        name: "Addresses and configuration sources",
        messages: &[
            "envoy.config.core.v3.Address",
            "envoy.config.core.v3.SocketAddress",
            "envoy.config.core.v3.ConfigSource",
            "envoy.config.core.v3.TypedExtensionConfig",
        ],
        kinds: &[],
    },
];

/// The discovery protocol, which is read whole: nothing in it is translated.
const PROTOCOL: &[&str] = &[
    "envoy.service.discovery.v3.",
    "envoy.config.core.v3.BuildVersion",
    "envoy.config.core.v3.ControlPlane",
    "envoy.config.core.v3.Extension",
    "envoy.config.core.v3.Locality",
    "envoy.config.core.v3.Node",
    "envoy.type.v3.SemanticVersion",
    "google.rpc.",
    "xds.core.v3.ContextParams",
];

/// The area of a message; `None` for those of the discovery protocol. Fails where no area has it.
pub(crate) fn area_of(message: &Message) -> Option<&'static str> {
    let fit = |prefixes: &'static [&'static str]| {
        prefixes.iter().filter(|prefix| message.full_name.starts_with(**prefix)).map(|prefix| prefix.len()).max()
    };
    let areas = AREAS.iter().filter_map(|area| Some((fit(area.messages)?, Some(area.name))));
    let protocol = fit(PROTOCOL).map(|length| (length, None));
    let best = areas.chain(protocol).max_by_key(|(length, _)| *length);
    best.unwrap_or_else(|| panic!("{} belongs to no area of the documents", message.full_name)).1
}
