//! `envoy.config.cluster.v3.Cluster` and `envoy.config.endpoint.v3.ClusterLoadAssignment`: the hosts of a cluster and
//! the share of requests that each gets.

use std::collections::BTreeMap;

use super::decision::{Endpoint, Endpoints};
use super::istio;
use super::object::{Object, Read};
use super::spread::Spread;
use super::stop::{Known, NotModelled};
use super::subset::{Criteria, Subsets, criteria};

/// A cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cluster {
    pub(super) name: String,
    hosts: Option<Vec<Host>>,
    /// The name of the load assignment that is not inline.
    service: Option<String>,
    /// The hosts are not in the configuration.
    finds_hosts: bool,
    spread: Spread,
    has_panic_threshold: bool,
    subsets: Option<Subsets>,
    pub(super) not_modelled: Option<String>,
}

/// A host of a load assignment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Host {
    address: String,
    port: u16,
    hostname: String,
    priority: u32,
    pub(super) weight: u32,
    /// Tells localities apart.
    pub(super) locality: String,
    /// 0 where it has none.
    pub(super) locality_weight: u32,
    healthy: bool,
    is_addressed: bool,
    plain: bool,
    /// What the subsets of the cluster are told apart by.
    pub(super) labels: Criteria,
}

/// Connections, limits and what counts; how hosts are chosen is not ignored.
const IGNORED: [&str; 35] = [
    "@type",
    "alt_stat_name",
    "circuit_breakers",
    "cleanup_interval",
    "close_connections_on_host_health_failure",
    "common_http_protocol_options",
    "connect_timeout",
    "connection_pool_per_downstream_connection",
    "dns_failure_refresh_rate",
    "dns_jitter",
    "dns_lookup_family",
    "dns_refresh_rate",
    "dns_resolution_config",
    "dns_resolvers",
    "health_checks",
    "http2_protocol_options",
    "http_protocol_options",
    "ignore_health_on_host_removal",
    "least_request_lb_config",
    "lrs_server",
    "max_requests_per_connection",
    "metadata",
    "outlier_detection",
    "per_connection_buffer_limit_bytes",
    "preconnect_policy",
    "protocol_selection",
    "respect_dns_ttl",
    "ring_hash_lb_config",
    "track_cluster_stats",
    "transport_socket",
    "typed_dns_resolver_config",
    "upstream_bind_config",
    "upstream_connection_options",
    "use_tcp_for_dns_lookups",
    "wait_for_warm_on_init",
];

/// Parts of `HttpProtocolOptions` that would change what happens to a request.
const DECIDING_OPTIONS: [&str; 4] = ["http_filters", "request_mirror_policies", "retry_policy", "hash_policy"];

impl Cluster {
    pub(super) fn read(cluster: &Object) -> Read<Self> {
        cluster.ignore(&IGNORED);
        let kind = match cluster.object("cluster_type")? {
            Some(custom) => custom_kind(&custom)?,
            None => cluster.choice("type", &["STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"])?,
        };
        let name = cluster.text("name")?.to_owned();
        let eds = cluster.object("eds_cluster_config")?;
        let service = eds.map(|eds| {
            eds.ignore(&["eds_config"]);
            eds.text("service_name")
        });
        let service = service.transpose()?.filter(|name| !name.is_empty());
        let assignment = cluster.object("load_assignment")?;
        let named = kind.ends_with("DNS") || kind == OTHER;
        cluster.choice("lb_policy", &["ROUND_ROBIN", "LEAST_REQUEST", "RING_HASH", "RANDOM"]).ok();
        let common = cluster.get("common_lb_config");
        let has_panic_threshold = common.is_some_and(|common| common.get("healthy_panic_threshold").is_some());
        let (spread, subsets) = Spread::read(cluster)?;
        Ok(Self {
            hosts: assignment.map(|assignment| hosts(&assignment, named)).transpose()?,
            service: (kind == "EDS").then(|| service.map_or_else(|| name.clone(), Into::into)),
            finds_hosts: [OTHER, "ORIGINAL_DST"].contains(&kind),
            name,
            spread,
            subsets,
            has_panic_threshold,
            not_modelled: filters(cluster)?.or(options(cluster)?).or_else(|| cluster.unread()),
        })
    }

