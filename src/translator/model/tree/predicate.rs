//! Predicates of match trees.

use amesh_xds::wire::envoy::r#type::matcher::v3 as envoy;
use amesh_xds::wire::xds::r#type::matcher::v3::matcher::matcher_list::Predicate;
use amesh_xds::wire::xds::r#type::matcher::v3::matcher::matcher_list::predicate::single_predicate::Matcher as Single;
use amesh_xds::wire::xds::r#type::matcher::v3::matcher::matcher_list::predicate::{
    MatchType, PredicateList, SinglePredicate,
};
use amesh_xds::wire::xds::r#type::matcher::v3::string_matcher::MatchPattern;
use amesh_xds::wire::xds::r#type::matcher::v3::{StringMatcher, regex_matcher::EngineType};

use super::{Lack, Reader, TreeError};
use crate::model::condition::Condition;
use crate::model::route::text_match;
use crate::model::rules::set;
use crate::report::Place;

impl<A> Reader<'_, A> {
    pub(super) fn predicate(&mut self, predicate: &Predicate, place: &Place<'_>) -> Result<Condition, Lack> {
        Ok(match predicate.match_type.as_ref().ok_or(TreeError::Unset("predicate.match_type"))? {
            MatchType::SinglePredicate(single) => self.single(single, &place.field("single_predicate"))?,
            MatchType::OrMatcher(list) => Condition::Any(self.predicates(list, "or_matcher", place)?),
            MatchType::AndMatcher(list) => Condition::All(self.predicates(list, "and_matcher", place)?),
            MatchType::NotMatcher(inner) => {
                Condition::Not(Box::new(self.predicate(inner, &place.field("not_matcher"))?))
            }
        })
    }

    fn predicates(
        &mut self,
        list: &PredicateList,
        field: &'static str,
        place: &Place<'_>,
    ) -> Result<Vec<Condition>, Lack> {
        if list.predicate.len() < 2 {
            return Err(TreeError::TooFew(field).into());
        }
        let place = place.field(field);
        let items = list.predicate.iter().enumerate();
        items.map(|(index, inner)| self.predicate(inner, &place.item("predicate", index))).collect()
    }

    fn single(&mut self, single: &SinglePredicate, place: &Place<'_>) -> Result<Condition, Lack> {
        let input = self.input(set(single.input.as_ref(), "single_predicate.input")?, place)?;
        let Single::ValueMatch(value) = single.matcher.as_ref().ok_or(TreeError::Unset("single_predicate.matcher"))?;
        let place = place.field("value_match");
        let text = text_match(as_envoy(value)?, &place, self.report).map_err(TreeError::Value)?.ok_or(Lack::Untold)?;
        self.compare(&input, text, &place)
    }
}

/// The same as Envoy's own message says it.
fn as_envoy(matcher: &StringMatcher) -> Result<envoy::StringMatcher, TreeError> {
    use envoy::string_matcher::MatchPattern as Pattern;
    let pattern = match matcher.match_pattern.as_ref().ok_or(TreeError::Unset("value_match.match_pattern"))? {
        MatchPattern::Exact(text) => Pattern::Exact(text.clone()),
        MatchPattern::Prefix(text) => Pattern::Prefix(text.clone()),
        MatchPattern::Suffix(text) => Pattern::Suffix(text.clone()),
        MatchPattern::Contains(text) => Pattern::Contains(text.clone()),
        MatchPattern::SafeRegex(regex) => {
            let EngineType::GoogleRe2(_) = set(regex.engine_type.as_ref(), "safe_regex.engine_type")?;
            Pattern::SafeRegex(envoy::RegexMatcher { regex: regex.regex.clone() })
        }
    };
    Ok(envoy::StringMatcher { match_pattern: Some(pattern), ignore_case: matcher.ignore_case })
}
