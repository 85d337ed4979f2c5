//! The chain of HTTP filters: which are in force for a request, and what each does to it.

mod access;
mod browser;
mod fault;
mod mutation;
mod passage;
mod rbac;

pub(super) use passage::Passage;

use std::ops::RangeInclusive;

use serde_json::Value as Json;

use super::change::Changes;
use super::exchange::Exchange;
use super::headers::Headers;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};

/// A filter of the chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) name: String,
    kind: Kind,
    /// In force only where a route says so.
    disabled: bool,
}

/// What a weighted cluster, route, virtual host or route configuration says about a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    disabled: bool,
    /// Another configuration; `None`: that of the chain.
    kind: Option<Kind>,
}

/// A filter's configuration.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Router,
    /// Nothing that decides about a request.
    Inert,
    Fault(Box<fault::Fault>),
    Cors(Box<browser::Cors>),
    Csrf(Box<browser::Csrf>),
    Rbac(Option<Box<rbac::Rbac>>),
    Mutation(Box<mutation::Mutation>),
    HealthCheck(Box<access::HealthCheck>),
    ApiKey(Box<access::ApiKey>),
    BasicAuth(Box<access::BasicAuth>),
    /// Changes requests of gRPC-Web, and no others.
    GrpcWeb,
    NotModelled(String),
}

/// What a filter does with a request.
#[derive(Debug)]
enum Verdict {
    Continue,
    /// An answer: status, body, headers, why.
    Reply(u16, String, Headers, &'static str),
    /// One of several things by chance.
    Fates(Vec<Fate>),
}

/// One of the things that may happen.
#[derive(Debug, Clone, Copy)]
struct Fate {
    share: f64,
    /// Seconds.
    delay: f64,
    /// The status of an abort.
    abort: Option<u16>,
}

impl Filter {
    pub(super) fn read_all(manager: &Object) -> Read<Vec<Self>> {
        let filters: Vec<Self> = manager.objects("http_filters")?.iter().map(Self::read).collect::<Read<_>>()?;
        match filters.last().map(|filter| &filter.kind) {
            Some(Kind::Router | Kind::NotModelled(_)) => Ok(filters),
            _ => {
                Err(manager
                    .refuse("http_filters", "Error: terminal filter must be the last filter in a http filter chain"))
            }
        }
    }

