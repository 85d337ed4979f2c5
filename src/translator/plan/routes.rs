//! One virtual host becomes APISIX routes: Envoy's order of routes on top of APISIX's router.

use std::collections::BTreeSet;

use super::guards::Requests;
use super::host::HostNames;
use super::lines::{Line, LineMaker, Owner, Position};
use super::outcome::Outcome;
use super::patterns::Patterns;
use super::variant::ClusterUse;
use crate::apisix::{Abort, Labels, Plugins, Route, Writer};
use crate::diagnostic::Code;
use crate::hosts::{HostNote, HostPlan, HostlessGroup, PortMatching, plan_by_header, plan_hosts, several_lines};
use crate::model::cluster::View;
use crate::model::route::VirtualHost;
use crate::names;
use crate::order;
use crate::report::{Place, Report};
use crate::table::{Settings, SharingHost};
use crate::vars::{Expr, Vars};

/// The part of a virtual host in the router without hosts.
const ANY: &str = "any";

/// What the routes of a table have in common.
pub(crate) struct Scope<'a> {
    /// Writes the routes.
    pub(crate) writer: &'a Writer,
    /// For ids and labels.
    pub(crate) instance: &'a str,
    /// The kind of table, for ids.
    pub(crate) kind: &'a str,
    /// The table's name, for ids and names.
    pub(crate) table: &'a str,
    /// Which requests the table is for.
    pub(crate) guard: &'a Expr,
    /// What happens to every request.
    pub(crate) requests: &'a Requests,
    /// For all virtual hosts.
    pub(crate) settings: &'a Settings,
    /// What is known of a cluster.
    pub(crate) cluster: &'a dyn Fn(&str) -> Option<View>,
    /// The names of all clusters, in order.
    pub(crate) clusters: &'a dyn Fn() -> Vec<String>,
    /// Where a cluster can be reached, `host:port`, preferred first; `None` where it does not exist or must not be used.
    pub(crate) addresses: &'a dyn Fn(&str) -> Option<Vec<String>>,
    /// What the endpoints of a cluster are called.
    pub(crate) host_names: &'a dyn Fn(&str) -> HostNames,
    /// `limits.extra_router_entries`.
    pub(crate) extra_entries: usize,
}

impl Scope<'_> {
    /// The domains that have no host key, in Envoy's order.
    fn hostless(&self, hosts: &[SharingHost<'_>]) -> Vec<HostlessGroup> {
        let domains = hosts.iter().map(|sharing| sharing.host.domains.as_slice());
        match &self.settings.host_variable {
            Some(var) => plan_by_header(domains, var, self.settings.ignore_port),
            None => plan_hosts(domains, self.ports()).unwrap_or_default().hostless,
        }
    }

    fn ports(&self) -> PortMatching {
        if self.settings.ignore_port { PortMatching::Ignore } else { self.requests.ports }
    }
}

/// What a virtual host, or what several share, becomes.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Id and JSON of each route.
    pub(crate) written: Vec<(String, Box<str>)>,
    /// Clusters that they lead to, and how.
    pub(crate) clusters: BTreeSet<ClusterUse>,
    /// What APISIX has to compile for them.
    pub(crate) patterns: Patterns,
    /// What is to be said; paths begin at the virtual host, or at the table for what is shared.
    pub(crate) report: Report,
}

impl Routes {
    /// Both. What is said about the same place is said once.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.written.extend(other.written);
        self.clusters.extend(other.clusters);
        self.patterns.extend(other.patterns);
        self.report.unite(other.report);
        self
    }
}

/// Routes that share hosts and are laid out together.
struct Group<'a> {
    owner: &'a Owner,
    hosts: &'a [String],
    guard: &'a Expr,
}

