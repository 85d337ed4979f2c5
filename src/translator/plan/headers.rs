//! What all levels together do to headers: one closed form for each header name.
//!
//! Envoy works through the levels one after the other; in each it removes, then overwrites, then adds, with values that
//! are made of what was there before. APISIX adds, sets and removes each name once, in no known order.

mod evaluate;
mod note;
mod output;

pub(super) use note::Note;

use std::collections::{BTreeMap, BTreeSet};

use evaluate::Evaluation;

use crate::apisix::{RequestHeaders, ResponseHeaders};
use crate::model::headers::HeaderMutations;
use crate::vars::{Expr, header_variable};

/// Headers whose presence is asked for at most; each doubles the number of routes.
const ASKED_MAX: usize = 2;

/// What the values are made of beside the headers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    /// The route's name.
    pub(super) route: &'a str,
    /// The cluster's name; empty where there is none.
    pub(super) cluster: &'a str,
    /// `x-forwarded-client-cert` is taken off before all else.
    pub(super) strips_client_cert: bool,
    /// The request has another path when the response comes.
    pub(super) path_changes: bool,
    /// The request has another host when the response comes.
    pub(super) host_changes: bool,
    /// The answer is made here.
    pub(super) own: Option<Own>,
}

/// An answer that is made here, by the route or by a filter. In Envoy its body gets a media type only after the route's
/// own changes of headers, if it has none then, and before those of filters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// There is a body.
    pub(super) has_body: bool,
    /// How many of the levels are not filters'.
    pub(super) levels: usize,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Request,
    Response,
}

/// What happens to the headers of requests, by condition: of several the first that holds counts. `levels` stand in
/// Envoy's order.
pub(super) fn request(
    levels: &[&HeaderMutations],
    facts: Facts<'_>,
    notes: &mut BTreeSet<Note>,
) -> Vec<(Expr, RequestHeaders)> {
    let evaluate = |known| Evaluation::run(Direction::Request, levels, facts, known);
    let first = evaluate(BTreeMap::new());
    let asked: Vec<String> = first.asked.iter().cloned().collect();
    if asked.is_empty() || asked.len() > ASKED_MAX {
        notes.extend(asked.into_iter().map(Note::PresenceNotAsked));
        return vec![(Expr::True, first.request(notes))];
    }
    let cases = 1_usize.checked_shl(u32::try_from(asked.len()).unwrap_or(0)).unwrap_or(1);
    let case = |case: usize| {
        let is_present = |index: usize| case & (1_usize << index) == 0;
        let known: BTreeMap<_, _> = asked.iter().enumerate().map(|(i, name)| (name.clone(), is_present(i))).collect();
        let present = known.iter().filter(|(_, present)| **present).map(|(name, _)| presence(name));
        (Expr::all(present), evaluate(known).request(notes))
    };
    (0..cases).map(case).collect()
}

/// The request has this header.
fn presence(name: &str) -> Expr {
    // A header that nginx drops is never there.
    header_variable(name).map_or(Expr::False, Expr::present)
}

/// What happens to the headers of responses.
pub(super) fn response(levels: &[&HeaderMutations], facts: Facts<'_>, notes: &mut BTreeSet<Note>) -> ResponseHeaders {
    let evaluation = Evaluation::run(Direction::Response, levels, facts, BTreeMap::new());
    notes.extend(evaluation.asked.iter().cloned().map(Note::PresenceNotAsked));
    evaluation.response(notes)
}