    fn read(filter: &Object) -> Read<Self> {
        filter.ignore(&["is_optional"]);
        let kind = match filter.object("typed_config")? {
            Some(config) => Kind::read(&config)?,
            None => Kind::NotModelled(filter.path_of("config_discovery")),
        };
        Ok(Self { name: filter.text("name")?.into(), kind, disabled: filter.flag("disabled")? })
    }
}

const WRAPPER: &str = "envoy.config.route.v3.FilterConfig";

impl Override {
    /// Reads an entry of `typed_per_filter_config`.
    pub(super) fn read(config: &Object) -> Read<Self> {
        config.ignore(&["is_optional"]);
        if config.any_type()? != WRAPPER {
            return Ok(Self { disabled: false, kind: Some(Kind::read(config)?) });
        }
        let inner = config.object("config")?;
        let disabled = config.flag("disabled")?;
        let Some(inner) = inner else {
            let refusal = || config.refuse("config", "Empty route/virtual host per filter configuration");
            return disabled.then_some(Self { disabled, kind: None }).ok_or_else(refusal);
        };
        // An empty one says no more than that the filter is in force.
        let kind = if inner.any_type()?.is_empty() { None } else { Some(Kind::read(&inner)?) };
        Ok(Self { disabled, kind })
    }
}

const FILTERS: &str = "envoy.extensions.filters.http.";

/// `envoy.type.v3.StatusCode`.
const STATUSES: [RangeInclusive<u64>; 12] = [
    100..=100,
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

impl Kind {
    /// Reads the configuration of a filter, or that of a route for it.
    fn read(config: &Object) -> Read<Self> {
        let name = config.any_type()?;
        let known = name.strip_prefix(FILTERS).map(|name| name.replace(".v3.", "."));
        let kind = match known.as_deref().unwrap_or_default() {
            "router.Router" => {
                config.ignore(&["suppress_envoy_headers", "dynamic_stats", "start_child_span", "upstream_log"]);
                config.ignore(&["upstream_log_options", "respect_expected_rq_timeout", "strict_check_headers"]);
                Self::Router
            }
            "fault.HTTPFault" => Self::Fault(Box::new(fault::Fault::read(config)?)),
            "cors.Cors" => Self::Inert,
            "cors.CorsPolicy" => Self::Cors(Box::new(browser::Cors::read(config)?)),
            "csrf.CsrfPolicy" => Self::Csrf(Box::new(browser::Csrf::read(config)?)),
            "rbac.RBAC" => Self::Rbac(rbac::Rbac::read(config)?.map(Box::new)),
            "rbac.RBACPerRoute" => match config.object("rbac")? {
                Some(rbac) => Self::Rbac(rbac::Rbac::read(&rbac)?.map(Box::new)),
                None => Self::Rbac(None),
            },
            "header_mutation.HeaderMutation" | "header_mutation.HeaderMutationPerRoute" => {
                Self::Mutation(Box::new(mutation::Mutation::read(config)?))
            }
            "health_check.HealthCheck" => Self::HealthCheck(Box::new(access::HealthCheck::read(config)?)),
            "api_key_auth.ApiKeyAuth" | "api_key_auth.ApiKeyAuthPerRoute" => {
                Self::ApiKey(Box::new(access::ApiKey::read(config)?))
            }
            "basic_auth.BasicAuth" | "basic_auth.BasicAuthPerRoute" => {
                Self::BasicAuth(Box::new(access::BasicAuth::read(config)?))
            }
            "grpc_web.GrpcWeb" => Self::GrpcWeb,
            other => Self::inert(other, config)?,
        };
        Ok(config.unread().map_or(kind, Self::NotModelled))
    }

    /// Filters that let every single request pass as it is: they count, buffer, compress or limit many, or note things for
    /// other filters.
    fn inert(name: &str, config: &Object) -> Read<Self> {
        let passes = match name {
            "buffer.Buffer"
            | "buffer.BufferPerRoute"
            | "compressor.Compressor"
            | "compressor.CompressorPerRoute"
            | "grpc_stats.FilterConfig"
            | "header_to_metadata.Config"
            | "set_metadata.Config" => true,
            "local_ratelimit.LocalRateLimit" => {
                let status = config.object("status")?;
                let code = status.as_ref().and_then(|status| status.get("code")).and_then(Json::as_u64);
                if code.is_some_and(|code| !STATUSES.iter().any(|known| known.contains(&code))) {
                    return Err(config.refuse("status.code", "value must be one of the defined enum values"));
                }
                let rewrites = ["enable_x_ratelimit_headers", "descriptors", "rate_limits"];
                let bucket = config.object("token_bucket")?;
                let tokens = bucket.map(|bucket| bucket.number("max_tokens")).transpose()?;
                tokens != Some(0) && !rewrites.iter().any(|field| config.has(field))
            }
            _ => return Ok(Self::NotModelled(format!("the HTTP filter {}", config.any_type()?))),
        };
        if !passes {
            return Ok(Self::NotModelled(config.path_of("")));
        }
        config.ignore_all();
        Ok(Self::Inert)
    }
}

impl Filter {
    /// Does to a request what the filter does, as the most specific of `kinds` says, or as the chain.
    fn act(
        &self,
        passage: &Passage,
        kinds: &[&Kind],
        exchange: &mut Exchange,
        responses: &mut Vec<Changes>,
    ) -> Known<Verdict> {
        match kinds.first().copied().unwrap_or(&self.kind) {
            Kind::NotModelled(what) => NotModelled::because(what),
            Kind::GrpcWeb if exchange.headers.value("content-type").starts_with(b"application/grpc-web") => {
                NotModelled::because("a request of gRPC-Web")
            }
            Kind::Fault(fault) => fault.act(exchange, passage.cluster.as_deref()),
            Kind::Cors(_) => browser::cors(kinds, passage, exchange, responses),
            Kind::Csrf(csrf) => csrf.act(exchange, passage.draw),
            Kind::Rbac(Some(rbac)) => rbac.act(exchange),
            Kind::Mutation(_) => mutation::act(&self.kind, kinds, exchange, &passage.route_name),
            Kind::HealthCheck(check) => check.act(exchange),
            Kind::ApiKey(own) => own.act(&self.kind, exchange),
            Kind::BasicAuth(auth) => auth.act(exchange),
            Kind::Router | Kind::Inert | Kind::GrpcWeb | Kind::Rbac(None) => Ok(Verdict::Continue),
        }
    }
}