/// The routes of a virtual host at its own host keys. `key` tells it from others, which may have the same name;
/// `neighbours` are the virtual hosts with some of the same host keys.
pub(crate) fn own_routes<'a>(
    scope: &Scope<'_>,
    key: &str,
    host: &'a VirtualHost,
    neighbours: impl Iterator<Item = &'a VirtualHost>,
) -> Routes {
    if scope.settings.host_variable.is_some() {
        return Routes::default();
    }
    let all = std::iter::once(host).chain(neighbours).map(|host| host.domains.as_slice());
    let plan = plan_hosts(all, scope.ports()).unwrap_or_default();
    let mut maker = maker(scope);
    say_hosts(&plan, &mut maker.report);
    let mut groups = plan.keyed.iter().filter(|group| group.virtual_host == 0).enumerate().peekable();
    let mut lines = Vec::new();
    if groups.peek().is_some() {
        lines = maker.lines(host, &Place::ROOT);
        lines.extend(maker.terminal(&lines, &Place::named("routes")));
    }
    let mut routes = Routes::default();
    for (index, group) in groups {
        let piece = if index == 0 { String::new() } else { index.to_string() };
        let owner = Owner { key: key.to_owned(), piece };
        let group = Group { owner: &owner, hosts: &group.hosts, guard: &group.guard };
        let report = if index == 0 { Some(&mut maker.report) } else { None };
        lay_out(scope, &group, &lines, report, &mut routes);
    }
    Routes { clusters: maker.clusters, report: maker.report, ..routes }
}

/// The routes of all virtual hosts that have domains without a host key, in Envoy's order, then the final 404.
pub(crate) fn shared_routes(scope: &Scope<'_>, hosts: &[SharingHost<'_>]) -> Routes {
    let groups = scope.hostless(hosts);
    let mut maker = maker(scope);
    let mut lines = Vec::new();
    if let Some(var) = &scope.settings.host_variable
        && groups.iter().any(|group| !group.guard.is_true())
    {
        lines.extend(maker.denied_before(&several_lines(var), Position::Lines));
    }
    let mut ended = false;
    for (index, group) in groups.iter().enumerate() {
        let Some(SharingHost { key, index: place, host }) = hosts.get(group.virtual_host) else { continue };
        let piece = if group.guard.is_true() { ANY.to_owned() } else { format!("{ANY}{index}") };
        let owner = Owner { key: (*key).to_owned(), piece };
        let place = Place::top("virtual_hosts", *place);
        let mut own = maker.lines(host, &place);
        own.extend(maker.terminal(&own, &place.field("routes")));
        lines.extend(own.into_iter().map(|line| Line {
            owner: Some(owner.clone()),
            condition: group.guard.clone().and(line.condition),
            ..line
        }));
        ended |= group.guard.is_true();
    }
    if !ended {
        lines.extend(maker.terminal(&[], &Place::named("virtual_hosts")));
    }
    let mut routes = Routes::default();
    let owner = Owner { key: String::new(), piece: ANY.to_owned() };
    let group = Group { owner: &owner, hosts: &[], guard: &Expr::True };
    lay_out(scope, &group, &lines, Some(&mut maker.report), &mut routes);
    Routes { clusters: maker.clusters, report: maker.report, ..routes }
}

fn maker<'a>(scope: &Scope<'a>) -> LineMaker<'a> {
    LineMaker {
        instance: scope.instance,
        settings: scope.settings,
        requests: scope.requests,
        cluster: scope.cluster,
        all_clusters: scope.clusters,
        addresses: scope.addresses,
        host_names: scope.host_names,
        clusters: BTreeSet::new(),
        report: Report::default(),
    }
}

fn say_hosts(plan: &HostPlan, report: &mut Report) {
    for note in &plan.notes {
        match note {
            HostNote::NeverMatches { virtual_host: 0, domain } => {
                report.add(Code::DomainUnmatchable, "domains", format!("{domain:?} can match no request"));
            }
            HostNote::ComparedAsText { virtual_host: 0, domain } => {
                let why = format!("{domain:?} is compared after all other domains: APISIX takes no such host");
                report.add(Code::DomainUnmatchable, "domains", why);
            }
            _ => {}
        }
    }
}

