//! Upstreams: what is configured, and what a request meets there.

use serde_json::Value as Json;

use super::exchange::{End, failed};
use super::fields::{FROM_ZERO, Fields, is_host};
use super::forward::{Balancer, ForwardedHost, Node, Timeout, UpstreamRef};
use super::number::tonumber;
use super::refusal::Refusal;
use super::stop::Stop;

/// A configured upstream.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    kind: String,
    nodes: Option<Vec<ConfiguredNode>>,
    scheme: String,
    pass_host: String,
    /// The Host header with `pass_host: rewrite`.
    rewritten_host: Option<String>,
    timeout: Option<Timeout>,
    retries: Option<f64>,
    retry_timeout: f64,
    hash_on: String,
    key: String,
}

/// What an upstream says about a request; the fields are those of [`Forward`](super::Forward).
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) upstream: UpstreamRef,
    pub(super) scheme: String,
    pub(super) host: ForwardedHost,
    pub(super) balancer: Balancer,
    pub(super) nodes: Vec<Node>,
    pub(super) timeout: Timeout,
    pub(super) retries: u32,
    pub(super) retry_timeout: f64,
}

#[derive(Debug, Clone)]
struct ConfiguredNode {
    host: String,
    port: Option<f64>,
    weight: f64,
    priority: f64,
}

const SCHEMES: [&str; 8] = ["grpc", "grpcs", "http", "https", "tcp", "tls", "udp", "kafka"];
const FIELDS: [&str; 23] = [
    "checks",
    "create_time",
    "desc",
    "discovery_args",
    "discovery_type",
    "hash_on",
    "id",
    "keepalive_pool",
    "key",
    "labels",
    "modifiedIndex",
    "name",
    "nodes",
    "pass_host",
    "retries",
    "retry_timeout",
    "scheme",
    "service_name",
    "timeout",
    "tls",
    "type",
    "update_time",
    "upstream_host",
];

impl Upstream {
    pub(super) fn read(fields: &Fields) -> Result<Self, Refusal> {
        fields.only(&FIELDS)?;
        let nodes = nodes(fields)?;
        let discovered = fields.has("service_name") && fields.has("discovery_type");
        if nodes.is_some() == discovered {
            return Err(fields.refuse("nodes", "value should match only one schema"));
        }
        let host = fields.text("upstream_host")?;
        let pass_host = fields.choice("pass_host", &["pass", "node", "rewrite"])?.unwrap_or("pass");
        match host {
            Some(host) if !is_host(host) => {
                return Err(fields.refuse("upstream_host", "failed to match pattern"));
            }
            None if pass_host == "rewrite" => {
                let message = "`upstream_host` can't be empty when `pass_host` is `rewrite`";
                return Err(fields.refuse("upstream_host", message));
            }
            _ => {}
        }
        Ok(Self {
            kind: fields.text("type")?.unwrap_or("roundrobin").into(),
            nodes,
            scheme: fields.choice("scheme", &SCHEMES)?.unwrap_or("http").into(),
            pass_host: pass_host.into(),
            rewritten_host: host.map(Into::into),
            timeout: timeout(fields)?,
            retries: fields.integer("retries", FROM_ZERO)?,
            retry_timeout: fields.number("retry_timeout", FROM_ZERO)?.unwrap_or_default(),
            hash_on: fields.text("hash_on")?.unwrap_or("vars").into(),
            key: fields.text("key")?.unwrap_or_default().into(),
        })
    }

    /// The same as traffic-split uses it: it copies neither `retries` nor `retry_timeout`.
    pub(super) fn without_retries(self) -> Self {
        Self { retries: None, retry_timeout: 0.0, ..self }
    }

    /// Where a request goes that is sent here. `host`: the Host header that a plugin set;
    /// `route_timeout` overrides the upstream's.
    pub(super) fn choice(
        &self,
        upstream: UpstreamRef,
        host: Option<String>,
        route_timeout: Option<Timeout>,
    ) -> Result<Choice, End> {
        let lacks = |what: &str| Err(End::Stopped(Stop::not_modelled(what)));
        let Some(nodes) = &self.nodes else {
            return lacks("service discovery");
        };
        if nodes.is_empty() {
            return match upstream {
                UpstreamRef::TrafficSplit => lacks("an entry without nodes"),
                _ => Err(failed(503, "no valid upstream node")),
            };
        }
        match self.scheme.as_str() {
            "http" | "https" | "grpc" | "grpcs" => {}
            "kafka" => return lacks("the scheme kafka"),
            scheme => return Err(failed(500, format!("the scheme {scheme} on an HTTP route"))),
        }
        let Some(balancer) = self.balancer(nodes.len()) else {
            return Err(failed(500, format!("the balancer type {}", self.kind)));
        };
        Ok(Choice {
            upstream,
            scheme: self.scheme.clone(),
            host: self.host(host),
            balancer,
            nodes: self.effective(nodes),
            timeout: route_timeout.or(self.timeout).unwrap_or_default(),
            retries: self.retries(nodes.len()),
            retry_timeout: self.retry_timeout,
        })
    }

