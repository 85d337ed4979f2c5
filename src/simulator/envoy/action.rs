//! `envoy.config.route.v3.RouteAction`: where a route forwards to, and what it changes on the way.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::change::Changes;
use super::decision::Retry;
use super::exchange::{Draw, Exchange};
use super::filters::Override;
use super::object::{Fraction, Object, Read};
use super::path_match::PathMatch;
use super::rewrite::{PathRewrite, RegexRewrite};
use super::stop::{Known, NotModelled};
use super::subset::{Criteria, criteria};

/// What forwards a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RouteAction {
    pub(super) target: Target,
    pub(super) not_found: u16,
    pub(super) path: PathRewrite,
    pub(super) host: HostRewrite,
    pub(super) appends_forwarded_host: bool,
    /// Seconds; `None`: no limit.
    pub(super) timeout: Option<f64>,
    pub(super) retry: Option<Retry>,
    pub(super) mirrors: Vec<MirrorPolicy>,
    pub(super) upgrades: BTreeMap<String, bool>,
    pub(super) hash_policy: Vec<Json>,
    /// The deprecated policy.
    pub(super) cors: Option<Override>,
    /// `grpc-timeout` takes the place of the timeout, for gRPC.
    pub(super) reads_grpc_timeout: bool,
    /// `metadata_match`.
    pub(super) criteria: Criteria,
    pub(super) not_modelled: Option<String>,
}

/// How the cluster is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Cluster(String),
    /// Named by this request header.
    Header(String),
    Weighted(Vec<ClusterWeight>, Option<RandomHeader>),
    NotModelled(String),
}

/// One of several clusters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClusterWeight {
    /// Empty where a header names it.
    pub(super) name: String,
    /// Names the cluster in place of `name`.
    header: Option<String>,
    weight: u32,
    pub(super) request: Changes,
    pub(super) response: Changes,
    pub(super) host: Option<String>,
    pub(super) filters: BTreeMap<String, Override>,
    /// `metadata_match`; each key is in place of the route's.
    pub(super) criteria: Criteria,
    not_modelled: Option<String>,
}

/// How the host header is written anew.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum HostRewrite {
    None,
    Literal(String),
    Header(String),
    Path(Box<RegexRewrite>),
    /// The host name of the endpoint.
    Endpoint,
    NotModelled(String),
}

/// `envoy.config.route.v3.RouteAction.RequestMirrorPolicy`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MirrorPolicy {
    pub(super) cluster: String,
    pub(super) share: f64,
    pub(super) keeps_host: bool,
    pub(super) host: String,
    pub(super) not_modelled: Option<String>,
}

/// Limits of time and traffic that do not decide about a single request, and what only filters read that are not
/// modelled themselves.
const IGNORED: [&str; 6] =
    ["priority", "rate_limits", "include_vh_rate_limits", "idle_timeout", "flush_timeout", "early_data_policy"];

impl RouteAction {
    pub(super) fn read(action: &Object, matched: &PathMatch) -> Read<Self> {
        action.ignore(&IGNORED);
        let not_found = match action
            .choice("cluster_not_found_response_code", &["SERVICE_UNAVAILABLE", "NOT_FOUND", "INTERNAL_SERVER_ERROR"])?
        {
            "NOT_FOUND" => 404,
            "INTERNAL_SERVER_ERROR" => 500,
            _ => 503,
        };
        let retry = action.object("retry_policy")?;
        let mut read = Self {
            target: Target::read(action)?,
            not_found,
            path: PathRewrite::read(action, matched)?,
            host: HostRewrite::read(action)?,
            appends_forwarded_host: action.flag("append_x_forwarded_host")?,
            timeout: Some(action.duration_if("timeout")?.unwrap_or(15.0)).filter(|seconds| *seconds > 0.0),
            retry: retry.map(|retry| self::retry(&retry)).transpose()?.flatten(),
            mirrors: MirrorPolicy::read_all(action)?,
            upgrades: upgrades(action)?,
            hash_policy: action.objects("hash_policy")?.iter().map(Object::json).collect(),
            cors: Override::read_cors(action)?,
            reads_grpc_timeout: action.has("max_grpc_timeout"),
            criteria: criteria(action, "metadata_match"),
            not_modelled: None,
        };
        read.not_modelled = action.unread();
        Ok(read)
    }
}

