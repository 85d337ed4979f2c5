//! Match trees (`xds.type.matcher.v3.Matcher`) as ordered lists of conditions and actions.
//!
//! A branch that leads to no action falls back to what stands behind it, so the first leaf whose condition holds decides:
//! the list says the same as the tree.

mod input;
mod predicate;

use amesh_xds::coverage::WireError;
use amesh_xds::wire::google::protobuf::Any;
use amesh_xds::wire::xds::core::v3::TypedExtensionConfig;
use amesh_xds::wire::xds::r#type::matcher::v3::matcher::matcher_tree::{MatchMap, TreeType};
use amesh_xds::wire::xds::r#type::matcher::v3::matcher::{MatcherTree, MatcherType, OnMatch, on_match};
use amesh_xds::wire::xds::r#type::matcher::v3::{Matcher, matcher::MatcherList};

pub(crate) use input::Inputs;

use super::condition::Condition;
use super::findings::{Extension, extension, shown};
use super::route::HeaderMatcherError;
use super::rules::{RuleError, filled, set};
use crate::diagnostic::Code;
use crate::report::{Place, Report};
use crate::resource_type::message_name;
use crate::vars::{HeaderKind, TextMatch};
use input::Input;

/// Conditions and actions, of which the first whose condition holds counts.
pub(crate) type Leaves<A> = Vec<(Condition, A)>;

