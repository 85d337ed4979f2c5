//! The chain of HTTP filters: which are in force for a request, and what each does to it.

mod access;
mod browser;
mod compress;
mod fault;
mod limit;
mod mutation;
mod passage;
mod rbac;
mod token;
mod wrapped;

pub(super) use passage::Passage;

use super::change::Changes;
use super::exchange::Exchange;
use super::headers::Headers;
use super::istio;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};
use super::tree::Tree;

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
    /// The CORS filter of the chain, which has no configuration.
    PlainCors,
    Fault(Box<fault::Fault>),
    Cors(Box<browser::Cors>),
    Csrf(Box<browser::Csrf>),
    Rbac(Option<Box<rbac::Rbac>>),
    Mutation(Box<mutation::Mutation>),
    HealthCheck(Box<access::HealthCheck>),
    ApiKey(Box<access::ApiKey>),
    BasicAuth(Box<access::BasicAuth>),
    Limit(Box<limit::Limit>),
    Compressor(Box<compress::Compressor>),
    CompressorRoute(compress::Route),
    Wrapped(Box<wrapped::Wrapped>),
    /// Which requests pass a wrapped filter by.
    PassedBy(Box<Tree<()>>),
    Jwt(Box<token::Jwt>),
    JwtRoute(token::JwtRoute),
    /// An authorization service, which a route need not ask.
    Authorization {
        is_off: bool,
    },
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
        let filters: Vec<Self> = manager
            .objects("http_filters")?
            .iter()
            .map(Self::read)
            .collect::<Read<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        match filters.last().map(|filter| &filter.kind) {
            Some(Kind::Router | Kind::NotModelled(_)) => Ok(filters),
            _ => {
                Err(manager
                    .refuse("http_filters", "Error: terminal filter must be the last filter in a http filter chain"))
            }
        }
    }

    /// `None` for a filter that Envoy does not have, which may be missing.
    fn read(filter: &Object) -> Read<Option<Self>> {
        let kind = match filter.object("typed_config")? {
            Some(config) if !is_known(&config)? && filter.flag("is_optional")? => return Ok(left_out(filter)),
            None if filter.flag("is_optional")? && !filter.has("config_discovery") => return Ok(left_out(filter)),
            Some(config) => Kind::read(&config)?,
            None => Kind::NotModelled(filter.path_of("config_discovery")),
        };
        filter.ignore(&["is_optional"]);
        Ok(Some(Self { name: filter.text("name")?.into(), kind, disabled: filter.flag("disabled")? }))
    }
}

fn left_out(filter: &Object) -> Option<Filter> {
    filter.ignore_all();
    None
}

const WRAPPER: &str = "envoy.config.route.v3.FilterConfig";

impl Override {
    /// Reads the deprecated `cors` of a virtual host or a route.
    pub(super) fn read_cors(owner: &Object) -> Read<Option<Self>> {
        let Some(policy) = owner.object("cors")? else { return Ok(None) };
        let kind = Some(Kind::Cors(Box::new(browser::Cors::read(&policy)?)));
        Ok(Some(Self { disabled: false, kind }))
    }

    /// Reads an entry of `typed_per_filter_config`; `None` where it is left out.
    pub(super) fn read(config: &Object) -> Read<Option<Self>> {
        config.ignore(&["is_optional"]);
        if config.any_type()? != WRAPPER {
            return Ok(Some(Self { disabled: false, kind: Some(Kind::read(config)?) }));
        }
        let inner = config.object("config")?;
        let disabled = config.flag("disabled")?;
        if let Some(inner) = &inner
            && inner.has("@type")
            && !is_known(inner)?
            && config.flag("is_optional")?
        {
            inner.ignore_all();
            return Ok(None);
        }
        // An empty one switches the filter on with the configuration of the chain.
        if !disabled && inner.as_ref().is_some_and(|inner| !inner.has("@type")) {
            return Ok(Some(Self { disabled, kind: None }));
        }
        let kind = inner.map(|inner| Kind::read(&inner)).transpose()?;
        if kind.is_none() && !disabled {
            return Err(config.refuse("config", "Empty route/virtual host per filter configuration"));
        }
        Ok(Some(Self { disabled, kind }))
    }
}

/// Whether Envoy has such a filter; in a `TypedStruct` stands its type's name.
fn is_known(config: &Object) -> Read<bool> {
    let name = config.any_type()?;
    let name = if name.ends_with(".TypedStruct") { config.text("type_url")? } else { name };
    Ok(name.rsplit('/').next().is_some_and(|name| name.starts_with("envoy.")))
}

const FILTERS: &str = "envoy.extensions.filters.http.";

