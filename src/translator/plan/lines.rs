//! One virtual host becomes an ordered list of lines: Envoy's routes in APISIX's terms, before the router's keys are
//! laid out.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::filters::{Conditions, Context};
use super::guards::Requests;
use super::headers::Facts;
use super::host::HostNames;
use super::outcome::{Outcome, Share};
use super::partition;
use super::variant::ClusterUse;
use crate::diagnostic::Code;
use crate::hosts::PortMatching;
use crate::model::cluster::View;
use crate::model::filter::Levels;
use crate::model::route::{Route, VirtualHost, plain_path};
use crate::model::tree::Leaves;
use crate::order::{Key, PathMatch, PathOptions, parameters_inside, path_keys};
use crate::report::{Place, Report};
use crate::table::Settings;
use crate::vars::{Expr, HeaderError, HeaderMatch, HeaderNote, Lines};

/// One line: requests that are covered by a key and meet the condition have the outcome.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) keys: Vec<Key>,
    pub(super) condition: Expr,
    pub(super) outcome: Outcome,
    pub(super) position: Position,
    /// Which of the route's clusters.
    pub(super) part: usize,
    /// The route's name; may be empty.
    pub(super) name: String,
    /// Whose it is, where virtual hosts are laid out together.
    pub(super) owner: Option<Owner>,
}

/// Where a line stands in its virtual host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Before all virtual hosts: requests of which it is not known whose they are.
    Lines,
    /// Before all routes: requests without TLS.
    Tls,
    /// Before the route of this index: requests whose path parameters it cannot leave out.
    Parameters(usize),
    /// The route of this index.
    Route(usize),
    /// Behind the routes of the leaf of this index.
    Leaf(usize),
    /// Behind all routes.
    End,
}

/// Whose a line is.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    /// The virtual host's key; empty for what stands behind all of them.
    pub(super) key: String,
    /// Which part of it; empty for the first one with host keys.
    pub(super) piece: String,
}

/// `key`, or `key.piece`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        f.write_str(if self.key.is_empty() || self.piece.is_empty() { "" } else { "." })?;
        f.write_str(&self.piece)
    }
}

/// The paths of a route.
struct Paths {
    keys: Vec<Key>,
    condition: Expr,
    /// Of these paths it is not known whether they are the route's: they are denied.
    untold: (Vec<Key>, Expr),
}

/// Makes the lines of virtual hosts and gathers what there is to say.
pub(super) struct LineMaker<'a> {
    pub(super) instance: &'a str,
    /// Of the route configuration.
    pub(super) settings: &'a Settings,
    /// What happens to every request.
    pub(super) requests: &'a Requests,
    pub(super) cluster: &'a dyn Fn(&str) -> Option<View>,
    pub(super) all_clusters: &'a dyn Fn() -> Vec<String>,
    pub(super) addresses: &'a dyn Fn(&str) -> Option<Vec<String>>,
    pub(super) host_names: &'a dyn Fn(&str) -> HostNames,
    /// Clusters that a line leads to or would lead to, and how.
    pub(super) clusters: BTreeSet<ClusterUse>,
    pub(super) report: Report,
}

