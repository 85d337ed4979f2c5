//! `envoy.extensions.common.matching.v3.ExtensionWithMatcher`: a filter that some requests pass by.

use amesh_xds::wire::google::protobuf::Any;
use amesh_xds::wire::xds::r#type::matcher::v3::Matcher;

use super::{Config, FilterError};
use crate::model::condition::Condition;
use crate::model::findings::scan;
use crate::model::tree::{Inputs, Lack, flatten, other_action};
use crate::report::{Place, Report};

/// A filter and its match tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// Requests that the filter is not for.
    pub(crate) passes: Condition,
    /// What the filter does to the others.
    pub(crate) inner: Config,
}

const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

/// The requests that a tree lets pass the filter by; `None` where it cannot be told which.
pub(super) fn passes(
    matcher: &Matcher,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Condition>, FilterError> {
    let leaves = flatten(matcher, Inputs::All, &skip, &place.field("xds_matcher"), report);
    let leaves = leaves.map_err(|error| FilterError::Tree("xds_matcher", error))?;
    Ok(leaves.map(|leaves| Condition::Any(leaves.into_iter().map(|(condition, ())| condition).collect())))
}

fn skip(name: &str, any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Option<()>, Lack> {
    if name == SKIP {
        let _ = scan(SKIP, &any.value, place, report)?;
        return Ok(Some(()));
    }
    other_action(any, place, report)
}

/// Why a filter cannot be wrapped: what it does to headers is not done by conditions.
pub(super) fn refuse(inner: Config) -> Config {
    match inner {
        Config::Cors(_) | Config::Compressor(_) | Config::Mutation(_) | Config::Wrapped(_) => {
            Config::Unusable("a filter of this kind is not told for which requests it is".to_owned())
        }
        inner => inner,
    }
}
