//! What a request meets on its way through Envoy, as places of the configuration, and which diagnostics are about them.

use std::collections::BTreeSet;

use amesh_simulator::envoy::{Answer, Decision, Step};
use amesh_translator::Diagnostic;

use crate::subjects::Subjects;

/// The resources and places that a request meets.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Met {
    /// Resources, as diagnostics name them.
    resources: BTreeSet<String>,
    /// No listener has the connection: APISIX serves some on every port.
    no_listener: bool,
    /// A listener has the connection, but none of its filter chains takes it.
    no_chain: bool,
    /// `filter_chains[0]` or `default_filter_chain`.
    filter_chain: Option<String>,
    /// The scope that the route configuration is for.
    scope: Option<usize>,
    virtual_host: Option<usize>,
    /// The domain for which it was chosen.
    pub(crate) domain: String,
    /// The route that has the request.
    route: Option<usize>,
    /// Routes that were tried before it, to no avail.
    tried: BTreeSet<usize>,
}

/// Which routes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routes {
    /// The one that has the request.
    Taken,
    /// Also those that were tried before it, in what their conditions are about.
    Tried,
    /// The same, but the one of this place alone.
    Only(usize),
    /// None: what is said of routes is not about the request.
    None,
}

impl Met {
    pub(crate) fn of(decision: &Decision, subjects: &Subjects) -> Self {
        let mut met = Self {
            no_listener: decision.listener.is_none(),
            no_chain: matches!(decision.answer(), Some(Answer::Closed(_))) && decision.filter_chain.is_none(),
            filter_chain: decision.filter_chain_path.clone(),
            scope: decision.scope,
            ..Self::default()
        };
        met.resources.extend(decision.listener.iter().map(|name| format!("Listener {name:?}")));
        met.resources.extend(decision.route_config.iter().map(|name| format!("RouteConfiguration {name:?}")));
        for cluster in clusters(decision) {
            met.resources.insert(format!("Cluster {cluster:?}"));
            met.resources.insert(format!("ClusterLoadAssignment {:?}", subjects.service_of(cluster)));
        }
        decision.steps.iter().for_each(|step| met.step(step));
        met
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::VirtualHost { index, domain, .. } => {
                self.virtual_host = Some(*index);
                self.domain.clone_from(domain);
            }
            Step::Route { route, failed: None } => self.route = Some(route.index),
            Step::Route { route, failed: Some(_) } => drop(self.tried.insert(route.index)),
            _ => {}
        }
    }

    /// Whether the diagnostic is about something that the request meets.
    pub(crate) fn covers(&self, diagnostic: &Diagnostic, routes: Routes) -> bool {
        let is_met = self.resources.contains(&diagnostic.resource)
            || (self.no_listener && diagnostic.resource.starts_with("Listener "));
        let first = std::slice::from_ref(&diagnostic.path);
        let places = if diagnostic.places.is_empty() { first } else { diagnostic.places.as_slice() };
        is_met && places.iter().any(|place| self.has(place, routes))
    }

    /// Whether the diagnostic is about a filter chain of the listener, none of whose chains takes the request.
    pub(crate) fn is_left_alone_by(&self, diagnostic: &Diagnostic) -> bool {
        self.no_chain && self.resources.contains(&diagnostic.resource)
    }

    /// Whether every item that the place names is one that the request meets.
    fn has(&self, place: &str, routes: Routes) -> bool {
        let in_conditions = steps(place).any(|step| step == "match");
        steps(place).all(|step| {
            let index = || step.split_once('[').and_then(|(_, rest)| rest.trim_end_matches(']').parse().ok());
            match step.split('[').next().unwrap_or_default() {
                "filter_chains" if step.contains('[') => self.filter_chain.as_deref() == Some(step),
                "default_filter_chain" => self.filter_chain.as_deref() == Some(step),
                "scoped_route_configurations" if step.contains('[') => index() == self.scope,
                "virtual_hosts" if step.contains('[') => index() == self.virtual_host,
                // Without an index they are those that have no route.
                "virtual_hosts" | "routes" if !step.contains('[') => self.route.is_none(),
                "routes" => index().is_some_and(|index| self.has_route(index, in_conditions, routes)),
                _ => true,
            }
        })
    }

    fn has_route(&self, index: usize, in_conditions: bool, routes: Routes) -> bool {
        let known = || self.route == Some(index) || (in_conditions && self.tried.contains(&index));
        match routes {
            Routes::Taken => self.route == Some(index),
            Routes::Tried => known(),
            Routes::Only(only) => only == index && known(),
            Routes::None => false,
        }
    }
}

/// The clusters that get the request, or a copy of it.
fn clusters(decision: &Decision) -> impl Iterator<Item = &String> {
    let forwards = decision.outcomes.iter().filter_map(|outcome| match &outcome.answer {
        Answer::Forward(forward) => Some(forward),
        _ => None,
    });
    forwards
        .flat_map(|forward| std::iter::once(&forward.cluster).chain(forward.mirrors.iter().map(|it| &it.cluster)))
        .chain(&decision.cluster)
}

/// The steps of a path; a dot inside brackets is part of a key.
pub(crate) fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    path.split(move |letter| {
        match letter {
            '[' => depth = depth.saturating_add(1),
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '.' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amesh_translator::Code;

    fn met() -> Met {
        Met {
            resources: BTreeSet::from(["RouteConfiguration \"r\"".to_owned(), "Listener \"l\"".to_owned()]),
            filter_chain: Some("filter_chains[1]".into()),
            virtual_host: Some(0),
            route: Some(3),
            tried: BTreeSet::from([0, 2]),
            ..Met::default()
        }
    }

    #[test]
    fn places_are_met_item_by_item() {
        let met = met();
        for place in ["", "name", "filter_chains", "filter_chains[1].filters[0]", "virtual_hosts[0].routes[3].route"] {
            assert!(met.has(place, Routes::Taken), "{place}");
        }
        for place in ["filter_chains[0]", "default_filter_chain", "virtual_hosts[1]", "virtual_hosts[0].routes[2]"] {
            assert!(!met.has(place, Routes::Taken), "{place}");
        }
        assert!(met.has("virtual_hosts[0].routes[2].match.headers[0]", Routes::Tried));
        assert!(!met.has("virtual_hosts[0].routes[2].route.timeout", Routes::Tried));
        assert!(met.has("virtual_hosts[0].routes[2].match", Routes::Only(2)));
        assert!(!met.has("virtual_hosts[0].routes[3]", Routes::Only(2)));
        assert!(!met.has("virtual_hosts[0].routes[4]", Routes::Only(4)));
    }

    #[test]
    fn keys_with_dots_are_one_step() {
        let path = "virtual_hosts[0].typed_per_filter_config[envoy.filters.http.rbac].rbac";
        assert_eq!(steps(path).count(), 3);
    }

    #[test]
    fn any_place_will_do_but_the_resource_must_be_met() {
        let diagnostic = |resource: &str| Diagnostic {
            places: vec!["virtual_hosts[0].routes[1]".into(), "virtual_hosts[0].routes[3].match".into()],
            ..Diagnostic::new(Code::FieldIgnored, resource.into(), "virtual_hosts[0].routes[1]".into(), String::new())
        };
        assert!(met().covers(&diagnostic("RouteConfiguration \"r\""), Routes::Taken));
        assert!(!met().covers(&diagnostic("RouteConfiguration \"s\""), Routes::Taken));
    }
}
