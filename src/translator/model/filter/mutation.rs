//! `envoy.extensions.filters.http.header_mutation.v3.HeaderMutation`: changes of headers, one after the other.

use amesh_xds::wire::envoy::config::common::mutation_rules::v3 as rules;
use amesh_xds::wire::envoy::config::common::mutation_rules::v3::header_mutation::Action;
use amesh_xds::wire::envoy::extensions::filters::http::header_mutation::v3 as wire;
use amesh_xds::wire::envoy::r#type::matcher::v3::StringMatcher;

use crate::diagnostic::Code;
use crate::model::headers::{self, HeaderListError, HeaderMutations, Level};
use crate::model::route::{HeaderMatcherError, text_match};
use crate::report::{Place, Report};
use crate::vars::{HeaderKind, TextMatch};

/// What the filter does. Every step changes one header, of requests or of responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mutation {
    /// In order; requests come first.
    pub(crate) steps: Vec<HeaderMutations>,
    /// Of the steps of routes, virtual hosts and route configurations the most specific come last, else first.
    pub(crate) most_specific_wins: bool,
}

/// Why Envoy would refuse the filter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MutationError {
    /// Nothing is changed.
    #[error("mutations.{0}[{1}]: action is not set: one of remove, append, remove_on_match is needed")]
    Unset(&'static str, usize),
    /// A bad header.
    #[error("mutations.{0}[{1}]: {2}")]
    Header(&'static str, usize, HeaderListError),
    /// A bad matcher.
    #[error("mutations.{0}[{1}].remove_on_match.key_matcher: {2}")]
    Matcher(&'static str, usize, HeaderMatcherError),
    /// No matcher.
    #[error("mutations.{0}[{1}].remove_on_match.key_matcher is not set")]
    NoMatcher(&'static str, usize),
}

/// What becomes of one mutation.
enum Step {
    /// This.
    Level(Level),
    /// It changes nothing.
    Nothing,
    /// It cannot be translated, which has been reported.
    Untold,
}

/// Validates the filter; `None` where a mutation cannot be translated.
pub(super) fn convert(
    mutations: Option<wire::Mutations>,
    most_specific_wins: bool,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Mutation>, MutationError> {
    let mutations = mutations.unwrap_or_default();
    let place = place.field("mutations");
    let mut converted = Mutation { steps: Vec::new(), most_specific_wins };
    let mut told = true;
    let of_request = |request| HeaderMutations { request, response: Level::default() };
    let of_response = |response| HeaderMutations { request: Level::default(), response };
    let lists: [(_, _, &dyn Fn(Level) -> HeaderMutations); 2] = [
        ("request_mutations", mutations.request_mutations, &of_request),
        ("response_mutations", mutations.response_mutations, &of_response),
    ];
    for (list, mutations, whole) in lists {
        for (index, mutation) in mutations.into_iter().enumerate() {
            match step(mutation, (list, index), &place, report)? {
                Step::Level(level) => converted.steps.push(whole(level)),
                Step::Nothing => {}
                Step::Untold => told = false,
            }
        }
    }
    Ok(told.then_some(converted))
}

fn step(
    mutation: rules::HeaderMutation,
    (list, index): (&'static str, usize),
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Step, MutationError> {
    let bad = |error| MutationError::Header(list, index, error);
    Ok(match mutation.action.ok_or(MutationError::Unset(list, index))? {
        Action::Append(option) => {
            Step::Level(Level { remove: Vec::new(), add: vec![headers::addition(&option).map_err(bad)?] })
        }
        Action::Remove(name) => removal(&name).map_err(bad)?,
        Action::RemoveOnMatch(matching) => {
            let matcher = matching.key_matcher.ok_or(MutationError::NoMatcher(list, index))?;
            if matcher.match_pattern.is_none() {
                return Err(MutationError::NoMatcher(list, index));
            }
            let place = place.item(list, index);
            on_match(matcher, &place, report).map_err(|error| MutationError::Matcher(list, index, error))?
        }
    })
}

/// Envoy leaves Host and pseudo headers where they are.
fn removal(name: &str) -> Result<Step, HeaderListError> {
    match headers::modifiable(name) {
        Ok(name) => Ok(Step::Level(Level { remove: vec![name], add: Vec::new() })),
        Err(HeaderListError::Pseudo(_) | HeaderListError::Unnamed) => Ok(Step::Nothing),
        Err(error) => Err(error),
    }
}

const ON_MATCH: &str = "APISIX removes headers by their whole name only";

fn on_match(matcher: StringMatcher, place: &Place<'_>, report: &mut Report) -> Result<Step, HeaderMatcherError> {
    match text_match(matcher, place, report)? {
        Some(TextMatch { kind: HeaderKind::Exact(name), ignore_case }) => {
            let can_be_there = ignore_case || !name.contains(char::is_uppercase);
            Ok(removal(&name).ok().filter(|_| can_be_there).unwrap_or(Step::Nothing))
        }
        Some(_) => {
            report.add(Code::FieldDenied, place.field("remove_on_match"), ON_MATCH);
            Ok(Step::Untold)
        }
        None => Ok(Step::Untold),
    }
}
