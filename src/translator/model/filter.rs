//! HTTP filters, validated: which ones a connection manager has, and what routes say about them.
//!
//! A filter that cannot be translated stays in the list as [`Config::Unusable`]: whether it denies a request depends on
//! the route, which may switch it off.

mod access_tree;
mod api_key;
mod compressor;
mod cors;
mod csrf;
mod effective;
mod fault;
mod jwt;
mod limit;
mod mutation;
mod percent;
mod rbac;
mod read;
mod small;
mod wrapped;

pub(crate) use api_key::{ApiKey, CLIENT, KeySource, Secret};
pub(crate) use compressor::{Compressor, CompressorRoute, Library};
pub(crate) use cors::{Cors, CorsError, deprecated as deprecated_cors};
pub(crate) use csrf::Csrf;
pub(crate) use effective::{Effective, Filters, Levels};
pub(crate) use fault::{Abort, Answer, Delay, Fault};
pub(crate) use jwt::{Jwt, JwtRoute, Need, TokenPlace};
pub(crate) use limit::{Bucket, Limit, Part};
pub(crate) use mutation::Mutation;
pub(crate) use percent::Percent;
pub(crate) use rbac::Rbac;
pub(crate) use read::{installed, per_route};
pub(crate) use small::HealthCheck;
pub(crate) use wrapped::Wrapped;

use std::collections::BTreeMap;

use amesh_xds::coverage::WireError;

use super::condition::Condition;
use super::rules::RuleError;
use super::tree::TreeError;

/// One HTTP filter of a connection manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpFilter {
    /// By which routes refer to it.
    pub(crate) name: String,
    /// Runs where no route says otherwise.
    pub(crate) enabled: bool,
    /// What it does where no route says otherwise.
    pub(crate) config: Config,
}

/// What a filter does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Config {
    /// Nothing that a request could tell, or it is left out, which has been reported.
    Nothing,
    /// Nothing, though a filter of its kind does something elsewhere.
    Off,
    /// Cannot be left out safely, for this reason.
    Unusable(String),
    /// `envoy.extensions.filters.http.fault.v3.HTTPFault`.
    Fault(Box<Fault>),
    /// `envoy.extensions.filters.http.cors.v3.Cors`, or its `CorsPolicy`.
    Cors(Box<Cors>),
    /// `envoy.extensions.filters.http.rbac.v3.RBAC`.
    Rbac(Box<Rbac>),
    /// `envoy.extensions.filters.http.csrf.v3.CsrfPolicy`.
    Csrf(Box<Csrf>),
    /// `envoy.extensions.filters.http.health_check.v3.HealthCheck` without `pass_through_mode`.
    HealthCheck(Box<HealthCheck>),
    /// `envoy.extensions.filters.http.buffer.v3.Buffer`: bytes that a body may have.
    Buffer(u32),
    /// `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit` that limits something.
    Limit(Box<Limit>),
    /// `envoy.extensions.filters.http.compressor.v3.Compressor`.
    Compressor(Box<Compressor>),
    /// `envoy.extensions.filters.http.compressor.v3.CompressorPerRoute` that does not switch it off.
    CompressorRoute(CompressorRoute),
    /// `envoy.extensions.filters.http.header_mutation.v3.HeaderMutation`.
    Mutation(Box<Mutation>),
    /// `envoy.extensions.common.matching.v3.ExtensionWithMatcher`.
    Wrapped(Box<Wrapped>),
    /// `envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute`: which requests pass a wrapped filter by.
    PassedBy(Box<Condition>),
    /// `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`.
    Jwt(Box<Jwt>),
    /// `envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig`.
    JwtRoute(JwtRoute),
    /// `envoy.extensions.filters.http.ext_authz.v3.ExtAuthz`: why it cannot be done; `None` where a route does not want
    /// it.
    ExtAuthz(Option<String>),
    /// `envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth`, or its `ApiKeyAuthPerRoute`.
    ApiKey(Box<ApiKey>),
}

/// What a route, virtual host or route configuration says about a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Override {
    /// It does not run.
    Disabled,
    /// It runs with the configuration of the next level.
    Enabled,
    /// It runs with this configuration.
    Config(Config),
}

/// What one level says, by the filter's name.
pub(crate) type Overrides = BTreeMap<String, Override>;

/// Why Envoy would refuse a filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A type that Envoy does not have.
    #[error("no HTTP filter has the type {0:?}")]
    UnknownType(String),
    /// The router is not the last filter, or the last filter is not the router.
    #[error("the last filter, and no other, must be the router")]
    Router,
    /// The router is disabled.
    #[error("the last filter is disabled, which it cannot be")]
    RouterDisabled,
    /// A filter that routes cannot configure.
    #[error("routes cannot configure a filter by {0}")]
    NotPerRoute(String),
    /// A wrapper that neither switches off nor configures.
    #[error("the FilterConfig is empty: it needs config or disabled")]
    EmptyWrapper,
    /// The fault filter is bad.
    #[error("{0}")]
    Fault(#[from] fault::FaultError),
    /// The CORS policy is bad.
    #[error("{0}")]
    Cors(#[from] cors::CorsError),
    /// The RBAC filter is bad.
    #[error("rules.{0}")]
    Rbac(#[from] rbac::RbacError),
    /// A match tree is bad.
    #[error("{0}: {1}")]
    Tree(&'static str, TreeError),
    /// The CSRF policy is bad.
    #[error("{0}")]
    Csrf(#[from] csrf::CsrfError),
    /// The health check filter is bad.
    #[error("{0}")]
    HealthCheck(#[from] small::HealthCheckError),
    /// The buffer filter is bad.
    #[error("{0}")]
    Buffer(#[from] small::BufferError),
    /// The rate limit is bad.
    #[error("{0}")]
    Limit(#[from] limit::LimitError),
    /// The compressor is bad.
    #[error("{0}")]
    Compressor(#[from] compressor::CompressorError),
    /// The header mutation is bad.
    #[error("{0}")]
    Mutation(#[from] mutation::MutationError),
    /// The JWT filter is bad.
    #[error("{0}")]
    Jwt(#[from] jwt::JwtError),
    /// The API key filter is bad.
    #[error("{0}")]
    ApiKey(#[from] api_key::ApiKeyError),
    /// What a route says about the authorization service is bad.
    #[error("{0}")]
    ExtAuthz(#[from] small::ExtAuthzError),
}