impl Target {
    fn read(action: &Object) -> Read<Self> {
        if let Some(name) = action.text_if("cluster")? {
            return match name {
                "" => Err(action.refuse("cluster", "value length must be at least 1 characters")),
                name => Ok(Self::Cluster(name.into())),
            };
        }
        if let Some(name) = action.text_if("cluster_header")? {
            return Ok(Self::Header(super::header_match::name_of(name)));
        }
        let Some(weighted) = action.object("weighted_clusters")? else {
            let other = action.unread().filter(|path| path.contains("cluster_specifier"));
            return match other {
                Some(path) => Ok(Self::NotModelled(path)),
                None => Err(action.refuse("", "cluster_specifier: is required")),
            };
        };
        weighted.ignore(&["runtime_key_prefix", "total_weight"]);
        let clusters = weighted.objects("clusters")?.iter().map(ClusterWeight::read).collect::<Read<Vec<_>>>()?;
        if clusters.iter().all(|cluster| cluster.weight == 0) {
            return Err(weighted.refuse("clusters", "Sum of weights in the weighted_cluster must be greater than 0."));
        }
        let header = weighted.text("header_name")?;
        let header = (!header.is_empty()).then(|| RandomHeader(super::header_match::name_of(header)));
        if weighted.flag("use_hash_policy")? && action.has("hash_policy") {
            return Ok(Self::NotModelled(weighted.path_of("use_hash_policy")));
        }
        Ok(weighted.unread().map_or(Self::Weighted(clusters, header), Self::NotModelled))
    }

    /// The name of the cluster, and its entry among several.
    pub(super) fn choose(&self, exchange: &Exchange, draw: &Draw) -> Known<(String, Option<&ClusterWeight>)> {
        match self {
            Self::Cluster(name) => Ok((name.clone(), None)),
            Self::Header(header) => Ok((String::from_utf8_lossy(exchange.headers.value(header)).into_owned(), None)),
            Self::NotModelled(what) => NotModelled::because(what),
            Self::Weighted(clusters, header) => {
                let total: u64 = clusters.iter().map(|cluster| u64::from(cluster.weight)).sum();
                let named = header.as_ref().and_then(|header| header.number(exchange));
                let named = named.and_then(|number| number.checked_rem(total));
                let selected = named.unwrap_or_else(|| if clusters.len() == 1 { 0 } else { draw.modulo(total) });
                let mut end: u64 = 0;
                let chosen = clusters.iter().find(|cluster| {
                    end = end.saturating_add(cluster.weight.into());
                    selected < end
                });
                let Some(chosen) = chosen else { return NotModelled::because("weights without a choice") };
                NotModelled::check(chosen.not_modelled.as_ref())?;
                let of_header = |header: &String| String::from_utf8_lossy(exchange.headers.value(header)).into_owned();
                let name = chosen.header.as_ref().map_or_else(|| chosen.name.clone(), of_header);
                Ok((name, Some(chosen)))
            }
        }
    }
}

/// The header that holds the random number of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RandomHeader(String);

impl RandomHeader {
    /// The number, where there is one line and nothing but a number in it.
    fn number(&self, exchange: &Exchange) -> Option<u64> {
        let mut lines = exchange.headers.all(&self.0);
        let text = lines.next().filter(|_| lines.next().is_none())?;
        let text = std::str::from_utf8(text.trim_ascii()).ok()?;
        let digits = text.strip_prefix('+').unwrap_or(text);
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    }
}

