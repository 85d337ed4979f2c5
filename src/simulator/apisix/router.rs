//! The two routers of APISIX: how a request finds its route.

use std::sync::Arc;

use super::decision::{Condition, Step};
use super::document::Route;
use super::radix::{Candidate, Tree};
use super::received::Received;
use super::stop::Stop;
use super::vars::Vars;

/// `apisix.router.http` of APISIX's static configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RouterKind {
    /// `radixtree_host_uri`, the default: hosts first, then uris.
    #[default]
    HostUri,
    /// `radixtree_uri`: one tree of uris, hosts are a filter.
    Uri,
}

type Routes = Tree<Arc<Route>>;

/// All routes, ready for look-ups.
#[derive(Debug)]
pub(super) enum Router {
    HostUri {
        /// By host text, reversed (`*.a.test` is `tset.a.*`).
        hosts: Tree<Routes>,
        hostless: Routes,
    },
    Uri(Routes),
}

impl Router {
    pub(super) fn new(kind: RouterKind, routes: &[Arc<Route>]) -> Self {
        if kind == RouterKind::Uri {
            let mut tree = Tree::default();
            for route in routes {
                insert(&mut tree, route);
            }
            return Self::Uri(tree);
        }
        let (mut hosts, mut hostless) = (Tree::default(), Tree::default());
        for route in routes {
            match &route.hosts {
                None => insert(&mut hostless, route),
                Some(names) => names.iter().for_each(|host| insert_host(&mut hosts, host, route)),
            }
        }
        Self::HostUri { hosts, hostless }
    }

    /// The route of a request. Every candidate that was tried is noted in `steps`.
    pub(super) fn find(&self, vars: &Vars, steps: &mut Vec<Step>) -> Result<Option<&Arc<Route>>, Stop> {
        let (hosts, hostless) = match self {
            Self::Uri(tree) => return search(tree, vars, true, steps),
            Self::HostUri { hosts, hostless } => (hosts, hostless),
        };
        let reversed: Vec<u8> = vars.received.host.iter().rev().copied().collect();
        for host in hosts.candidates(&reversed) {
            steps.push(Step::Host(Some(reverse(&host.entry.text))));
            if let Some(route) = search(&host.entry.value, vars, false, steps)? {
                return Ok(Some(route));
            }
        }
        steps.push(Step::Host(None));
        search(hostless, vars, false, steps)
    }
}

fn insert(tree: &mut Routes, route: &Arc<Route>) {
    for uri in &route.uris {
        tree.insert(uri, route.priority, Arc::clone(route));
    }
}

fn insert_host(hosts: &mut Tree<Routes>, host: &str, route: &Arc<Route>) {
    let reversed = reverse(host);
    if let Some(tree) = hosts.get_mut(&reversed) {
        return insert(tree, route);
    }
    let mut tree = Tree::default();
    insert(&mut tree, route);
    hosts.insert(&reversed, 0.0, tree);
}

fn reverse(host: &str) -> String {
    host.chars().rev().collect()
}

fn search<'t>(
    tree: &'t Routes,
    vars: &Vars,
    filter_hosts: bool,
    steps: &mut Vec<Step>,
) -> Result<Option<&'t Arc<Route>>, Stop> {
    let uri = &vars.received.target.path;
    for candidate in tree.candidates(uri) {
        let failed = failing(&candidate, vars, filter_hosts)?;
        let matched = failed.is_none();
        let route = &candidate.entry.value;
        let uri = candidate.entry.text.clone();
        steps.push(Step::Candidate { route: Arc::clone(&route.id), uri, failed });
        if matched {
            return Ok(Some(route));
        }
    }
    Ok(None)
}

/// The first condition that the request fails, in APISIX's order.
fn failing(candidate: &Candidate<Arc<Route>>, vars: &Vars, filter_hosts: bool) -> Result<Option<Condition>, Stop> {
    let route = &candidate.entry.value;
    let received = &vars.received;
    let method = &received.request.method;
    if !route.methods.is_empty() && !route.methods.contains(method) {
        return Ok(Some(Condition::Method));
    }
    if route.remote_addrs.as_ref().is_some_and(|set| !set.contains(vars.remote_addr().as_bytes())) {
        return Ok(Some(Condition::RemoteAddr));
    }
    if filter_hosts && !host_passes(route, received) {
        return Ok(Some(Condition::Host));
    }
    if let Some(expr) = &route.vars
        && let Some(source) = expr.failing(vars)?
    {
        return Ok(Some(Condition::Vars(source.into())));
    }
    if route.has_filter_func {
        return Err(Stop::not_modelled(format!("filter_func of the route {}", route.id)));
    }
    let pattern = candidate.failing_pattern(&received.target.path);
    Ok(pattern.map(|pattern| Condition::Path(pattern.into())))
}

/// The host filter of `radixtree_uri`: a host with a port is compared with the Host header as sent.
fn host_passes(route: &Route, received: &Received) -> bool {
    let Some(hosts) = &route.hosts else { return true };
    let sent = received.header("host");
    hosts.iter().any(|host| {
        let name = match &sent {
            Some(sent) if host.contains(':') => sent,
            _ => &received.host,
        };
        match host.strip_prefix('*') {
            Some(suffix) => name.ends_with(suffix.as_bytes()),
            None => name == host.as_bytes(),
        }
    })
}
