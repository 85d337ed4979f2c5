//! Virtual hosts and routes (`envoy.config.route.v3`), validated.

mod action;
mod convert;
mod matching;
mod overrides;
mod settings;

pub(crate) use convert::{VirtualHostError, convert_virtual_host};
pub(crate) use settings::{scanned_settings, settings};

use crate::model::headers::HeaderMutations;
use crate::order::PathMatch;
use crate::vars::HeaderMatch;

/// One virtual host: the requests for some domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VirtualHost {
    /// Unique in practice; for people.
    pub(crate) name: String,
    /// At least one; compared without case.
    pub(crate) domains: Vec<String>,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
    /// The first that matches decides.
    pub(crate) routes: Vec<Route>,
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
        body: String,
    },
    /// Cannot be translated safely: answers 503.
    Deny,
}

/// `route`: where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    /// At least one.
    pub(crate) destinations: Vec<Destination>,
    /// `timeout`, in milliseconds; 0 is none.
    pub(crate) timeout: u64,
    /// `cluster_not_found_response_code`: 404, 500 or 503.
    pub(crate) not_found_status: u16,
}

/// A cluster, and what is done to requests for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// Its part of the sum of all weights; any above 0 where it is the only one.
    pub(crate) weight: u32,
    /// What is done to headers; `None`: nothing.
    pub(crate) mutations: Option<Box<HeaderMutations>>,
}

impl Destination {
    /// The only cluster of a route.
    pub(crate) fn only(cluster: String) -> Self {
        Self { cluster, weight: 1, mutations: None }
    }
}