    /// The hosts with their shares for a route that asks for hosts with these labels; `None`: there are none.
    pub(super) fn endpoints(
        &self,
        assignments: &BTreeMap<String, Vec<Host>>,
        own_names: bool,
        wanted: &Criteria,
    ) -> Option<Endpoints> {
        if self.finds_hosts {
            return Some(Endpoints::Open("the hosts that a cluster finds itself".into()));
        }
        let assigned = self.service.as_ref().and_then(|service| assignments.get(service));
        let hosts = assigned.or(self.hosts.as_ref()).map(Vec::as_slice).filter(|hosts| !hosts.is_empty())?;
        if let Spread::NotModelled(why) = &self.spread {
            return Some(Endpoints::Open(why.clone()));
        }
        let mut all: Vec<&Host> = hosts.iter().collect();
        let Some(subsets) = &self.subsets else { return self.spread(&self.spread, &all, own_names) };
        all.sort_by_key(|host| host.priority);
        let weighs = subsets.weighs_localities && self.spread == Spread::ByLocality;
        let spread = if weighs { Spread::ByLocality } else { Spread::ByHost };
        subsets.choose(&all, wanted, &|(single, members)| match members.first() {
            Some(first) if *single && first.is_addressed => {
                Some(Endpoints::Known(vec![first.endpoint(1.0, own_names)]))
            }
            _ if subsets.scales_localities && weighs => {
                let scaled: Vec<Host> = members.iter().map(|host| host.scaled(members, &all)).collect();
                self.spread(&spread, &scaled.iter().collect::<Vec<_>>(), own_names)
            }
            _ => self.spread(&spread, members, own_names),
        })
    }

    fn spread(&self, spread: &Spread, hosts: &[&Host], own_names: bool) -> Option<Endpoints> {
        let first = hosts.iter().map(|host| host.priority).min()?;
        let mut level: Vec<&Host> = hosts.iter().copied().filter(|host| host.priority == first).collect();
        let open = |why: &str| Some(Endpoints::Open(why.into()));
        if level.iter().any(|host| !host.plain) {
            return open("health or addresses of hosts");
        }
        let healthy = level.iter().filter(|host| host.healthy).count();
        // Below half of healthy hosts all count (panic); below 1/1.4 others share the load.
        if healthy < level.len() {
            if self.has_panic_threshold {
                return open("healthy_panic_threshold with unhealthy hosts");
            }
            if hosts.len() > level.len() || *spread == Spread::ByLocality {
                return open("priorities or weighted localities with unhealthy hosts");
            }
            if healthy.saturating_mul(2) >= level.len() {
                level.retain(|host| host.healthy);
            }
        }
        let shares = spread.shares(&level);
        let served = level.into_iter().zip(shares).filter(|(_, share)| *share > 0.0);
        Some(Endpoints::Known(served.map(|(host, share)| host.endpoint(share, own_names)).collect()))
    }
}

impl Endpoints {
    /// The host header that all hosts have in place of the request's.
    pub(super) fn common_name(&self) -> Option<&[u8]> {
        let Self::Known(endpoints) = self else { return None };
        let first = endpoints.first()?.authority.as_deref()?;
        endpoints.iter().all(|endpoint| endpoint.authority.as_deref() == Some(first)).then_some(first)
    }

    /// Whether hosts have a host header of their own.
    pub(super) fn have_own_names(&self) -> Known<bool> {
        let Self::Known(endpoints) = self else { return NotModelled::because("the host names of endpoints") };
        let named = endpoints.iter().filter(|endpoint| endpoint.authority.is_some()).count();
        if named > 0 && named < endpoints.len() {
            return NotModelled::because("endpoints of which some have host names");
        }
        Ok(named > 0)
    }
}

impl Host {
    /// The same, with the weight of its locality in proportion to how many of its hosts are left.
    fn scaled(&self, left: &[&Self], all: &[&Self]) -> Self {
        let alike = |host: &&&Self| host.locality == self.locality && host.priority == self.priority;
        let count = |hosts: &[&Self]| u32::try_from(hosts.iter().filter(alike).count()).map_or(0.0, f64::from);
        let scaled = (f64::from(self.locality_weight) * count(left) / count(all)).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the weight")]
        let locality_weight = scaled as u32;
        Self { locality_weight, ..self.clone() }
    }

