//! Virtual hosts and routes (`envoy.config.route.v3`), validated.

mod action;
mod conditions;
mod convert;
mod hash;
mod matching;
mod mirror;
mod overrides;
mod redirect;
mod retry;
mod rewrite;
mod settings;
mod template;
mod tree;

pub(crate) use conditions::{ConditionError, query_parameters};
pub(crate) use convert::{VirtualHostError, convert_virtual_host};
pub(crate) use hash::{HashKey, Hashing};
pub(crate) use matching::{HeaderMatcherError, MatchError, Matched, convert as route_match, header_match, text_match};
pub(crate) use mirror::Mirror;
pub(crate) use redirect::{Redirect, Scheme};
pub(crate) use retry::Retry;
pub(crate) use rewrite::PathRewrite;
pub(crate) use settings::{scanned_settings, settings};
pub(crate) use template::{TemplateError, matcher as template_matcher, plain_path};

use std::ops::Range;

use amesh_xds::wire::envoy::r#type::v3::fractional_percent::DenominatorType;
use bytes::Bytes;

use crate::model::filter::Cors;
use crate::model::filter::Overrides;
use crate::model::headers::HeaderMutations;
use crate::model::labels::Labels;
use crate::model::tree::Leaves;
use crate::order::PathMatch;
use crate::vars::{Expr, HeaderMatch};

/// One virtual host: the requests for some domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VirtualHost {
    /// Unique in practice; for people.
    pub(crate) name: String,
    /// At least one; compared without case.
    pub(crate) domains: Vec<String>,
    /// For routes that say nothing about it.
    pub(crate) retry: Option<Retry>,
    /// Copies of the requests of routes that have none of their own.
    pub(crate) mirror: Option<Box<Mirror>>,
    /// `cors`, deprecated: counts where the filter has no policy of its own.
    pub(crate) cors: Option<Box<Cors>>,
    /// `require_tls` is not `NONE`: requests without TLS are sent to it.
    pub(crate) requires_tls: bool,
    /// `typed_per_filter_config`.
    pub(crate) filters: Overrides,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
    /// `include_request_attempt_count`: done before all other changes to requests that are forwarded; `None`: nothing.
    pub(crate) attempts: Option<Box<HeaderMutations>>,
    /// The first that matches decides.
    pub(crate) routes: Vec<Route>,
    /// Which of the routes a request may have, by the first condition that holds; none holds: none. `None`: all.
    pub(crate) tree: Option<Leaves<Range<usize>>>,
}

impl VirtualHost {
    /// The first route that answers with more than so many bytes: its place, and how many.
    pub(crate) fn longer_body(&self, limit: u32) -> Option<(usize, usize)> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.routes.iter().enumerate().find_map(|(index, route)| match &route.action {
            Action::Respond { body, .. } if body.len() > limit => Some((index, body.len())),
            _ => None,
        })
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// May be empty; for people.
    pub(crate) name: String,
    /// `match.path_specifier`; `None` where it cannot be told, which only a denying route has.
    pub(crate) path: Option<PathMatch>,
    /// `match.case_sensitive`; without meaning for [`PathMatch::Regex`].
    pub(crate) case_sensitive: bool,
    /// What all of the headers must be.
    pub(crate) headers: Vec<HeaderMatch>,
    /// What else must hold.
    pub(crate) others: Expr,
    /// The share of the requests that it is for; `None`: all.
    pub(crate) fraction: Option<Fraction>,
    /// `typed_per_filter_config`.
    pub(crate) filters: Overrides,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
    /// What happens to the request.
    pub(crate) action: Action,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Goes to a cluster.
    Forward(Forward),
    /// Is answered here.
    Respond {
        /// 200 to 599.
        status: u16,
        /// May be empty.
        body: Bytes,
    },
    /// Is sent elsewhere.
    Redirect(Box<Redirect>),
    /// Cannot be translated safely: answers 503.
    Deny,
}

/// `route`: where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    /// At least one, unless a header names the cluster.
    pub(crate) destinations: Vec<Destination>,
    /// The request header that names the cluster.
    pub(crate) cluster_header: Option<String>,
    /// `metadata_match`: which endpoints of a cluster with subsets; for a cluster that a header names.
    pub(crate) subset: Labels,
    /// What happens to requests that fail; `None`: as the virtual host says.
    pub(crate) retry: Option<Retry>,
    /// Copies of the requests; `None`: as the virtual host says.
    pub(crate) mirror: Option<Box<Mirror>>,
    /// `cors`, deprecated: counts where the filter has no policy of its own.
    pub(crate) cors: Option<Box<Cors>>,
    /// What chooses endpoints of clusters that hash; `None`: nothing.
    pub(crate) hashing: Option<Box<Hashing>>,
    /// `timeout`, in milliseconds; 0 is none.
    pub(crate) timeout: u64,
    /// `cluster_not_found_response_code`: 404, 500 or 503.
    pub(crate) not_found_status: u16,
    /// What becomes of the path; `None`: it stays.
    pub(crate) path: Option<PathRewrite>,
    /// The host in place of the one that came; `None`: it stays.
    pub(crate) host: Option<HostRewrite>,
    /// Connections may become websockets; `None`: as the connection manager says.
    pub(crate) websocket: Option<bool>,
}

/// The host in place of the one that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostRewrite {
    /// This one.
    Literal(String),
    /// `auto_host_rewrite`: that of the endpoint; where it has none, the host stays.
    Endpoint,
}

/// A cluster, and what is done to requests for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The cluster's name; empty where a header names it.
    pub(crate) cluster: String,
    /// The request header that names the cluster.
    pub(crate) cluster_header: Option<String>,
    /// Its part of the sum of all weights; any above 0 where it is the only one.
    pub(crate) weight: u32,
    /// `metadata_match`, with that of the route: which endpoints, if the cluster has subsets.
    pub(crate) subset: Labels,
    /// `typed_per_filter_config`.
    pub(crate) filters: Overrides,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
    /// The host in place of the one that came, where the route sets none.
    pub(crate) host: Option<String>,
}

impl Destination {
    /// The only cluster of a route.
    pub(crate) fn only(cluster: String, subset: Labels) -> Self {
        Self {
            cluster,
            cluster_header: None,
            weight: 1,
            subset,
            filters: Overrides::new(),
            mutations: None,
            host: None,
        }
    }
}

/// A share of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fraction {
    /// Of [`Fraction::whole`].
    pub(crate) part: u32,
    /// 100, 10,000 or 1,000,000.
    pub(crate) whole: u32,
}

impl Fraction {
    /// From the wire.
    pub(super) fn new(numerator: u32, denominator: DenominatorType) -> Self {
        let whole = match denominator {
            DenominatorType::Hundred => 100,
            DenominatorType::TenThousand => 10_000,
            DenominatorType::Million => 1_000_000,
        };
        Self { part: numerator, whole }
    }
}
