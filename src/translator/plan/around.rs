//! What stands around a route: the levels that say something about headers and filters.

use super::headers::{Facts, Own};
use crate::model::filter::{Cors, Overrides};
use crate::model::headers::HeaderMutations;
use crate::model::route::{Action, Destination, Route, VirtualHost};
use crate::table::Settings;

/// One route and what stands around it.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// Of the route configuration.
    pub(super) settings: &'a Settings,
    pub(super) host: &'a VirtualHost,
    pub(super) route: &'a Route,
}

impl<'a> Around<'a> {
    /// The levels that change headers, in the order in which Envoy works through them.
    pub(super) fn levels(self, destination: Option<&'a Destination>) -> Vec<&'a HeaderMutations> {
        let attempts = destination.and(self.host.attempts.as_deref());
        let destination = destination.and_then(|destination| destination.mutations.as_deref());
        let mut levels = [&self.route.mutations, &self.host.mutations, &self.settings.mutations];
        // The last one wins. What a weighted cluster says comes first in any case.
        if self.settings.most_specific_wins {
            levels.reverse();
        }
        let first = attempts.into_iter().chain(destination);
        first.chain(levels.into_iter().filter_map(|level| level.as_deref())).collect()
    }

    /// What is said about filters, the most specific level first.
    pub(super) fn overrides(self, destination: Option<&'a Destination>) -> Vec<&'a Overrides> {
        let own = destination.map(|destination| &destination.filters);
        let levels = own.into_iter().chain([&self.route.filters, &self.host.filters, &self.settings.filters]);
        levels.filter(|level| !level.is_empty()).collect()
    }

    /// Deprecated CORS policies, the most specific level first.
    pub(super) fn cors(self) -> Vec<&'a Cors> {
        let own = if let Action::Forward(forward) = &self.route.action { forward.cors.as_deref() } else { None };
        own.into_iter().chain(self.host.cors.as_deref()).collect()
    }

    /// What values of headers are made of.
    pub(super) fn facts(self, destination: Option<&'a Destination>, strips_client_cert: bool) -> Facts<'a> {
        let cluster = destination.map_or("", |destination| &destination.cluster);
        let own = |has_body| Some(Own { has_body, levels: self.levels(destination).len() });
        let facts = Facts { route: &self.route.name, cluster, strips_client_cert, ..Facts::default() };
        match &self.route.action {
            Action::Forward(forward) => Facts {
                path_changes: forward.path.is_some(),
                host_changes: forward.host.is_some() || destination.is_some_and(|it| it.host.is_some()),
                ..facts
            },
            Action::Redirect(redirect) => Facts { path_changes: redirect.path.is_some(), own: own(false), ..facts },
            Action::Respond { body, .. } => Facts { own: own(!body.is_empty()), ..facts },
            Action::Deny => facts,
        }
    }
}
