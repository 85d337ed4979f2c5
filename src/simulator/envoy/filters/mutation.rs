//! `envoy.extensions.filters.http.header_mutation.v3.HeaderMutation`.

use super::{Kind, Verdict};
use crate::envoy::change::Changes;
use crate::envoy::exchange::Exchange;
use crate::envoy::object::{Object, Read};
use crate::envoy::stop::Known;

/// Changes of headers, each made after the one before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mutation {
    request: Vec<Changes>,
    response: Vec<Changes>,
    most_specific_wins: bool,
}

impl Mutation {
    pub(super) fn read(config: &Object) -> Read<Self> {
        let most_specific_wins = config.flag("most_specific_header_mutations_wins")?;
        let (mut request, mut response) = (Vec::new(), Vec::new());
        if let Some(mutations) = config.object("mutations")? {
            request = changes(&mutations, "request_mutations")?;
            response = changes(&mutations, "response_mutations")?;
        }
        Ok(Self { request, response, most_specific_wins })
    }
}

fn changes(mutations: &Object, name: &str) -> Read<Vec<Changes>> {
    let read = |mutation: &Object| {
        if let Some(option) = mutation.object("append")? {
            return Changes::addition(&option);
        }
        Ok(Changes::removal(mutation.text("remove")?))
    };
    mutations.objects(name)?.iter().map(read).collect()
}

/// First what the chain says, then what routes say: all levels, the least specific last unless told otherwise.
fn levels<'k>(chain: &'k Kind, overrides: &[&'k Kind]) -> Vec<&'k Mutation> {
    let of = |kind: &'k Kind| match kind {
        Kind::Mutation(mutation) => Some(mutation.as_ref()),
        _ => None,
    };
    let own = of(chain);
    let mut levels: Vec<&Mutation> = overrides.iter().filter_map(|kind| of(kind)).collect();
    if own.is_some_and(|own| own.most_specific_wins) {
        levels.reverse();
    }
    own.into_iter().chain(levels).collect()
}

pub(super) fn act(chain: &Kind, overrides: &[&Kind], exchange: &mut Exchange, route_name: &str) -> Known<Verdict> {
    for change in levels(chain, overrides).into_iter().flat_map(|level| &level.request) {
        change.apply_to_request(exchange, route_name, "")?;
    }
    Ok(Verdict::Continue)
}

/// What is done to every answer.
pub(super) fn response(chain: &Kind, overrides: &[&Kind]) -> Vec<Changes> {
    levels(chain, overrides).into_iter().flat_map(|level| level.response.clone()).collect()
}