    fn endpoint(&self, share: f64, own_name: bool) -> Endpoint {
        let hostname = Some(self.hostname.clone()).filter(|name| own_name && !name.is_empty());
        Endpoint { address: self.address.clone(), port: self.port, share, authority: hostname.map(String::into_bytes) }
    }
}

fn filters(cluster: &Object) -> Read<Option<String>> {
    for filter in cluster.objects("filters")? {
        let known = filter.object("typed_config")?.map(|config| istio::is_filter(&config)).transpose()?;
        if known != Some(true) {
            return Ok(Some(filter.path_of("typed_config")));
        }
        filter.ignore_all();
    }
    Ok(None)
}

/// A cluster of a kind that is not known here.
const OTHER: &str = "";

/// `envoy.config.cluster.v3.Cluster.CustomClusterType`: DNS is known here.
fn custom_kind(custom: &Object) -> Read<&'static str> {
    let Some(config) = custom.object("typed_config")? else { return Ok(OTHER) };
    if config.any_type()? != "envoy.extensions.clusters.dns.v3.DnsCluster" {
        return Ok(OTHER);
    }
    custom.ignore_all();
    let logical = config.flag("all_addresses_in_single_endpoint")?;
    Ok(if logical { "LOGICAL_DNS" } else { "STRICT_DNS" })
}

fn options(cluster: &Object) -> Read<Option<String>> {
    for (_, options) in cluster.map("typed_extension_protocol_options")? {
        if let Some(name) = DECIDING_OPTIONS.iter().find(|name| options.has(name)) {
            return Ok(Some(options.path_of(name)));
        }
        options.ignore_all();
    }
    Ok(None)
}

/// The hosts of a load assignment. `named`: the address of a host is its name.
pub(super) fn hosts(assignment: &Object, named: bool) -> Read<Vec<Host>> {
    assignment.ignore(&["@type", "cluster_name"]);
    if let Some(policy) = assignment.object("policy")? {
        policy.ignore(&["endpoint_stale_after", "overprovisioning_factor"]);
    }
    let mut hosts = Vec::new();
    for locality in assignment.objects("endpoints")? {
        locality.ignore(&["metadata", "proximity"]);
        let place = locality.get("locality").map(ToString::to_string).unwrap_or_default();
        let locality_weight = locality.number("load_balancing_weight")?;
        let priority = locality.number("priority")?;
        for endpoint in locality.objects("lb_endpoints")? {
            let mut host = host(&endpoint, named)?;
            host.priority = priority;
            host.locality.clone_from(&place);
            host.locality_weight = locality_weight;
            hosts.push(host);
        }
    }
    if assignment.unread().is_some() {
        for host in &mut hosts {
            host.plain = false;
        }
    }
    Ok(hosts)
}

fn host(entry: &Object, named: bool) -> Read<Host> {
    let labels = criteria(entry, "metadata");
    let health =
        entry.choice("health_status", &["UNKNOWN", "HEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT", "DEGRADED"])?;
    let endpoint = entry.object("endpoint")?;
    let socket = match &endpoint {
        Some(endpoint) => {
            endpoint.object("address")?.map(|address| address.object("socket_address")).transpose()?.flatten()
        }
        None => None,
    };
    let (mut address, mut port) = (String::new(), 0);
    if let Some(socket) = &socket {
        socket.ignore(&["protocol", "resolver_name", "ipv4_compat"]);
        address = socket.text("address")?.into();
        // Of the resolvers none is known here.
        if !named && !socket.has("resolver_name") && address.parse::<std::net::IpAddr>().is_err() {
            return Err(entry.refuse("endpoint.address", format!("malformed IP address: {address}")));
        }
        port = u16::try_from(socket.number("port_value")?).unwrap_or_default();
    }
    let hostname = endpoint.map(|endpoint| {
        endpoint.ignore(&["health_check_config", "additional_addresses"]);
        endpoint.text("hostname")
    });
    let hostname = hostname.transpose()?.unwrap_or_default();
    Ok(Host {
        hostname: if hostname.is_empty() && named { address.clone() } else { hostname.into() },
        address,
        port,
        priority: 0,
        locality: String::new(),
        locality_weight: 0,
        weight: entry.number_if("load_balancing_weight")?.unwrap_or(1),
        healthy: ["UNKNOWN", "HEALTHY"].contains(&health),
        is_addressed: socket.is_some(),
        plain: socket.is_some() && health != "DEGRADED",
        labels,
    })
}