impl LineMaker<'_> {
    /// The lines of a virtual host's routes, in order.
    pub(super) fn lines(&mut self, host: &VirtualHost, place: &Place<'_>) -> Vec<Line> {
        let mut lines = Vec::with_capacity(host.routes.len());
        lines.extend(host.requires_tls.then(|| self.tls(&place.field("routes"))).into_iter().flatten());
        match &host.tree {
            None => self.routes(host, 0..host.routes.len(), "routes", place, &mut lines),
            Some(leaves) => self.tree(host, leaves, place, &mut lines),
        }
        lines
    }

    fn routes(
        &mut self,
        host: &VirtualHost,
        range: Range<usize>,
        field: &'static str,
        place: &Place<'_>,
        lines: &mut Vec<Line>,
    ) {
        for (index, route) in host.routes.iter().enumerate().take(range.end).skip(range.start) {
            self.route(host, route, index, &place.item(field, index), lines);
        }
    }

    /// A request that meets the condition of a leaf has its routes and no others.
    fn tree(&mut self, host: &VirtualHost, leaves: &Leaves<Range<usize>>, place: &Place<'_>, lines: &mut Vec<Line>) {
        for (index, (condition, range)) in leaves.iter().enumerate() {
            let place = place.field("matcher");
            let mut conditions = Conditions { requests: self.requests, place: &place, report: &mut self.report };
            let first = lines.len();
            let condition = match conditions.expr(condition, Lines::AsOne) {
                Ok(condition) => {
                    self.routes(host, range.clone(), "routes", &place, lines);
                    lines.extend(self.without_route(
                        &Expr::True,
                        Outcome::status(404),
                        Position::Leaf(index),
                        Some(&place),
                    ));
                    condition
                }
                Err(why) => {
                    let why = format!("{why}: requests that are not told before are answered 503");
                    self.report.add(Code::RouteDenied, place, why);
                    lines.extend(self.without_route(
                        &Expr::True,
                        Outcome::denied(),
                        Position::Leaf(index),
                        Some(&place),
                    ));
                    return;
                }
            };
            for line in lines.iter_mut().skip(first) {
                line.condition = condition.clone().and(std::mem::take(&mut line.condition));
            }
        }
    }

    /// What is behind all routes of a virtual host: Envoy answers 404 and looks no further. `place`: what is said is
    /// said of that, unless a line before takes every request.
    pub(super) fn terminal(&mut self, before: &[Line], place: &Place<'_>) -> Vec<Line> {
        let (every, _) = every_path();
        let ended = before.iter().any(|line| line.condition.is_true() && line.keys == every);
        let place = (!ended).then_some(place);
        self.without_route(&Expr::True, Outcome::status(404), Position::End, place)
    }

    /// Denies requests, whatever their path.
    pub(super) fn denied_before(&mut self, condition: &Expr, position: Position) -> Vec<Line> {
        if condition.is_false() {
            return Vec::new();
        }
        self.without_route(condition, Outcome::denied(), position, None)
    }

    /// Sends requests without TLS to it, whatever their path.
    fn tls(&mut self, place: &Place<'_>) -> Vec<Line> {
        let condition = self.slashes().and(Expr::equal("scheme", "http"));
        self.without_route(&condition, Outcome::to_tls(), Position::Tls, Some(place))
    }

    /// Requests that have no route: only what the connection manager itself says about its filters holds for them.
    fn without_route(
        &mut self,
        condition: &Expr,
        outcome: Outcome,
        position: Position,
        place: Option<&Place<'_>>,
    ) -> Vec<Line> {
        let (keys, path) = every_path();
        let mut notes = BTreeSet::new();
        let mut report = Report::default();
        let context = Context {
            requests: self.requests,
            levels: Levels(&[]),
            cluster: "",
            has_route: false,
            forwards: false,
            cors: Vec::new(),
            domains: &[],
            changes: Vec::new(),
            facts: Facts::default(),
            replies: None,
            place: place.unwrap_or(&Place::ROOT),
            report: &mut report,
        };
        let shares = context.apply_to_answer(outcome, &mut notes);
        if let Some(place) = place {
            self.report.merge(&Place::ROOT, &report);
            self.say_headers(&notes, place);
        }
        let line = |(part, (share, outcome)): (usize, Share)| Line {
            keys: keys.clone(),
            condition: Expr::all([condition.clone(), path.clone(), share]),
            outcome,
            position,
            part,
            name: String::new(),
            owner: None,
        };
        shares.into_iter().enumerate().map(line).collect()
    }

    fn slashes(&self) -> Expr {
        if self.requests.rejects_escaped_slashes { without_escaped_slashes() } else { Expr::True }
    }

    fn route(&mut self, host: &VirtualHost, route: &Route, index: usize, place: &Place<'_>, lines: &mut Vec<Line>) {
        let Paths { keys, condition: path, untold: (untold_keys, untold) } = self.paths(route, place);
        let (headers, told) = self.headers(route, place);
        let sampled = route.fraction.map_or(Expr::True, |fraction| partition::sample(fraction.part, fraction.whole));
        let others = Expr::all([headers, route.others.clone(), sampled]);
        if !untold.is_false() {
            let keys = untold_keys;
            let (condition, name) = (self.slashes().and(untold).and(others.clone()), route.name.clone());
            let position = Position::Parameters(index);
            lines.push(Line { keys, condition, outcome: Outcome::denied(), position, part: 0, name, owner: None });
        }
        let condition = self.slashes().and(path).and(others);
        if condition.is_false() {
            return self.report.add(Code::RouteShadowed, place, "no request can meet the conditions of this route");
        }
        let is_denied = self.settings.denied || !told;
        let outcomes =
            if is_denied { vec![(Expr::True, Outcome::denied())] } else { self.outcomes(host, route, place) };
        for (part, (share, outcome)) in outcomes.into_iter().enumerate() {
            lines.push(Line {
                keys: keys.clone(),
                condition: condition.clone().and(share),
                outcome,
                position: Position::Route(index),
                part,
                name: route.name.clone(),
                owner: None,
            });
        }
    }

    fn paths(&mut self, route: &Route, place: &Place<'_>) -> Paths {
        let ignore_parameters = self.settings.ignore_path_parameters;
        let options = PathOptions { ignore_case: !route.case_sensitive, ignore_parameters };
        let (keys, condition) = match &route.path {
            None => every_path(),
            Some(PathMatch::Regex(pcre)) if ignore_parameters && !pcre.is_text() => {
                self.report.add(Code::RouteDenied, place.field("match").field("safe_regex"), PARAMETERS_INSIDE);
                let Ok(before) = pcre.before(';') else {
                    return Paths { keys: Vec::new(), condition: Expr::False, untold: every_path() };
                };
                let (keys, condition) = path_keys(&PathMatch::Regex(before), options);
                return Paths {
                    keys,
                    condition: parameters_inside().negate().and(condition),
                    untold: (every_path().0, parameters_inside()),
                };
            }
            Some(path @ PathMatch::Template(_)) => {
                let place = place.field("match");
                self.report.add(Code::MatcherApproximated, place.field("path_match_policy"), NOT_PLAIN);
                let (keys, condition) = path_keys(path, options);
                let untold = (keys.clone(), condition.clone().and(plain_path().negate()));
                return Paths { keys, condition: condition.and(plain_path()), untold };
            }
            Some(path) => path_keys(path, options),
        };
        Paths { keys, condition, untold: (Vec::new(), Expr::False) }
    }

    /// The header conditions; false where one cannot be told, which makes the condition wider.
    fn headers(&mut self, route: &Route, place: &Place<'_>) -> (Expr, bool) {
        let mut told = true;
        let mut parts = Vec::with_capacity(route.headers.len());
        for (index, header) in route.headers.iter().enumerate() {
            let place = place.field("match");
            let place = place.item("headers", index);
            match self.header(header) {
                Ok((part, notes)) => {
                    for note in notes {
                        self.report.add(Code::MatcherApproximated, place, remark(note));
                    }
                    parts.push(part);
                }
                Err(error) => {
                    self.report.add(Code::RouteDenied, place, format!("{error}: the route answers 503"));
                    told = false;
                }
            }
        }
        (Expr::all(parts), told)
    }

    fn header(&self, header: &HeaderMatch) -> Result<(Expr, Vec<HeaderNote>), HeaderError> {
        let without_port = |port: &str| Ok((header.to_expr_without_port(port)?, Vec::new()));
        match self.requests.ports {
            PortMatching::Ignore if header.is_authority() => without_port(":[0-9]+"),
            PortMatching::StripListenerPort(port) if header.is_authority() => without_port(&format!(":{port}")),
            _ => header.to_expr(),
        }
    }
}

/// The path, as the client sent it, has no `%2F` and no `%5C`.
fn without_escaped_slashes() -> Expr {
    Expr::matches_caseless("real_request_uri", "^[^?]*%(?:2f|5c)").negate()
}

fn every_path() -> (Vec<Key>, Expr) {
    path_keys(&PathMatch::Prefix("/".to_owned()), PathOptions::default())
}

const NOT_PLAIN: &str = "requests that the template may match are answered 503 where their path has characters that belong \
    escaped";

const PARAMETERS_INSIDE: &str = "a pattern cannot leave out parameters of a segment before the last one: requests that \
    have such are answered 503";

pub(super) fn remark(note: HeaderNote) -> &'static str {
    match note {
        HeaderNote::RepeatedLines => "a header that comes in several lines is compared as one text, joined by commas",
        HeaderNote::DashUnderscore => "header names with underscores are taken for those with dashes",
        HeaderNote::BytesNotCharacters => "the pattern matches bytes, so values beyond ASCII may differ",
    }
}