/// Why Envoy would refuse a tree.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TreeError {
    /// Something in an `Any` is not the message it should be.
    #[error("{0}")]
    Decode(#[from] WireError),
    /// The same, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
    /// A list or a map without entries.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Fewer than two predicates are joined.
    #[error("{0} has fewer than two predicates")]
    TooFew(&'static str),
    /// A oneof is not set.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// `keep_matching`, for which there is no use here.
    #[error("keep_matching is set, which Envoy does not take here")]
    KeepMatching,
    /// What is looked at cannot be looked at here.
    #[error("a tree of this kind cannot look at {0}")]
    Input(String),
    /// Another action than this kind of tree has.
    #[error("a tree of this kind has no action {0}")]
    Action(String),
    /// A text to compare with that Envoy does not take.
    #[error("value_match: {0}")]
    Value(#[from] HeaderMatcherError),
}

/// Why there is no list.
pub(crate) enum Lack {
    /// Envoy would refuse the tree.
    Error(TreeError),
    /// It is good and cannot be translated, which is reported.
    Untold,
}

impl<E: Into<TreeError>> From<E> for Lack {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Reads the action of a leaf; `None` where the type is no action of this kind of tree.
pub(crate) type ReadAction<'a, A> = &'a dyn Fn(&str, &Any, &Place<'_>, &mut Report) -> Result<Option<A>, Lack>;

/// Comparisons in all conditions of a list together.
const SIZE_MAX: usize = 4000;

/// Flattens a tree of which every field is one that is read; `None` where some of it cannot be told, which is reported.
pub(crate) fn flatten<A>(
    matcher: &Matcher,
    inputs: Inputs,
    action: ReadAction<'_, A>,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Leaves<A>>, TreeError> {
    let mut reader = Reader { inputs, action, report, path: Vec::new(), left: SIZE_MAX, leaves: Vec::new() };
    match reader.matcher(matcher, place) {
        Ok(()) => Ok(Some(reader.leaves)),
        Err(Lack::Untold) => Ok(None),
        Err(Lack::Error(error)) => Err(error),
    }
}

/// An action that is not this kind of tree's: Envoy refuses those of other kinds, and has some that are not read.
pub(crate) fn other_action<A>(any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Option<A>, Lack> {
    match extension("matcher_action", any, place, report)? {
        Extension::Read(..) => Ok(None),
        Extension::Passed(_) => Err(Lack::Untold),
    }
}

struct Reader<'a, A> {
    inputs: Inputs,
    action: ReadAction<'a, A>,
    report: &'a mut Report,
    /// What holds where the reader is.
    path: Vec<Condition>,
    /// Comparisons that there may still be.
    left: usize,
    leaves: Leaves<A>,
}

impl<A> Reader<'_, A> {
    fn matcher(&mut self, matcher: &Matcher, place: &Place<'_>) -> Result<(), Lack> {
        match &matcher.matcher_type {
            Some(MatcherType::MatcherList(list)) => self.list(list, &place.field("matcher_list"))?,
            Some(MatcherType::MatcherTree(tree)) => self.tree(tree, &place.field("matcher_tree"))?,
            None => {}
        }
        let Some(otherwise) = &matcher.on_no_match else { return Ok(()) };
        self.on_match(otherwise, Condition::All(Vec::new()), &place.field("on_no_match"))
    }

    fn list(&mut self, list: &MatcherList, place: &Place<'_>) -> Result<(), Lack> {
        if list.matchers.is_empty() {
            return Err(TreeError::Empty("matcher_list.matchers").into());
        }
        for (index, field) in list.matchers.iter().enumerate() {
            let place = place.item("matchers", index);
            let condition = self.predicate(set(field.predicate.as_ref(), "predicate")?, &place.field("predicate"))?;
            self.on_match(set(field.on_match.as_ref(), "on_match")?, condition, &place.field("on_match"))?;
        }
        Ok(())
    }

    fn tree(&mut self, tree: &MatcherTree, place: &Place<'_>) -> Result<(), Lack> {
        let input = self.input(set(tree.input.as_ref(), "matcher_tree.input")?, place)?;
        match tree.tree_type.as_ref().ok_or(TreeError::Unset("matcher_tree.tree_type"))? {
            TreeType::ExactMatchMap(map) => self.map(map, &input, HeaderKind::Exact, &place.field("exact_match_map")),
            TreeType::PrefixMatchMap(map) => {
                self.map(map, &input, HeaderKind::Prefix, &place.field("prefix_match_map"))
            }
        }
    }

    /// Of prefixes the longest is tried first, then the next one.
    fn map(
        &mut self,
        map: &MatchMap,
        input: &Input,
        kind: fn(String) -> HeaderKind,
        place: &Place<'_>,
    ) -> Result<(), Lack> {
        if map.map.is_empty() {
            return Err(TreeError::Empty("matcher_tree.map").into());
        }
        for (text, on_match) in map.map.iter().rev() {
            let text = TextMatch { kind: kind(text.clone()), ignore_case: false };
            let condition = self.compare(input, text, place)?;
            self.on_match(on_match, condition, &place.field("map"))?;
        }
        Ok(())
    }

    fn on_match(&mut self, on_match: &OnMatch, condition: Condition, place: &Place<'_>) -> Result<(), Lack> {
        if on_match.keep_matching {
            return Err(TreeError::KeepMatching.into());
        }
        self.path.push(condition);
        match on_match.on_match.as_ref().ok_or(TreeError::Unset("on_match"))? {
            on_match::OnMatch::Matcher(matcher) => self.matcher(matcher, &place.field("matcher"))?,
            on_match::OnMatch::Action(action) => self.leaf(action, &place.field("action"))?,
        }
        self.path.pop();
        Ok(())
    }

    fn leaf(&mut self, config: &TypedExtensionConfig, place: &Place<'_>) -> Result<(), Lack> {
        filled(&config.name, "action.name")?;
        let any = set(config.typed_config.as_ref(), "action.typed_config")?;
        let name = message_name(&any.type_url);
        let action = (self.action)(name, any, place, self.report)?;
        let action = action.ok_or_else(|| TreeError::Action(shown(name)))?;
        let condition = Condition::All(self.path.clone());
        let Some(left) = self.left.checked_sub(condition.size()) else {
            return Err(self.untold(place, "the match tree has too many conditions"));
        };
        self.left = left;
        self.leaves.push((condition, action));
        Ok(())
    }

    /// What cannot be translated.
    fn untold(&mut self, place: &Place<'_>, why: impl Into<std::borrow::Cow<'static, str>>) -> Lack {
        self.report.add(Code::ExtensionDenied, place, why);
        Lack::Untold
    }
}