impl Kind {
    /// Reads the configuration of a filter, or that of a route for it.
    fn read(config: &Object) -> Read<Self> {
        let name = config.any_type()?;
        if let Some(kind) = wrapped::read(name, config)? {
            return Ok(config.unread().map_or(kind, Self::NotModelled));
        }
        let known = name.strip_prefix(FILTERS).map(|name| name.replace(".v3.", "."));
        let kind = match known.as_deref().unwrap_or_default() {
            "router.Router" => {
                config.ignore(&["suppress_envoy_headers", "dynamic_stats", "start_child_span", "upstream_log"]);
                config.ignore(&["upstream_log_options", "respect_expected_rq_timeout", "strict_check_headers"]);
                Self::Router
            }
            "fault.HTTPFault" => Self::Fault(Box::new(fault::Fault::read(config)?)),
            "cors.Cors" => Self::PlainCors,
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
            "compressor.Compressor" => Self::Compressor(Box::new(compress::Compressor::read(config)?)),
            "compressor.CompressorPerRoute" => Self::CompressorRoute(compress::Route::read(config)?),
            "local_ratelimit.LocalRateLimit" => Self::Limit(Box::new(limit::Limit::read(config)?)),
            "health_check.HealthCheck" => Self::HealthCheck(Box::new(access::HealthCheck::read(config)?)),
            "api_key_auth.ApiKeyAuth" | "api_key_auth.ApiKeyAuthPerRoute" => {
                Self::ApiKey(Box::new(access::ApiKey::read(config)?))
            }
            "basic_auth.BasicAuth" | "basic_auth.BasicAuthPerRoute" => {
                Self::BasicAuth(Box::new(access::BasicAuth::read(config)?))
            }
            "jwt_authn.JwtAuthentication" => Self::Jwt(Box::new(token::Jwt::read(config)?)),
            "jwt_authn.PerRouteConfig" => Self::JwtRoute(token::JwtRoute::read(config)?),
            "ext_authz.ExtAuthz" | "ext_authz.ExtAuthzPerRoute" => {
                let is_off = config.flag("disabled")?;
                config.ignore_all();
                Self::Authorization { is_off }
            }
            "grpc_web.GrpcWeb" => Self::GrpcWeb,
            other => Self::inert(other, config)?,
        };
        Ok(config.unread().map_or(kind, Self::NotModelled))
    }

    /// Filters that let every single request pass as it is: they count or buffer, or note things for other filters.
    fn inert(name: &str, config: &Object) -> Read<Self> {
        match name {
            "buffer.Buffer"
            | "buffer.BufferPerRoute"
            | "grpc_stats.FilterConfig"
            | "header_to_metadata.Config"
            | "set_metadata.Config" => {}
            _ if istio::is_filter(config)? => {}
            _ => return Ok(Self::NotModelled(format!("the HTTP filter {}", config.any_type()?))),
        }
        config.ignore_all();
        Ok(Self::Inert)
    }
}

impl Filter {
    /// Does to a request what the filter does, as the most specific of `kinds` says, or as the chain.
    fn act(
        &self,
        at: usize,
        passage: &Passage,
        kinds: &[&Kind],
        exchange: &mut Exchange,
        responses: &mut Vec<Changes>,
    ) -> Known<Verdict> {
        if let Kind::Wrapped(wrapped) = &self.kind {
            return wrapped.act((at, self), passage, kinds, exchange, responses);
        }
        match kinds.first().copied().unwrap_or(&self.kind) {
            Kind::NotModelled(what) => NotModelled::because(what),
            Kind::GrpcWeb if exchange.headers.value("content-type").starts_with(b"application/grpc-web") => {
                NotModelled::because("a request of gRPC-Web")
            }
            Kind::Fault(fault) => fault.act(exchange, passage.cluster.as_deref()),
            Kind::PlainCors => browser::cors(&passage.cors(), passage, exchange, responses),
            Kind::Cors(_) => browser::cors(kinds, passage, exchange, responses),
            Kind::Csrf(csrf) => csrf.act(exchange, passage.draw),
            Kind::Rbac(Some(rbac)) => rbac.act(exchange),
            Kind::Mutation(_) => mutation::act(&self.kind, kinds, exchange, &passage.route_name),
            Kind::Limit(limit) => limit.act(exchange),
            Kind::HealthCheck(check) => check.act(exchange),
            Kind::ApiKey(own) => own.act(&self.kind, exchange),
            Kind::BasicAuth(auth) => auth.act(exchange),
            Kind::Compressor(_) | Kind::CompressorRoute(_) => {
                compress::act((at, &self.kind, kinds), passage, exchange, responses);
                Ok(Verdict::Continue)
            }
            Kind::Wrapped(_) | Kind::PassedBy(_) => NotModelled::because("a tree for a filter that is not in one"),
            Kind::Jwt(_) => token::Jwt::act(&self.kind, None, exchange),
            Kind::JwtRoute(own) => token::Jwt::act(&self.kind, Some(own), exchange),
            Kind::Authorization { is_off: false } => NotModelled::because("what an authorization service says"),
            Kind::Router | Kind::Inert | Kind::GrpcWeb | Kind::Rbac(None) | Kind::Authorization { is_off: true } => {
                Ok(Verdict::Continue)
            }
        }
    }
}