impl ClusterWeight {
    fn read(cluster: &Object) -> Read<Self> {
        let (name, header) = (cluster.text("name")?, cluster.text("cluster_header")?);
        if name.is_empty() == header.is_empty() {
            return Err(cluster.refuse("name", "Exactly one of name or cluster_header has to be specified"));
        }
        Ok(Self {
            name: name.into(),
            header: (!header.is_empty()).then(|| super::header_match::name_of(header)),
            weight: cluster.number("weight")?,
            request: Changes::read(cluster, "request")?,
            response: Changes::read(cluster, "response")?,
            host: cluster.text_if("host_rewrite_literal")?.filter(|host| !host.is_empty()).map(Into::into),
            filters: filter_configs(cluster)?,
            criteria: criteria(cluster, "metadata_match"),
            not_modelled: cluster.unread(),
        })
    }
}

impl HostRewrite {
    fn read(action: &Object) -> Read<Self> {
        if let Some(host) = action.text_if("host_rewrite_literal")? {
            return Ok(if host.is_empty() { Self::None } else { Self::Literal(host.into()) });
        }
        if let Some(header) = action.text_if("host_rewrite_header")? {
            return Ok(Self::Header(super::header_match::name_of(header)));
        }
        if let Some(regex) = action.object("host_rewrite_path_regex")? {
            return RegexRewrite::read(&regex).map(Box::new).map(Self::Path);
        }
        if action.has("host_rewrite") {
            return Ok(Self::NotModelled(action.path_of("host_rewrite")));
        }
        Ok(if action.flag("auto_host_rewrite")? { Self::Endpoint } else { Self::None })
    }
}

impl MirrorPolicy {
    pub(super) fn read_all(owner: &Object) -> Read<Vec<Self>> {
        owner.objects("request_mirror_policies")?.iter().map(Self::read).collect()
    }

    fn read(policy: &Object) -> Read<Self> {
        policy.ignore(&["trace_sampled"]);
        let fraction = policy.runtime_fraction_if("runtime_fraction")?;
        Ok(Self {
            cluster: policy.text("cluster")?.into(),
            share: fraction.map_or(1.0, Fraction::share),
            keeps_host: policy.flag("disable_shadow_host_suffix_append")?,
            host: policy.text("host_rewrite_literal")?.into(),
            not_modelled: policy.unread(),
        })
    }
}

/// `upgrade_configs` of a route or of the connection manager: the types in lower case.
pub(super) fn upgrades(owner: &Object) -> Read<BTreeMap<String, bool>> {
    let read = |config: &Object| {
        let kind = config.text("upgrade_type")?.to_ascii_lowercase();
        Ok((kind, config.flag_if("enabled")?.unwrap_or(true)))
    };
    owner.objects("upgrade_configs")?.iter().map(read).collect()
}

/// `typed_per_filter_config`, by the name of the filter.
pub(super) fn filter_configs(owner: &Object) -> Read<BTreeMap<String, Override>> {
    let configs = owner.map("typed_per_filter_config")?;
    let mut read = BTreeMap::new();
    for (name, config) in configs {
        read.extend(Override::read(&config)?.map(|config| (name.to_owned(), config)));
    }
    Ok(read)
}

/// `envoy.config.route.v3.RetryPolicy`; one without conditions is none.
pub(super) fn retry(policy: &Object) -> Read<Option<Retry>> {
    let on: Vec<String> =
        policy.text("retry_on")?.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Into::into).collect();
    let codes = policy.numbers("retriable_status_codes")?;
    Ok((!on.is_empty()).then_some(Retry {
        on,
        retries: policy.number_if("num_retries")?.unwrap_or(1),
        per_try_timeout: policy.duration_if("per_try_timeout")?.filter(|seconds| *seconds > 0.0),
        status_codes: codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect(),
        policy: policy.json(),
    }))
}
