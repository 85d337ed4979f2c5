//! Which filters run for a route, and with which configuration: the most specific level that says something decides.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;

use super::{Config, HttpFilter, Mutation, Override, Overrides, Wrapped};
use crate::model::condition::Condition;
use crate::model::headers::HeaderMutations;

/// The filters of a connection manager, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filters {
    /// These.
    Known(Arc<[HttpFilter]>),
    /// No listener is known: every filter that a route configures is taken to be there, and to do nothing elsewhere.
    Unknown,
}

/// What the levels say about filters, the most specific first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels<'a>(pub(crate) &'a [&'a Overrides]);

impl Default for Filters {
    fn default() -> Self {
        Self::Known(Arc::default())
    }
}

impl Filters {
    /// What runs for requests to which the levels apply, in order: names and configurations.
    pub(crate) fn effective<'a>(&'a self, levels: Levels<'a>) -> Vec<(&'a str, Effective<'a>)> {
        self.running(levels).into_iter().map(|(name, installed)| (name, levels.config(name, installed))).collect()
    }

    /// The steps of each filter that runs and changes headers; none for the other ones.
    pub(crate) fn steps<'a>(&'a self, levels: Levels<'a>) -> Vec<Vec<&'a HeaderMutations>> {
        self.running(levels).into_iter().map(|(name, installed)| levels.steps(name, installed)).collect()
    }

    /// What a filter does where no route says otherwise; `None` where that is not known.
    pub(crate) fn installed(&self, name: &str) -> Option<&Config> {
        let Filters::Known(list) = self else { return None };
        list.iter().find(|filter| filter.name == name).map(|filter| &filter.config)
    }

    /// What runs: names, and configurations where no level says otherwise.
    fn running<'a>(&'a self, levels: Levels<'a>) -> Vec<(&'a str, &'a Config)> {
        match self {
            Filters::Known(list) => {
                let runs = list.iter().filter(|filter| levels.runs(&filter.name, filter.enabled));
                runs.map(|filter| (filter.name.as_str(), &filter.config)).collect()
            }
            Filters::Unknown => {
                let names: BTreeSet<&str> =
                    levels.0.iter().flat_map(|level| level.keys().map(String::as_str)).collect();
                let runs = names.into_iter().filter(|name| levels.runs(name, false));
                runs.map(|name| (name, &Config::Off)).collect()
            }
        }
    }
}

/// The configuration that holds for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effective<'a> {
    /// This one.
    Config(&'a Config),
    /// This one, for requests that do not meet the condition.
    Unless(&'a Condition, &'a Config),
    /// What the filter has, and what a route says about it that means nothing alone.
    Refined(&'a Config, &'a Config),
    /// A route configures the filter as if it were another one.
    Mismatch,
}