    /// One node needs no balancer, whatever its type says.
    fn balancer(&self, nodes: usize) -> Option<Balancer> {
        Some(match self.kind.as_str() {
            "roundrobin" => Balancer::RoundRobin,
            "least_conn" => Balancer::LeastConn,
            "ewma" => Balancer::Ewma,
            "chash" => Balancer::Hash { on: self.hash_on.clone(), key: self.key.clone() },
            _ if nodes == 1 => Balancer::RoundRobin,
            _ => return None,
        })
    }

    fn host(&self, set_by_plugin: Option<String>) -> ForwardedHost {
        match (self.pass_host.as_str(), &self.rewritten_host) {
            ("node", _) => ForwardedHost::OfNode,
            ("rewrite", Some(host)) => ForwardedHost::Literal(host.clone()),
            _ => set_by_plugin.map_or(ForwardedHost::AsSent, ForwardedHost::Literal),
        }
    }

    /// Without a setting every other node is tried once.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "read from 0 on")]
    fn retries(&self, nodes: usize) -> u32 {
        let others = u32::try_from(nodes).unwrap_or(u32::MAX).saturating_sub(1);
        self.retries.map_or(others, |retries| retries as u32)
    }

    /// The nodes as the balancer keeps them: by address within a priority, so that of two nodes
    /// with one address the later counts.
    fn effective(&self, nodes: &[ConfiguredNode]) -> Vec<Node> {
        let mut effective: Vec<Node> = Vec::new();
        for node in nodes.iter().map(|node| node.resolve(&self.scheme)) {
            let twin =
                |other: &&mut Node| (&other.host, other.port, other.priority) == (&node.host, node.port, node.priority);
            match effective.iter_mut().find(twin) {
                Some(twin) => twin.weight = node.weight,
                None => effective.push(node),
            }
        }
        effective.sort_by_key(|node| std::cmp::Reverse(node.priority));
        effective
    }
}

impl ConfiguredNode {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    fn resolve(&self, scheme: &str) -> Node {
        let usual = if scheme.ends_with('s') { 443 } else { 80 };
        Node {
            host: self.host.clone(),
            port: self.port.map_or(usual, |port| port as u16),
            weight: self.weight,
            priority: self.priority as i64,
        }
    }
}

/// `timeout` of a route or an upstream.
pub(super) fn timeout(fields: &Fields) -> Result<Option<Timeout>, Refusal> {
    let Some(fields) = fields.child("timeout")? else { return Ok(None) };
    let seconds = |name| match fields.number(name, FROM_ZERO)? {
        Some(seconds) if seconds > 0.0 => Ok(seconds),
        Some(_) => Err(fields.refuse(name, "expected to be greater than 0")),
        None => Err(fields.refuse(name, "is required")),
    };
    let (connect, send, read) = (seconds("connect")?, seconds("send")?, seconds("read")?);
    Ok(Some(Timeout { connect, send, read }))
}

/// `nodes`: a list of objects, or an object of addresses and weights.
fn nodes(fields: &Fields) -> Result<Option<Vec<ConfiguredNode>>, Refusal> {
    match fields.get("nodes") {
        None => Ok(None),
        Some(Json::Object(_)) => {
            let Some(map) = fields.child("nodes")? else { return Ok(None) };
            map.names().map(|address| mapped_node(&map, address)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => {
            let items = fields.children("nodes")?.unwrap_or_default();
            items.iter().map(listed_node).collect::<Result<_, _>>().map(Some)
        }
    }
}

fn mapped_node(map: &Fields, address: &str) -> Result<ConfiguredNode, Refusal> {
    let required = || map.refuse(address, "a weight is required");
    let weight = map.integer(address, FROM_ZERO)?.ok_or_else(required)?;
    let (host, port) = split_address(address);
    if port.is_some_and(|port| !(1.0..=65535.0).contains(&port)) {
        return Err(map.refuse(address, "invalid port"));
    }
    Ok(ConfiguredNode { host: host.into(), port, weight, priority: 0.0 })
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; a bare IPv6 address has no port.
fn split_address(address: &str) -> (&str, Option<f64>) {
    let Some((host, port)) = address.rsplit_once(':') else { return (address, None) };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if !bracketed && (host.contains(':') || address.starts_with('[')) {
        return (address, None);
    }
    (host, tonumber(port.as_bytes()))
}

fn listed_node(fields: &Fields) -> Result<ConfiguredNode, Refusal> {
    let host = fields.text("host")?.filter(|host| is_host(host));
    let host = host.ok_or_else(|| fields.refuse("host", "a valid host is required"))?;
    let weight = fields.integer("weight", FROM_ZERO)?;
    Ok(ConfiguredNode {
        host: host.into(),
        port: fields.integer("port", 1.0..=65535.0)?,
        weight: weight.ok_or_else(|| fields.refuse("weight", "is required"))?,
        priority: fields.integer("priority", f64::MIN..=f64::MAX)?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::split_address;

    #[test]
    fn addresses() {
        for (address, host, port) in [
            ("127.0.0.1:80", "127.0.0.1", Some(80.0)),
            ("127.0.0.1", "127.0.0.1", None),
            ("a.test:81", "a.test", Some(81.0)),
            ("[::1]:80", "[::1]", Some(80.0)),
            ("[::1]", "[::1]", None),
            ("::1", "::1", None),
        ] {
            assert_eq!(split_address(address), (host, port), "{address}");
        }
    }
}
