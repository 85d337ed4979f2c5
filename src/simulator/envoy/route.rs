//! `envoy.config.route.v3.Route` and the virtual hosts that hold routes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::action::{MirrorPolicy, RouteAction, filter_configs, retry};
use super::change::Changes;
use super::decision::{Retry, RouteRef};
use super::exchange::Exchange;
use super::filters::Override;
use super::object::{Object, Read};
use super::redirect::{DirectResponse, Redirect};
use super::route_match::RouteMatch;
use super::stop::Known;
use super::tree::Tree;

/// A route.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    pub(super) this: RouteRef,
    pub(super) matcher: RouteMatch,
    pub(super) action: Action,
    pub(super) level: Level,
    pub(super) not_modelled: Option<String>,
}

/// What a route does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Forward(Box<RouteAction>),
    Redirect(Box<Redirect>),
    Direct(Box<DirectResponse>),
    NotModelled(String),
}

/// What a route configuration, a virtual host and a route all have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Level {
    pub(super) request: Changes,
    pub(super) response: Changes,
    pub(super) filters: BTreeMap<String, Override>,
}

/// A virtual host.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VirtualHost {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) domains: Vec<String>,
    pub(super) routes: Vec<Route>,
    /// Which of the routes a request has; `None`: all.
    tree: Option<Tree<Range<usize>>>,
    pub(super) tls: TlsRequirement,
    pub(super) level: Level,
    pub(super) retry: Option<Retry>,
    /// Requests say which try they are.
    pub(super) counts_attempts: bool,
    pub(super) mirrors: Vec<MirrorPolicy>,
    /// The deprecated policy.
    pub(super) cors: Option<Override>,
    pub(super) not_modelled: Option<String>,
}

/// Which requests a virtual host sends to `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsRequirement {
    None,
    ExternalOnly,
    All,
}

/// What counts, traces or describes, and what only filters read that are not modelled themselves.
const IGNORED: [&str; 8] = [
    "metadata",
    "decorator",
    "tracing",
    "stat_prefix",
    "per_request_buffer_limit_bytes",
    "request_body_buffer_limit",
    "virtual_clusters",
    "rate_limits",
];

impl Level {
    pub(super) fn read(owner: &Object) -> Read<Self> {
        Ok(Self {
            request: Changes::read(owner, "request")?,
            response: Changes::read(owner, "response")?,
            filters: filter_configs(owner)?,
        })
    }
}

impl Route {
    fn read(index: usize, route: &Object, largest_body: usize) -> Read<Self> {
        route.ignore(&IGNORED);
        let matcher = route.object("match")?.ok_or_else(|| route.refuse("match", "value is required"))?;
        let matcher = RouteMatch::read(&matcher)?;
        let action = Action::read(route, &matcher, largest_body)?;
        Ok(Self {
            this: RouteRef { index, name: route.text("name")?.into() },
            matcher,
            action,
            level: Level::read(route)?,
            not_modelled: route.unread(),
        })
    }
}

impl Action {
    fn read(route: &Object, matcher: &RouteMatch, largest_body: usize) -> Read<Self> {
        if let Some(action) = route.object("route")? {
            return RouteAction::read(&action, &matcher.path).map(Box::new).map(Self::Forward);
        }
        if let Some(action) = route.object("redirect")? {
            return Redirect::read(&action, &matcher.path).map(Box::new).map(Self::Redirect);
        }
        if let Some(action) = route.object("direct_response")? {
            return DirectResponse::read(&action, largest_body).map(Box::new).map(Self::Direct);
        }
        for other in ["filter_action", "non_forwarding_action"] {
            if route.has(other) {
                return Ok(Self::NotModelled(route.path_of(other)));
            }
        }
        Err(route.refuse("", "action: is required"))
    }
}

/// The routes of a leaf, which are put behind those that are there.
fn leaf(action: &Object, largest_body: usize, routes: &RefCell<Vec<Route>>) -> Read<Range<usize>> {
    let mut routes = routes.borrow_mut();
    let first = routes.len();
    match action.any_type()? {
        "envoy.config.route.v3.Route" => routes.push(Route::read(first, action, largest_body)?),
        "envoy.config.route.v3.RouteList" => {
            for (index, route) in action.objects("routes")?.iter().enumerate() {
                routes.push(Route::read(first.saturating_add(index), route, largest_body)?);
            }
        }
        _ => return Err(action.refuse("", "Didn't find a registered implementation")),
    }
    Ok(first..routes.len())
}

impl VirtualHost {
    /// The routes that a request may have, in order.
    pub(super) fn routes_for(&self, exchange: &Exchange) -> Known<&[Route]> {
        let Some(tree) = &self.tree else { return Ok(&self.routes) };
        let range = tree.find(exchange)?.cloned().unwrap_or_default();
        Ok(self.routes.get(range).unwrap_or_default())
    }

    /// Clients inside need no TLS.
    pub(super) fn spares_internal(&self) -> bool {
        self.tls == TlsRequirement::ExternalOnly
    }

    pub(super) fn read(index: usize, host: &Object, largest_body: usize) -> Read<Self> {
        host.ignore(&IGNORED);
        let name = host.text("name")?;
        let domains: Vec<String> = host.texts("domains")?.into_iter().map(str::to_ascii_lowercase).collect();
        if name.is_empty() {
            return Err(host.refuse("name", "value length must be at least 1 characters"));
        }
        if domains.is_empty() {
            return Err(host.refuse("domains", "value must contain at least 1 item(s)"));
        }
        let tls = match host.choice("require_tls", &["NONE", "EXTERNAL_ONLY", "ALL"])? {
            "ALL" => TlsRequirement::All,
            "EXTERNAL_ONLY" => TlsRequirement::ExternalOnly,
            _ => TlsRequirement::None,
        };
        let policy = host.object("retry_policy")?;
        let routes = host.objects("routes")?.into_iter().enumerate();
        let routes = RefCell::new(
            routes.map(|(index, route)| Route::read(index, &route, largest_body)).collect::<Read<Vec<_>>>()?,
        );
        let tree = host.object("matcher")?;
        if tree.is_some() && !routes.borrow().is_empty() {
            return Err(host.refuse("matcher", "cannot set both matcher and routes on virtual host"));
        }
        let tree = tree.map(|tree| Tree::read(&tree, &|action| leaf(action, largest_body, &routes))).transpose()?;
        Ok(Self {
            index,
            name: name.into(),
            domains,
            routes: routes.into_inner(),
            tree,
            tls,
            level: Level::read(host)?,
            counts_attempts: host.flag("include_request_attempt_count")?,
            retry: policy.map(|policy| retry(&policy)).transpose()?.flatten(),
            mirrors: MirrorPolicy::read_all(host)?,
            cors: Override::read_cors(host)?,
            not_modelled: host.unread(),
        })
    }
}