/// Gives every line its keys and priority and writes the routes.
fn lay_out(scope: &Scope<'_>, group: &Group<'_>, lines: &[Line], mut report: Option<&mut Report>, routes: &mut Routes) {
    let entries = lines.iter().map(|line| {
        let total = line.condition.is_true();
        order::Entry { keys: line.keys.clone(), total, slots: 1 }
    });
    let placed = order::place(&entries.collect::<Vec<_>>(), scope.extra_entries);
    if placed.iter().any(|placed| !placed.condition.is_true())
        && let Some(report) = report.as_deref_mut()
    {
        report.add(Code::VirtualHostLarge, "routes", "routes are tried one by one to keep the router small");
    }
    for (line, placed) in lines.iter().zip(&placed) {
        if placed.uris.is_empty() {
            if let (Some(report), Position::Route(index)) = (report.as_deref_mut(), line.position) {
                report.add(
                    Code::RouteShadowed,
                    Place::top("routes", index),
                    "an earlier route takes all of its requests",
                );
            }
            continue;
        }
        routes.patterns.add(&placed.uris, [scope.guard, group.guard, &placed.condition, &line.condition]);
        routes.written.extend(route(scope, group, line, placed));
    }
}

fn route(scope: &Scope<'_>, group: &Group<'_>, line: &Line, placed: &order::Placed) -> Option<(String, Box<str>)> {
    let (owner, position) = (line.owner.as_ref().unwrap_or(group.owner), position(line));
    let id = names::id(scope.instance, scope.kind, &[scope.table, &owner.key, &owner.piece, &position]);
    let name = format!("{}/{owner}#{position} {}", scope.table, line.name);
    let Outcome { target, plugins } = &line.outcome;
    let route = Route {
        id: &id,
        name: names::name(name.trim_end()),
        labels: Labels::new(scope.instance).with_secrets(line.condition.has_secret()),
        hosts: group.hosts,
        uris: &placed.uris,
        priority: placed.priority,
        vars: Vars::all([scope.guard, group.guard, &placed.condition, &line.condition]),
        upstream_id: target.as_ref().map(|target| target.upstream.as_str()),
        timeout: target.as_ref().map(|target| target.timeout),
        enable_websocket: target.as_ref().is_some_and(|target| target.websocket),
        plugins: (!plugins.is_empty()).then_some(plugins),
    };
    let json = scope.writer.json(&route)?;
    Some((id, json))
}

/// `3`, or `3.1` for the second part of route 3, or `end`, or `tls`.
fn position(line: &Line) -> String {
    match (line.position, line.part) {
        (Position::Tls, 0) => "tls".to_owned(),
        (Position::Tls, part) => format!("tls.{part}"),
        (Position::Lines, 0) => "lines".to_owned(),
        (Position::Lines, part) => format!("lines.{part}"),
        (Position::End, 0) => "end".to_owned(),
        (Position::End, part) => format!("end.{part}"),
        (Position::Leaf(leaf), 0) => format!("leaf{leaf}"),
        (Position::Leaf(leaf), part) => format!("leaf{leaf}.{part}"),
        (Position::Parameters(route), _) => format!("{route}.parameters"),
        (Position::Route(route), 0) => route.to_string(),
        (Position::Route(route), part) => format!("{route}.{part}"),
    }
}

/// A route that answers every request of a filter chain.
pub(crate) fn closed_route(
    writer: &Writer,
    id: &str,
    listener: &str,
    instance: &str,
    guard: &Expr,
    status: u16,
) -> Option<Box<str>> {
    let abort = if status == 404 { Abort::empty(status) } else { Abort::text(status, "this listener is not served") };
    let route = Route {
        id,
        name: names::name(listener),
        labels: Labels::new(instance),
        hosts: &[],
        uris: &["/*".to_owned()],
        priority: 0,
        vars: Vars::new(guard),
        upstream_id: None,
        timeout: None,
        enable_websocket: false,
        plugins: Some(&Plugins::answering(abort)),
    };
    writer.json(&route)
}