impl<'a> Levels<'a> {
    /// Every configuration that a level has for a filter, the most specific first.
    pub(crate) fn configs(self, name: &str) -> impl Iterator<Item = &'a Config> {
        let said = self.0.iter().filter_map(move |level| level.get(name));
        said.filter_map(|said| if let Override::Config(config) = said { Some(config) } else { None })
    }

    /// The most specific level that says something decides.
    fn runs(self, name: &str, enabled: bool) -> bool {
        let said = self.0.iter().find_map(|level| level.get(name));
        said.map_or(enabled, |said| *said != Override::Disabled)
    }

    fn config(self, name: &str, installed: &'a Config) -> Effective<'a> {
        let own = self.configs(name).next();
        match (installed, own) {
            (Config::Wrapped(wrapped), own) => inside(wrapped, own),
            (installed, None) => Effective::Config(installed),
            (installed, Some(own)) => replaced(installed, own),
        }
    }

    /// What a filter that is no mutation does to headers by the way.
    fn own_step(self, name: &str, installed: &'a Config) -> Option<&'a HeaderMutations> {
        let step = match (installed, self.config(name, installed)) {
            (Config::Jwt(jwt), _) => &jwt.step,
            (_, Effective::Config(Config::ApiKey(keys)) | Effective::Refined(_, Config::ApiKey(keys))) => &keys.step,
            _ => return None,
        };
        (*step != HeaderMutations::default()).then_some(step)
    }

    /// What the filter does itself comes first, then what all of the levels say, the least specific last.
    fn steps(self, name: &str, installed: &'a Config) -> Vec<&'a HeaderMutations> {
        if let Some(step) = self.own_step(name, installed) {
            return vec![step];
        }
        let mutation = |config: &'a Config| if let Config::Mutation(own) = config { Some(&**own) } else { None };
        let own = mutation(installed);
        let mut others: Vec<&Mutation> = self.configs(name).filter_map(mutation).collect();
        if own.is_some_and(|own| own.most_specific_wins) {
            others.reverse();
        }
        own.into_iter().chain(others).flat_map(|mutation| &mutation.steps).collect()
    }
}

/// A route has something to say about the tree, or about the filter in it, which then is as the chain has it.
fn inside<'a>(wrapped: &'a Wrapped, own: Option<&'a Config>) -> Effective<'a> {
    let passes = &wrapped.passes;
    match own {
        None => Effective::Unless(passes, &wrapped.inner),
        Some(Config::PassedBy(passes)) => Effective::Unless(passes, &wrapped.inner),
        Some(own @ Config::Unusable(_)) => Effective::Config(own),
        Some(own) => match replaced(&wrapped.inner, own) {
            Effective::Config(inner) => Effective::Unless(passes, inner),
            other => other,
        },
    }
}

/// A route's configuration in place of the filter's own.
fn replaced<'a>(installed: &'a Config, own: &'a Config) -> Effective<'a> {
    match (installed, own) {
        // What the filter does is not known, so neither is what the route makes of it.
        (Config::Unusable(_), _) => Effective::Config(installed),
        (Config::Jwt(_), Config::JwtRoute(_)) | (Config::ApiKey(_), Config::ApiKey(_)) => {
            Effective::Refined(installed, own)
        }
        (Config::Jwt(_) | Config::ApiKey(_) | Config::ExtAuthz(_), Config::Off) => Effective::Mismatch,
        (Config::Off, _)
        | (_, Config::Off | Config::Unusable(_))
        | (Config::Compressor(_), Config::CompressorRoute(_)) => Effective::Config(own),
        _ if discriminant(installed) == discriminant(own) => Effective::Config(own),
        _ => Effective::Mismatch,
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Effective, Filters, HttpFilter, Levels, Override, Overrides};

    fn level(said: Override) -> Overrides {
        Overrides::from([("f".to_owned(), said)])
    }

    fn installed(enabled: bool) -> Filters {
        let filter = HttpFilter { name: "f".to_owned(), enabled, config: Config::Nothing };
        Filters::Known([filter].into())
    }

    #[test]
    fn the_most_specific_level_decides() {
        let unusable = Config::Unusable("x".to_owned());
        let (off, on) = (level(Override::Disabled), level(Override::Enabled));
        let own = level(Override::Config(unusable.clone()));
        let own_config = [("f", Effective::Config(&unusable))];
        let first = [("f", Effective::Config(&Config::Nothing))];
        let (on_by_default, off_by_default) = (installed(true), installed(false));
        assert_eq!(on_by_default.effective(Levels(&[&own, &off])), own_config);
        assert_eq!(on_by_default.effective(Levels(&[&on, &off, &own])), own_config);
        assert_eq!(on_by_default.effective(Levels(&[&off, &own])), []);
        assert_eq!(off_by_default.effective(Levels(&[&on])), first);
        assert_eq!(off_by_default.effective(Levels(&[])), []);
        assert_eq!(Filters::Unknown.effective(Levels(&[&own])), own_config);
        assert_eq!(Filters::Unknown.effective(Levels(&[])), []);
    }

    #[test]
    fn a_configuration_of_another_filter_is_told() {
        let filter = HttpFilter { name: "f".to_owned(), enabled: true, config: Config::Fault(Box::default()) };
        let filters = Filters::Known([filter].into());
        let other = level(Override::Config(Config::Nothing));
        assert_eq!(filters.effective(Levels(&[&other])), [("f", Effective::Mismatch)]);
    }
}
