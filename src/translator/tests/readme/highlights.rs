//! What README names of each area: the features people ask for. What becomes of each is looked up in the ledger.

/// A label and what it stands for: `message.field`, or `kind: type` for an extension.
pub(crate) type Highlight = (&'static str, &'static str);

/// The highlights of an area.
pub(crate) fn highlights(area: &str) -> &'static [Highlight] {
    match area {
        "Listener and filter chain" => LISTENER,
        "HTTP connection manager" => CONNECTION_MANAGER,
        "HTTP filters" => FILTERS,
        "Route configuration and virtual host" => VIRTUAL_HOST,
        "Route match" => MATCH,
        "Route and its action" => ACTION,
        "Cluster" => CLUSTER,
        "Load balancing" => BALANCING,
        "Endpoints" => ENDPOINTS,
        "TLS and secrets" => TLS,
        _ => &[],
    }
}

const LISTENER: &[Highlight] = &[
    ("address and port", "envoy.config.listener.v3.Listener.address"),
    ("filter chains with HTTP", "envoy.config.listener.v3.Listener.filter_chains"),
    ("match by destination port", "envoy.config.listener.v3.FilterChainMatch.destination_port"),
    ("redirected connections", "envoy.config.listener.v3.Listener.use_original_dst"),
    ("further addresses", "envoy.config.listener.v3.Listener.additional_addresses"),
    ("match by destination address", "envoy.config.listener.v3.FilterChainMatch.prefix_ranges"),
    ("match by source address", "envoy.config.listener.v3.FilterChainMatch.source_prefix_ranges"),
    ("match trees", "envoy.config.listener.v3.Listener.filter_chain_matcher"),
    ("PROXY protocol", "listener_filter: envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"),
    ("TCP proxy", "network_filter: envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
    ("access rules on connections", "network_filter: envoy.extensions.filters.network.rbac.v3.RBAC"),
    ("other network filters", "network_filter: *"),
];

const CONNECTION_MANAGER: &[Highlight] = &[
    ("RDS", "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.rds"),
    ("inline routes", "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.route_config"),
    (
        "x-forwarded-client-cert",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.forward_client_cert_details",
    ),
    ("codec", "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.codec_type"),
    (
        "path normalisation",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.normalize_path",
    ),
    (
        "port in the host",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.strip_any_host_port",
    ),
    (
        "client address",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.use_remote_address",
    ),
    (
        "upgrades (WebSocket)",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.upgrade_configs",
    ),
    (
        "request ids",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.generate_request_id",
    ),
    (
        "error bodies",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.local_reply_config",
    ),
    (
        "timeouts of connections and requests",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.request_timeout",
    ),
    (
        "scoped routes",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.scoped_routes",
    ),
    (
        "early header changes",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.early_header_mutation_extensions",
    ),
];

const FILTERS: &[Highlight] = &[
    ("router", "http_filter: envoy.extensions.filters.http.router.v3.Router"),
    ("settings per route", "per_route_config: envoy.config.route.v3.FilterConfig"),
    ("CORS", "per_route_config: envoy.extensions.filters.http.cors.v3.CorsPolicy"),
    ("compression (gzip)", "http_filter: envoy.extensions.filters.http.compressor.v3.Compressor"),
    ("gRPC-Web", "http_filter: envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"),
    ("delays", "envoy.extensions.filters.http.fault.v3.HTTPFault.delay"),
    ("aborts", "envoy.extensions.filters.http.fault.v3.HTTPFault.abort"),
    ("RBAC", "http_filter: envoy.extensions.filters.http.rbac.v3.RBAC"),
    ("JWT", "http_filter: envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"),
    ("ext_authz", "http_filter: envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
    ("basic auth", "http_filter: envoy.extensions.filters.http.basic_auth.v3.BasicAuth"),
    ("API keys", "http_filter: envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth"),
    ("local rate limit", "http_filter: envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"),
    ("header mutation", "http_filter: envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"),
    ("gRPC-JSON", "http_filter: envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
    ("rate limit service", "http_filter: envoy.extensions.filters.http.ratelimit.v3.RateLimit"),
    ("OAuth2", "http_filter: envoy.extensions.filters.http.oauth2.v3.OAuth2"),
    ("ext_proc", "http_filter: envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"),
    ("Lua", "http_filter: envoy.extensions.filters.http.lua.v3.Lua"),
    ("Wasm", "http_filter: envoy.extensions.filters.http.wasm.v3.Wasm"),
    ("filters amesh does not know", "http_filter: *"),
];

const VIRTUAL_HOST: &[Highlight] = &[
    ("domains of every kind", "envoy.config.route.v3.VirtualHost.domains"),
    ("order of routes", "envoy.config.route.v3.VirtualHost.routes"),
    ("hosts without port", "envoy.config.route.v3.RouteConfiguration.ignore_port_in_host_matching"),
    ("headers added", "envoy.config.route.v3.VirtualHost.request_headers_to_add"),
    ("CORS, the deprecated field", "envoy.config.route.v3.VirtualHost.cors"),
    ("retries", "envoy.config.route.v3.VirtualHost.retry_policy"),
    ("on-demand virtual hosts", "envoy.config.route.v3.RouteConfiguration.vhds"),
    ("headers removed", "envoy.config.route.v3.VirtualHost.request_headers_to_remove"),
    ("redirect to TLS", "envoy.config.route.v3.VirtualHost.require_tls"),
    ("match trees", "envoy.config.route.v3.VirtualHost.matcher"),
    ("rate limits", "envoy.config.route.v3.VirtualHost.rate_limits"),
];

const MATCH: &[Highlight] = &[
    ("prefix", "envoy.config.route.v3.RouteMatch.prefix"),
    ("path", "envoy.config.route.v3.RouteMatch.path"),
    ("separated prefix", "envoy.config.route.v3.RouteMatch.path_separated_prefix"),
    ("regular expressions", "envoy.config.route.v3.RouteMatch.safe_regex"),
    ("case", "envoy.config.route.v3.RouteMatch.case_sensitive"),
    ("headers", "envoy.config.route.v3.RouteMatch.headers"),
    ("query parameters", "envoy.config.route.v3.RouteMatch.query_parameters"),
    ("cookies", "envoy.config.route.v3.RouteMatch.cookies"),
    ("gRPC", "envoy.config.route.v3.RouteMatch.grpc"),
    ("runtime fraction", "envoy.config.route.v3.RouteMatch.runtime_fraction"),
    ("path templates", "envoy.config.route.v3.RouteMatch.path_match_policy"),
    ("client certificates", "envoy.config.route.v3.RouteMatch.tls_context"),
    ("CONNECT", "envoy.config.route.v3.RouteMatch.connect_matcher"),
    ("dynamic metadata", "envoy.config.route.v3.RouteMatch.dynamic_metadata"),
];

const ACTION: &[Highlight] = &[
    ("cluster", "envoy.config.route.v3.RouteAction.cluster"),
    ("weighted clusters", "envoy.config.route.v3.RouteAction.weighted_clusters"),
    ("status for a missing cluster", "envoy.config.route.v3.RouteAction.cluster_not_found_response_code"),
    ("direct response", "envoy.config.route.v3.Route.direct_response"),
    ("timeout", "envoy.config.route.v3.RouteAction.timeout"),
    ("x-forwarded-host", "envoy.config.route.v3.RouteAction.append_x_forwarded_host"),
    ("retries", "envoy.config.route.v3.RouteAction.retry_policy"),
    ("mirroring", "envoy.config.route.v3.RouteAction.request_mirror_policies"),
    ("hash policy", "envoy.config.route.v3.RouteAction.hash_policy"),
    ("headers added", "envoy.config.route.v3.Route.request_headers_to_add"),
    ("upgrades (WebSocket)", "envoy.config.route.v3.RouteAction.upgrade_configs"),
    ("internal redirects", "envoy.config.route.v3.RouteAction.internal_redirect_policy"),
    ("redirect", "envoy.config.route.v3.Route.redirect"),
    ("path rewrite", "envoy.config.route.v3.RouteAction.prefix_rewrite"),
    ("host rewrite", "envoy.config.route.v3.RouteAction.host_rewrite_literal"),
    ("host of the endpoint", "envoy.config.route.v3.RouteAction.auto_host_rewrite"),
    ("headers removed", "envoy.config.route.v3.Route.request_headers_to_remove"),
    ("cluster from a header", "envoy.config.route.v3.RouteAction.cluster_header"),
    ("subsets by metadata", "envoy.config.route.v3.RouteAction.metadata_match"),
    ("rate limits", "envoy.config.route.v3.RouteAction.rate_limits"),
];

const CLUSTER: &[Highlight] = &[
    ("static, DNS and EDS clusters", "envoy.config.cluster.v3.Cluster.type"),
    ("connect timeout", "envoy.config.cluster.v3.Cluster.connect_timeout"),
    ("HTTP/2 to backends", "envoy.config.cluster.v3.Cluster.http2_protocol_options"),
    ("health checks", "envoy.config.cluster.v3.Cluster.health_checks"),
    ("outlier detection", "envoy.config.cluster.v3.Cluster.outlier_detection"),
    ("circuit breakers", "envoy.config.cluster.v3.Cluster.circuit_breakers"),
    ("DNS settings", "envoy.config.cluster.v3.Cluster.dns_refresh_rate"),
    ("source address", "envoy.config.cluster.v3.Cluster.upstream_bind_config"),
    ("aggregate clusters", "cluster_type: envoy.extensions.clusters.aggregate.v3.ClusterConfig"),
    ("dynamic forward proxy", "cluster_type: envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"),
];

const BALANCING: &[Highlight] = &[
    ("round robin", "load_balancing_policy: envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin"),
    ("least request", "load_balancing_policy: envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest"),
    ("random", "load_balancing_policy: envoy.extensions.load_balancing_policies.random.v3.Random"),
    ("locality weights", "envoy.config.cluster.v3.Cluster.CommonLbConfig.locality_weighted_lb_config"),
    ("panic threshold", "envoy.config.cluster.v3.Cluster.CommonLbConfig.healthy_panic_threshold"),
    ("ring hash", "load_balancing_policy: envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash"),
    ("Maglev", "load_balancing_policy: envoy.extensions.load_balancing_policies.maglev.v3.Maglev"),
    ("zone awareness", "envoy.config.cluster.v3.Cluster.CommonLbConfig.zone_aware_lb_config"),
    ("slow start", "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin.slow_start_config"),
    ("subsets", "load_balancing_policy: envoy.extensions.load_balancing_policies.subset.v3.Subset"),
    ("host override", "load_balancing_policy: envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost"),
];

const ENDPOINTS: &[Highlight] = &[
    ("addresses", "envoy.config.endpoint.v3.Endpoint.address"),
    ("weights", "envoy.config.endpoint.v3.LbEndpoint.load_balancing_weight"),
    ("health status", "envoy.config.endpoint.v3.LbEndpoint.health_status"),
    ("priorities", "envoy.config.endpoint.v3.LocalityLbEndpoints.priority"),
    ("overprovisioning factor", "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.overprovisioning_factor"),
    ("drop overloads", "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.drop_overloads"),
    ("further addresses", "envoy.config.endpoint.v3.Endpoint.additional_addresses"),
    ("LEDS", "envoy.config.endpoint.v3.LocalityLbEndpoints.leds_cluster_locality_config"),
];

const TLS: &[Highlight] = &[
    ("plain text", "upstream_transport_socket: envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"),
    ("socket per endpoint", "envoy.config.cluster.v3.Cluster.transport_socket_matches"),
    ("TLS from clients", "downstream_transport_socket: envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
    ("TLS to backends", "upstream_transport_socket: envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
    ("HTTP/3", "downstream_transport_socket: envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport"),
    (
        "PROXY protocol to backends",
        "upstream_transport_socket: envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    ),
];
